"""One act brings an emergency centre into the call: whichever route answers, and the caller is never without the agent."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from routing.steps import Step, StepKind
from sandbox.instance import Ports
from sandbox.people import Caller, Listener, Seat
from sandbox.root import Asterisk
from sandbox.scenario import ANSWERS, BUSY, RINGS_FOR_EVER, SILENT, Habit
from sandbox.voice import Voice
from service.cli.stage import Stage
from tests.e2e.cast import Cast, number_of, several_routes
from tests.e2e.evidence import caller_at, several, story, with_key
from tests.e2e.machine import tolerance_s
from tests.e2e.parties import Joined, channels, everybody, until_heard, until_joined
from tests.e2e.staging import asked_every, timing

AGENT = "1011"
APART_S = 0.6  # an ear remembers for some tenths; longer is a gap that people would notice
FIRST_SOUND_S, ANSWER_S = 1.0, 3.0
ROUTES = with_key("emergency", "110", f"first_sound_s = {FIRST_SOUND_S}\nanswer_s = {ANSWER_S}")
WAYS = ["police 110", "police-2 110", "police-3 110"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    quick = timing(wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0, redial_keeps_place_s=0)
    limits = "\n[restrictions]\nwarning_s = 1.0\n"
    stage = Stage(folder, asterisk, ports, edit=several(quick, several_routes, ROUTES, lambda text: text + limits))
    async with stage.serving(lambda files: asked_every(files, 0)):  # so that the first route is tried first
        yield stage


class Talk:
    """A caller and an agent who hear each other, and how long they did not."""

    def __init__(self, stage: Stage, seat: Seat, caller: Caller) -> None:
        self.stage, self.seat, self.caller = stage, seat, caller
        self.call_id = ""
        self.worst_s = 0.0

    @classmethod
    async def begin(cls, stage: Stage, people: Cast, caller: str | None = None) -> Talk:
        seat = await people.seat(AGENT, voice=True)
        talk = cls(stage, seat, await people.caller(caller=caller, voice=True))
        await talk.caller.until_talking()
        await until_heard(talk.two, everybody(list(talk.two)))
        talk.call_id = (await stage.talk())["id"]
        return talk

    @property
    def two(self) -> dict[str, Voice]:
        return {"caller": self.caller.voice, "agent": self.seat.voice}

    async def act(self, verb: str, **body: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.stage.settings.cli_token()}"}
        answer = await self.stage.http.post(f"/api/v1/calls/{self.call_id}/{verb}", headers=headers, json=body or None)
        assert answer.status_code == 202, answer.text
        return answer

    async def until(self, state: str) -> dict[str, Any]:
        async def so() -> dict[str, Any] | None:
            live = [call for call in await self.stage.api("/api/v1/calls/live") if call["id"] == self.call_id]
            return live[0] if live and live[0]["state"] == state else None

        found = await self.stage.until(so, 20, f"the call is {state}")
        assert isinstance(found, dict)
        return found

    async def all_three(self, centre: Listener) -> None:
        voices = {**self.two, "centre": centre.voice}
        await until_heard(voices, everybody(list(voices)))

    async def _listen(self) -> None:
        pitches = {name: voice.pitch for name, voice in self.two.items()}
        heard_at = time.monotonic()
        while True:
            now = time.monotonic()
            if pitches["agent"] in self.caller.voice.hears() and pitches["caller"] in self.seat.voice.hears():
                heard_at = now
            self.worst_s = max(self.worst_s, now - heard_at)
            await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Caller and agent hear each other all the time."""
        since = time.time()
        listening = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listening.cancel()
        assert self.worst_s < APART_S + tolerance_s(since)


DEAD = {
    "unreachable": None,
    "refuses": Habit(code=503),
    "busy": BUSY,
    "silent": SILENT,
    "rings": RINGS_FOR_EVER,
    "drops": Habit(talk_s=0.01),
}


@pytest.mark.parametrize("way", DEAD)
async def test_second_route_joins_when_the_first_is_dead(stage: Stage, people: Cast, way: str) -> None:
    talk, since = await Talk.begin(stage, people), time.time()
    habit = DEAD[way]
    if habit is not None:
        await people.centre(habit, route=0)
    second = await people.centre(route=1, voice=True)
    async with talk.together():
        await talk.act("emergency", emergency="110", case="A-2026-17")
        await second.until_talking()
        await talk.all_three(second)
    assert caller_at(second) == number_of(talk.caller)
    assert "X-Hotline-Case: A-2026-17" in second.invite()
    assert await rightly_dialled(stage, talk, since) in (WAYS[:2], WAYS)


async def rightly_dialled(stage: Stage, talk: Talk, since: float) -> list[str]:
    """The ways that were dialled, in order. Each but the first because the one before it had ended, or was silent or
    unanswered for too long; and none was left out, up to the centre that is in the call. A busy machine makes a centre
    silent for a second: its routes are judged by what was heard of them.
    """
    # A centre that left at once may have had an act of its own, which is done too.
    last = (await talk.until("three_way"))["act_no"]

    async def over() -> list[Step] | None:
        steps = await story(stage, talk.call_id)
        ended = [step for step in steps if step.kind is StepKind.ACT_ENDED and step.data["act"] == last]
        return steps if ended and ended[-1].data["outcome"] == "done" else None

    steps = await stage.until(over, 10, "the records of what was dialled")
    assert isinstance(steps, list)
    legs = [step for step in steps if step.kind is StepKind.THIRD_DIALED]
    joined_at = max(step.at for step in steps if step.kind is StepKind.THIRD_JOINED)
    late_s = tolerance_s(since)
    for leg, after in zip(legs, [*legs[1:], None], strict=True):
        if after is None:
            assert len(legs) == len(WAYS) or next_due(steps, leg, late_s) > joined_at
        else:
            assert next_due(steps, leg, -late_s) - late_s <= after.at
    return [leg.data["way"] for leg in legs]


def next_due(steps: list[Step], leg: Step, late_s: float) -> float:
    """When the route after this one was due; infinite: never. `late_s`: the times may be longer by so much."""

    def at(*kinds: StepKind) -> float:
        own = [
            s for s in steps if s.kind in kinds and (s.data["act"], s.data["leg"]) == (leg.data["act"], leg.data["leg"])
        ]
        return min((step.at for step in own), default=math.inf)

    answered = at(StepKind.THIRD_ANSWERED)
    waits = [(min(answered, at(StepKind.THIRD_RINGING)), FIRST_SOUND_S), (answered, ANSWER_S)]
    late = [leg.at + limit_s for heard, limit_s in waits if heard > leg.at + limit_s + late_s]
    return min([at(StepKind.THIRD_ENDED), *late])


async def test_alarm_stands_until_it_is_acknowledged_and_over_a_restart_when_no_route_answers(
    stage: Stage, people: Cast
) -> None:
    before = await _alarms(stage)
    talk = await Talk.begin(stage, people)
    for route in range(3):
        await people.centre(BUSY, route=route)
    async with talk.together():
        await talk.act("emergency", emergency="110")
        await stage.until(lambda: _more_alarms(stage, before), 20, "an alarm")
        await talk.until("talking")
    await stage.end_service(signal.SIGKILL)
    await stage.start_service()
    (alarm,) = await _more_alarms(stage, before)
    assert (alarm["call_id"], alarm["target"], alarm["agent"]) == (talk.call_id, "110", AGENT)
    assert (await stage.api("/api/v1/status"))["alarms"] == [alarm, *before]
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    answer = await stage.http.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", headers=headers)
    assert answer.json()["by"]
    assert await _alarms(stage) == before


async def _more_alarms(stage: Stage, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [alarm for alarm in await _alarms(stage) if alarm not in before]


async def _alarms(stage: Stage) -> list[dict[str, Any]]:
    found = await stage.api("/api/v1/alarms")
    assert isinstance(found, list)
    return found


async def test_restricted_caller_is_not_cut_by_the_limit_of_the_talk(stage: Stage, people: Cast) -> None:
    number, limit_s = "13800007001", 6.0
    await restrict(stage, number, limit_s)
    since = time.monotonic()
    talk = await Talk.begin(stage, people, caller=number)
    centre = await people.centre(RINGS_FOR_EVER, route=0, voice=True)
    async with talk.together():
        await talk.act("emergency", emergency="110")
        await centre.until_ringing()
        await stage.until(lambda: _later(since + 2 * limit_s), 30, "the limit is past")
        assert talk.caller.leg.state != "ended"
    await centre.pick_up()
    await talk.all_three(centre)


async def _later(moment: float) -> bool:
    return time.monotonic() > moment


@pytest.mark.parametrize("before", ["hold", "consult"])
async def test_caller_in_music_is_with_the_agent_at_once(stage: Stage, people: Cast, before: str) -> None:
    talk = await Talk.begin(stage, people)
    centre = await people.centre(RINGS_FOR_EVER, route=0, voice=True)
    if before == "hold":
        await talk.act("hold")
        await talk.until("held")
    else:
        expert = await people.seat("1012", voice=True)
        await talk.act("consult", agent="1012")
        await expert.until_talking()
        await talk.until("consulting")
    await talk.act("emergency", emergency="110")
    await talk.caller.voice.until_hears({talk.seat.voice.pitch, *([expert.voice.pitch] if before != "hold" else [])})
    await centre.until_ringing()
    await centre.pick_up()
    await talk.until("three_way")


async def test_service_that_dies_while_the_centre_rings_leaves_the_caller_with_agent_and_centre(
    stage: Stage, people: Cast
) -> None:
    talk = await Talk.begin(stage, people)
    centre = await people.centre(RINGS_FOR_EVER, route=0, voice=True)
    async with talk.together():
        await talk.act("emergency", emergency="110")
        await centre.until_ringing()
        await stage.end_service(signal.SIGKILL)
        await stage.start_service()
        await centre.pick_up()
        await talk.all_three(centre)
    await talk.until("three_way")


async def test_service_that_comes_back_takes_over_what_the_dialplan_alone_is_at(stage: Stage, people: Cast) -> None:
    talk = await Talk.begin(stage, people)
    centre = await people.centre(RINGS_FOR_EVER, route=0, voice=True)
    await stage.end_service(signal.SIGKILL)
    await talk.seat.voice.press("*110")
    await centre.until_ringing()
    await until_heard(talk.two, everybody(list(talk.two)))  # away from his keys
    async with talk.together():
        await stage.start_service()
        live = await talk.until("emergency")
        assert [third["leg"] for third in live["thirds"]][:1] == ["0.1e"]
        assert (await asks(talk, "emergency", emergency="110")).status_code == 409
        await centre.pick_up()
        await talk.all_three(centre)
    live = await talk.until("three_way")
    assert [(third["leg"], third["state"], third["emergency"]) for third in live["thirds"]] == [
        ("0.1e", "joined", True)
    ]
    assert (await asks(talk, "hold")).status_code == 409
    told = await until_told(stage, talk, ends=3)  # two that were refused
    assert [step.data["via"] for step in told if step.kind is StepKind.ACT_ASKED] == ["dialplan", "api", "api"]
    assert [step.data["act"] for step in told if step.kind is StepKind.THIRD_JOINED] == [0]
    assert await stage.total("hotline_emergency_handoffs_total", target="110", outcome="done") == 1  # of this process
    await talk.act("transfer")
    await talk.seat.until_ended()
    await until_heard({"caller": talk.caller.voice, "centre": centre.voice}, everybody(["caller", "centre"]))
    assert len(centre.legs) == 1


@pytest.mark.parametrize("before", ["hold", "three_way", "limit"])
async def test_dialplan_alone_brings_the_centre_into_any_talk(stage: Stage, people: Cast, before: str) -> None:
    number = "13800007002" if before == "limit" else None
    if number is not None:
        await restrict(stage, number, talk_s=300.0)
    talk = await Talk.begin(stage, people, caller=number)
    voices = talk.two
    if before == "hold":
        await talk.act("hold")
        await talk.until("held")
    elif before == "three_way":
        expert = await people.seat("1012", voice=True)
        await talk.act("three-way", agent="1012")
        await talk.until("three_way")
        voices["expert"] = expert.voice
        await until_heard(voices, everybody(list(voices)))
    centre = await people.centre(RINGS_FOR_EVER if before == "limit" else ANSWERS, route=0, voice=True)
    stage.send(signal.SIGSTOP)
    try:
        await talk.seat.voice.press("*110")
        if before == "limit":  # it ends the bridge of the answer, and nothing else
            await until_heard(voices, everybody(list(voices)))
            await until_joined(
                stage.sandbox, talk.call_id, Joined("conference", (AGENT,), (AGENT, "carrier"), (AGENT,))
            )
            await centre.until_ringing()
            await centre.pick_up()
        await centre.until_talking()
        voices["centre"] = centre.voice
        await until_heard(voices, everybody(list(voices)))
    finally:
        stage.send(signal.SIGCONT)

    async def known() -> bool:
        live = await talk.until("three_way")
        return ("0.1e", "joined") in [(third["leg"], third["state"]) for third in live["thirds"]]

    await stage.until(known, 20, "the centre is known to be with them")
    await until_heard(voices, everybody(list(voices)))
    await centre.hang_up()
    del voices["centre"]
    await until_heard(voices, everybody(list(voices)))


async def restrict(stage: Stage, number: str, talk_s: float) -> None:
    """Calls of this number are cut short."""
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    entry = {
        "number": number, "kind": "short_call", "talk_s": talk_s, "reason": "occupation", "evidence": "case 7",
        "until": time.time() + 3600,
    }  # fmt: skip
    answer = await stage.http.post("/api/v1/restrictions", headers=headers, json=entry)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("service", ["frozen", "killed"])
async def test_alarm_is_raised_when_the_dialplan_alone_reached_nobody(stage: Stage, people: Cast, service: str) -> None:
    before = await _alarms(stage)
    talk = await Talk.begin(stage, people)
    centres = [await people.centre(BUSY, route=route) for route in range(3)]
    await (_frozen(stage) if service == "frozen" else stage.end_service(signal.SIGKILL))
    try:
        await talk.seat.voice.press("*110")
        await centres[-1].until_ended(60)
        if service == "killed":
            await stage.until(lambda: _nobody_dials(stage), 20, "the dialplan has given up")
            await stage.start_service()
    finally:
        stage.send(signal.SIGCONT)
    await stage.until(lambda: _more_alarms(stage, before), 20, "an alarm")
    (alarm,) = await _more_alarms(stage, before)
    assert (alarm["call_id"], alarm["target"], alarm["agent"]) == (talk.call_id, "110", AGENT)
    told = await until_told(stage, talk, ends=1)
    if service == "frozen":  # of a failure that it did not hear of it knows no routes
        assert [step.data["way"] for step in told if step.kind is StepKind.THIRD_DIALED] == WAYS
        assert [step.data["outcome"] for step in told if step.kind is StepKind.THIRD_ENDED] == ["busy"] * 3
    assert [step.data["outcome"] for step in told if step.kind is StepKind.ACT_ENDED] == ["failed"]
    await talk.until("talking")
    assert [len(centre.legs) for centre in centres] == [1, 1, 1]


async def _frozen(stage: Stage) -> None:
    stage.send(signal.SIGSTOP)


async def _nobody_dials(stage: Stage) -> bool:
    return {channel.who for channel in await channels(stage.sandbox)} == {"carrier", AGENT}


async def asks(talk: Talk, verb: str, **body: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {talk.stage.settings.cli_token()}"}
    return await talk.stage.http.post(f"/api/v1/calls/{talk.call_id}/{verb}", headers=headers, json=body or None)


async def until_told(stage: Stage, talk: Talk, *, ends: int) -> list[Step]:
    """The story of the call, once so many acts have ended in it."""

    async def told() -> list[Step] | None:
        steps = await story(stage, talk.call_id)
        return steps if [step.kind for step in steps].count(StepKind.ACT_ENDED) >= ends else None

    steps = await stage.until(told, 20, f"{ends} acts have ended")
    assert isinstance(steps, list)
    return steps


async def test_agent_leaves_the_caller_with_the_centre_when_it_has_answered_and_not_before(
    stage: Stage, people: Cast
) -> None:
    talk = await Talk.begin(stage, people)
    centre = await people.centre(RINGS_FOR_EVER, route=0, voice=True)
    await talk.act("emergency", emergency="110")
    await centre.until_ringing()
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    early = await stage.http.post(f"/api/v1/calls/{talk.call_id}/transfer", headers=headers)
    assert early.status_code == 409
    await centre.pick_up()
    await talk.all_three(centre)
    await talk.until("three_way")
    await talk.act("transfer")
    await talk.seat.until_ended()
    await until_heard({"caller": talk.caller.voice, "centre": centre.voice}, everybody(["caller", "centre"]))
    await centre.hang_up()


async def test_agent_who_hangs_up_while_the_centre_rings_leaves_the_caller_to_it(stage: Stage, people: Cast) -> None:
    talk = await Talk.begin(stage, people)
    centre = await people.centre(Habit(ring_s=1.5), route=0, voice=True)
    await talk.act("emergency", emergency="110")
    await centre.until_ringing()
    await talk.seat.hang_up()
    await until_heard({"caller": talk.caller.voice, "centre": centre.voice}, everybody(["caller", "centre"]))


async def test_trunk_that_does_not_answer_is_known_and_its_routes_are_tried_last(
    folder: Path, asterisk: Asterisk, ports: Ports, stage: Stage
) -> None:
    await stage.stop()
    other = Stage(folder / "asked", asterisk, ports, edit=several(several_routes, ROUTES))
    async with other.serving(lambda files: asked_every(files, 1)), Cast(other) as people:
        await other.until(lambda: _dead(other, "police", "police-2", "police-3"), 60, "all are known to be dead")
        second = await people.centre(route=1)
        await other.until(lambda: _dead(other, "police", "police-3"), 60, "one is back")
        assert await other.total("hotline_trunk_up", trunk="police") == 0
        talk, since = await Talk.begin(other, people), time.time()
        await talk.act("emergency", emergency="110")
        await second.until_talking()
        assert (await rightly_dialled(other, talk, since))[0] == "police-2 110"


async def _dead(stage: Stage, *trunks: str) -> bool:
    return bool((await stage.api("/api/v1/status"))["dead_trunks"] == list(trunks))
