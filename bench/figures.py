"""The answer time that is recorded beside the one that the caller's own phone measured, call by call.

Beside it the same calls in whole seconds, which is how `Queue()` counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.place import OURS, Options, dial, each_his_own, people, place, settled
from bench.report import Figure, ms, quantile
from sandbox.people import Plan
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli.stage import Stage
from service.numbers import Numbers
from storage.keys import Keyring
from storage.queries import CallRecord

CALLS, PER_S = 500, 10
SEATS = 14  # so few that most callers wait
RING_S, TALK_S = 0.6, 1.0
AIM_MS = 50.0


async def run(options: Options) -> list[Figure]:
    count = 20 if options.quick else CALLS
    async with place(options, "figures", SEATS) as stage, people(stage, SEATS, Habit(ring_s=RING_S)):
        legs = await dial(stage, [Plan(OURS, talk_s=TALK_S)] * count, PER_S)
        await settled(stage)
        off_s, whole_s = _off(stage, legs, await _records(stage, count))
    worst, whole = quantile(off_s, 0.99), quantile(whole_s, 0.99)
    what = f"recorded answer time off from the caller's, {len(off_s)} calls"
    met = worst * 1000 <= AIM_MS and len(off_s) == count
    return [
        Figure("figures", f"{what}, p50", ms(quantile(off_s, 0.5)), f"whole seconds {ms(quantile(whole_s, 0.5))}"),
        Figure("figures", f"{what}, p99", ms(worst), f"whole seconds {ms(whole)}", worst / whole, f"<= {AIM_MS:g} ms", met),
    ]  # fmt: skip


async def _records(stage: Stage, count: int) -> dict[str | None, CallRecord]:
    """By the reference of the caller."""

    async def ended() -> list[CallRecord] | None:
        found = await stage.calls()
        return found if sum(call.outcome is not None for call in found) >= count else None

    found = await stage.until(ended, 30, "every call is recorded")
    assert isinstance(found, list)
    return {call.caller_ref: call for call in found}


def _off(
    stage: Stage, legs: Sequence[Leg], records: Mapping[str | None, CallRecord]
) -> tuple[list[float], list[float]]:
    """Seconds by which the record is off from the caller, and by which whole seconds are."""
    numbers = Numbers(Keyring(stage.settings.number_keys()), stage.settings.service.area_code)
    off_s, whole_s = [], []
    for leg, plan in zip(legs, each_his_own([Plan(OURS)] * len(legs)), strict=True):
        record = records[numbers.sealed(plan.caller)[0]]
        if leg.answer_s is not None and record.wait_ms is not None and record.answered_ms is not None:
            off_s.append(abs(record.wait_ms / 1000 - leg.answer_s))
            whole_s.append(abs(int(leg.answer_s) - leg.answer_s))
    return off_s, whole_s
