"""An emergency centre from the act (API) to its INVITE, and to the second route's when the first gives no sound."""

from __future__ import annotations

import time

import httpx

from bench.place import OURS, Options, people, place
from bench.report import Figure, ms, quantile
from sandbox.people import CARRIER, CENTRE, Caller, Listener
from sandbox.scenario import RINGS_FOR_EVER, SILENT, Habit
from service.cli.stage import Stage

CENTRE_NUMBER = "110"
AIM_P99_MS = 150.0
AIM_SECOND_S = 4.0  # first_sound_s is 3
WAIT_S = 20.0
WHAT = "from the act to the INVITE"


async def run(options: Options) -> list[Figure]:
    first, second = (5, 1) if options.quick else (200, 10)
    async with place(options, "emergency", 1) as stage, people(stage, 1, Habit()):
        caller = Caller(stage.pbx, OURS, stage.folder / "caller", sound=False)
        carrier = Listener(stage.pbx, CARRIER, stage.ports.far, stage.folder, habit=RINGS_FOR_EVER, name="carrier")
        async with caller, carrier:
            await caller.until_talking()
            call = await stage.talk()
            async with _centre(stage, RINGS_FOR_EVER) as centre:
                to_first = [await _once(stage, call["id"], centre) for _ in range(first)]
            async with _centre(stage, SILENT):
                to_second = [await _once(stage, call["id"], carrier) for _ in range(second)]
    return _figures(to_first, to_second)


def _centre(stage: Stage, habit: Habit) -> Listener:
    return Listener(stage.pbx, CENTRE, stage.ports.far, stage.folder, habit=habit, name="centre")


async def _once(stage: Stage, call_id: str, route: Listener) -> float:
    """Seconds until that route was called; then the act is taken back, and the call is as it was."""
    before = len(route.legs)
    asked_at = time.time()
    await _act(stage, call_id, "emergency", {"emergency": CENTRE_NUMBER})
    legs = await route.until(lambda legs: len(legs) > before, WAIT_S, "called")
    await _act(stage, call_id, "return", None)
    await stage.until(lambda: _alone(stage), WAIT_S, "the act is over")
    return max(leg.invited_at for leg in legs) - asked_at


async def _act(stage: Stage, call_id: str, verb: str, body: dict[str, str] | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    answer = await stage.http.post(f"/api/v1/calls/{call_id}/{verb}", headers=headers, json=body)
    return answer.raise_for_status()


async def _alone(stage: Stage) -> bool:
    (call,) = await stage.api("/api/v1/calls/live")
    return bool(call["state"] == "talking" and not call["thirds"])


def _figures(to_first: list[float], to_second: list[float]) -> list[Figure]:
    p50, p99, worst = quantile(to_first, 0.5), quantile(to_first, 0.99), max(to_second)
    return [
        Figure("emergency", f"{WHAT}, {len(to_first)} times, p50", ms(p50)),
        Figure(
            "emergency", f"{WHAT}, p99", ms(p99), f"p50 {ms(p50)}", p99 / p50, f"<= {AIM_P99_MS:g} ms",
            p99 * 1000 <= AIM_P99_MS,
        ),
        Figure(
            "emergency", f"{WHAT} of the second route, the first silent, {len(to_second)} times, worst",
            f"{worst:.2f} s", f"first route p50 {ms(p50)}", aim=f"<= {AIM_SECOND_S:g} s", met=worst <= AIM_SECOND_S,
        ),
    ]  # fmt: skip
