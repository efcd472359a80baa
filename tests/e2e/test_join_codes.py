"""Feature codes during a talk: what an agent presses is what desk and API ask for, told by a tone that he alone hears."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from routing.steps import Step
from sandbox import rtp
from sandbox.instance import Ports
from sandbox.people import Caller, Listener, Seat
from sandbox.root import Asterisk
from sandbox.scenario import BUSY, Habit
from sandbox.voice import Voice
from sandbox.waiting import until
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import several, story
from tests.e2e.machine import tolerance_s
from tests.e2e.parties import channels, everybody, nothing_left, until_heard
from tests.e2e.staging import timing

AGENT, EXPERT = "1011", "1012"
OFFICE, SHORT = "parks", "31"  # a department of the directory
DONE_HZ, REFUSED_HZ, LEFT_HZ, ALARM_HZ = {880, 1320}, {450}, {880, 660}, {1000, 600}
DIRECTORY = f"""
[[department]]
id = "{OFFICE}"
code = "{SHORT}"
name = "市城管局"
numbers = ["80001@department"]
level = 1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(timing(wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0), lambda text: text + DIRECTORY)
    async with Stage(folder, asterisk, ports, edit=edit).serving() as stage:
        yield stage


@dataclass
class Talk:
    """A caller and an agent who talk, and what is known of their call."""

    stage: Stage
    seat: Seat
    caller: Caller
    call: str

    @property
    def two(self) -> dict[str, Voice]:
        return {"caller": self.caller.voice, "agent": self.seat.voice}

    async def state(self) -> dict[str, Any]:
        answer = await self.stage.http.get(f"/api/v1/calls/{self.call}/live", headers=headers(self.stage))
        found: dict[str, Any] = answer.json()
        return found

    async def until_state(self, wanted: str) -> None:
        async def there() -> bool:
            return (await self.state()).get("state") == wanted

        await until(there, 20, f"the call is {wanted}")

    async def press(self, keys: str, tone: set[int] = DONE_HZ) -> None:
        """Presses, and hears this, while the caller hears nothing but the agent."""
        await self.until_heard_out()
        ear = asyncio.create_task(hears_one(self.seat.voice, tone))
        others = asyncio.create_task(hears_one(self.caller.voice, DONE_HZ | REFUSED_HZ, 60))
        try:
            await self.seat.voice.press(keys)
            await ear
            await self.until_heard_out()
            await until(lambda: not self.seat.voice.hears(tone), 20, "the tone is over")
            assert not others.done(), "the caller heard a tone"
        finally:
            ear.cancel()
            others.cancel()

    async def until_heard_out(self) -> None:
        """No leg is at its keys any more; whatever is pressed meanwhile is lost."""

        async def over() -> bool:
            names = [channel.name for channel in await channels(self.stage.sandbox)]
            told = [await self.stage.sandbox.cli(f"core show channel {name}") for name in names]
            return not any("HOTLINE_KEYS=1" in text for text in told)

        await until(over, 20, "the keys are over")

    async def ask(self, act: str, **body: str) -> int:
        url = f"/api/v1/calls/{self.call}/{act}"
        answer = await self.stage.http.post(url, json=body or None, headers=headers(self.stage))
        return answer.status_code

    async def handoffs(self, count: int) -> list[tuple[object, ...]]:
        """The rows of `handoffs`, once there are so many and all have ended, less who asked, how and when."""
        columns = ("act", "leg", "verb", "target_kind", "target", "name", "route", "way", "outcome", "act_outcome")

        async def ended() -> list[tuple[object, ...]] | None:
            url = f"/api/v1/calls/{self.call}/handoffs"
            rows = (await self.stage.http.get(url, headers=headers(self.stage))).json()
            over = len(rows) >= count and all(row["ended_ms"] for row in rows)
            return [tuple(row[name] for name in columns) for row in rows] if over else None

        rows = await until(ended, 20, f"{count} rows of handoffs")
        assert rows is not None
        return rows

    async def told(self, ends: int, last: str = "") -> list[Step]:
        """The story, once so many acts have ended in it, and this has come too."""

        async def found() -> list[Step] | None:
            steps = await story(self.stage, self.call)
            kinds = [step.kind.value for step in steps]
            return steps if kinds.count("act_ended") >= ends and (not last or last in kinds) else None

        steps = await until(found, 20, f"{ends} acts have ended")
        assert steps is not None
        return steps


async def leave(talk: Talk, keys: str) -> None:
    """Presses; the call is over for him before the last key is up."""
    pressing = asyncio.create_task(talk.seat.voice.press(keys))
    await talk.seat.until_ended()
    pressing.cancel()


async def hears_one(voice: Voice, pitches: set[int], limit_s: float = 20.0) -> None:
    """Also when it was over before the machine let this test listen."""
    heard = voice.packets

    def sounded() -> bool:
        nonlocal heard
        since, heard = heard, max(heard, voice.packets - rtp.Ear.WINDOW)
        return bool(voice.heard_since(since, pitches))

    await until(sounded, limit_s, f"one of {sorted(pitches)} Hz", poll_s=0.05)


def headers(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.settings.cli_token()}"}


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as cast:
        yield cast
    await nothing_left(stage, 30)


async def begin(stage: Stage, people: Cast) -> Talk:
    """The agent is the only one who is ready, so the call is his; the expert comes afterwards."""
    seat = await people.seat(AGENT, voice=True)
    caller = await people.caller(voice=True)
    await caller.until_talking()

    async def live() -> str:
        calls = (await stage.http.get("/api/v1/calls/live", headers=headers(stage))).json()
        return calls[0]["id"] if calls else ""

    talk = Talk(stage, seat, caller, await until(live, 20, "the call is told"))
    await until_heard(talk.two, everybody(list(talk.two)))
    return talk


@pytest_asyncio.fixture(loop_scope="session")
async def talk(stage: Stage, people: Cast) -> Talk:
    return await begin(stage, people)


def acts(steps: list[Step]) -> list[tuple[str, ...]]:
    """What the records say of the acts, less who asked and how."""
    keys = ("act", "verb", "target_kind", "target", "outcome", "leg", "route", "way", "to", "why", "seat")
    wanted = ("act_asked", "third_", "caller_moved", "agent_left", "act_ended")
    return [
        (step.kind.value, *(str(step.data[key]) for key in keys if step.data.get(key) is not None))
        for step in steps
        if step.kind.value.startswith(wanted) and step.kind.value != "third_ringing"
    ]


WALK = (  # keys, the same by API, and the state it leads to
    ("*23#", ("three-way", {}), "talking"),
    (f"*21{SHORT}#", ("consult", {"department": OFFICE}), "consulting"),
    ("*22", ("merge", {}), "three_way"),
    ("*27", ("hold", {}), "consulting"),
    ("*26", ("return", {}), "talking"),
    ("*27", ("hold", {}), "held"),
    ("*28", ("resume", {}), "talking"),
    ("*110", ("emergency", {"emergency": "110"}), "three_way"),
    ("*24", ("transfer", {}), "handed_over"),
)


async def test_codes_do_what_the_api_does_and_leave_the_same_records(stage: Stage, people: Cast) -> None:
    await people.department(voice=True)
    await people.centre(voice=True)
    told: list[list[Step]] = []
    rows: list[list[tuple[object, ...]]] = []
    for by_phone in (True, False):
        async with Cast(stage) as cast:
            talk = await begin(stage, cast)
            for keys, (act, body), state in WALK:
                refused = act == "three-way"
                if by_phone:
                    tone = REFUSED_HZ if refused else DONE_HZ
                    await (leave(talk, keys) if act == "transfer" else talk.press(keys, tone))
                else:
                    assert await talk.ask(act, **body) == (422 if refused else 202)
                await talk.until_state(state)
            told.append(await talk.told(len(WALK), "agent_left"))
            await talk.caller.hang_up()
            rows.append(await talk.handoffs(2))
    assert sorted(acts(told[0])) == sorted(acts(told[1]))  # legs that move at once come in any order
    assert rows[0] == rows[1]
    asked = [step for step in told[0] if step.kind.value == "act_asked"]
    assert {(step.data["by"], step.data["via"]) for step in asked} == {(AGENT, "phone")}


async def test_recording_is_paused_by_one_key_and_goes_on_by_the_same(stage: Stage, talk: Talk) -> None:
    for what in ("paused", "resumed"):
        await talk.press("*29")

        async def told(what: str = what) -> bool:
            return what in {step.data.get("what") for step in await talk.told(0)}

        await until(told, 20, f"the recording is {what}")


async def test_three_way_blind_and_expert_by_codes(stage: Stage, people: Cast, talk: Talk) -> None:
    expert = await people.seat(EXPERT, voice=True)
    await talk.press(f"*23{EXPERT}#")
    await talk.until_state("three_way")
    three = {**talk.two, "expert": expert.voice}
    await until_heard(three, everybody(list(three)))
    ear = asyncio.create_task(hears_one(expert.voice, REFUSED_HZ))
    await expert.voice.press("*27")  # the call is the agent's: refused
    await ear
    await until_heard(three, everybody(list(three)))
    asked = {(step.data.get("by"), step.data["verb"]) for step in await talk.told(2) if "act" in step.kind.value}
    assert (EXPERT, "hold") in asked
    await talk.press("*26")
    await talk.until_state("talking")
    for keys in ("*21#", "*23#"):  # in the conference as in two-party talk
        await talk.press(keys, REFUSED_HZ)
    await talk.press("*29")
    await talk.press(f"*25{EXPERT}")  # without #: after four seconds
    two = {"caller": talk.caller.voice, "expert": expert.voice}
    await until_heard(two, everybody(list(two)), 40)
    await expert.voice.press("*27")  # now the call is his
    await talk.until_state("held")


async def test_expert_calls_an_emergency_centre_in(stage: Stage, people: Cast, talk: Talk) -> None:
    expert, centre = await people.seat(EXPERT, voice=True), await people.centre(voice=True)
    await talk.press(f"*23{EXPERT}#")
    await talk.until_state("three_way")
    await expert.voice.press("*110")
    await centre.until_talking()
    four = {**talk.two, "expert": expert.voice, "centre": centre.voice}
    await until_heard(four, everybody(list(four)))


async def test_what_is_refused_changes_nothing_and_is_told_to_the_agent_alone(
    stage: Stage, people: Cast, talk: Talk
) -> None:
    refused = (
        ("*22", "merge"), ("*21999#", "consult"), (f"*25{EXPERT}#", "blind"), ("*23#", "three_way"), ("*24", "transfer"),
        ("*26", "return"),
    )  # fmt: skip
    for keys, _ in refused:
        await talk.press(keys, REFUSED_HZ)
    assert await talk.ask("merge") == 409
    await until_heard(talk.two, everybody(list(talk.two)))
    assert (await talk.state())["state"] == "talking"
    ends = [step.data for step in await talk.told(7) if step.kind.value == "act_ended"]
    assert [(data["act"], data["outcome"]) for data in ends] == [(no, "refused") for no in range(1, 8)]
    assert [data["verb"] for data in ends] == [verb for _, verb in refused] + ["merge"]
    assert ends[0]["reason"] == ends[6]["reason"]


async def test_nobody_else_has_codes(stage: Stage, people: Cast, talk: Talk) -> None:
    office, centre = await people.department(voice=True), await people.centre()
    await talk.caller.voice.press("*110")
    await talk.press("*28", REFUSED_HZ)  # after that the caller's keys were seen
    await talk.press(f"*23{SHORT}#")
    await talk.until_state("three_way")
    three = {**talk.two, "office": office.voice}
    for voice in (office.voice, talk.caller.voice):
        await voice.press("*110*27")
    await talk.press("*22", REFUSED_HZ)
    await until_heard(three, everybody(list(three)))
    assert not centre.legs
    verbs = [step.data["verb"] for step in await talk.told(3) if step.kind.value == "act_asked"]
    assert verbs == ["resume", "three_way", "merge"]


ASKED = ("three-way", {"department": OFFICE})
ALARM = ("emergency", {"emergency": "110"})


@pytest.mark.parametrize(
    ("asked", "habit", "tone"),
    [
        (ASKED, BUSY, {450}),
        (ASKED, Habit(code=503), {1400, 1800}),
        (ASKED, Habit(talk_s=1.5), LEFT_HZ),
        (ALARM, BUSY, ALARM_HZ),
    ],
)
async def test_agent_alone_hears_what_became_of_the_third_party(
    stage: Stage, people: Cast, talk: Talk, asked: tuple[str, dict[str, str]], habit: Habit, tone: set[int]
) -> None:
    await (people.centre if asked is ALARM else people.department)(habit, voice=True)
    caller = asyncio.create_task(hears_one(talk.caller.voice, tone, 60))
    ear = asyncio.create_task(hears_one(talk.seat.voice, tone, 40))
    try:
        act, target = asked
        assert await talk.ask(act, **target) == 202
        await ear
        await until_heard(talk.two, everybody(list(talk.two)))
        assert not caller.done(), "the caller heard it too"
    finally:
        caller.cancel()
        ear.cancel()


async def test_agent_who_dials_while_a_third_party_answers_is_not_lost(stage: Stage, people: Cast, talk: Talk) -> None:
    """He is moved when he has left his keys."""
    office = await people.department(Habit(ring_s=1.0), voice=True)
    assert await talk.ask("three-way", department=OFFICE) == 202
    await office.until_ringing()
    await talk.seat.voice.press("*21")
    three = {**talk.two, "office": office.voice}
    await until_heard(three, everybody(list(three)))


async def test_caller_who_leaves_while_the_agent_dials_leaves_nobody_behind(talk: Talk) -> None:
    await talk.seat.voice.press("*211")
    await talk.caller.hang_up()
    await talk.seat.until_ended(10)


async def test_frozen_service_refuses_by_silence_and_an_emergency_centre_is_reached_all_the_same(
    stage: Stage, people: Cast, talk: Talk
) -> None:
    centre: Listener = await people.centre(voice=True)
    stage.send(signal.SIGSTOP)
    try:
        ear = asyncio.create_task(hears_one(talk.seat.voice, REFUSED_HZ))
        await talk.seat.voice.press("*27")
        began = time.time()
        await ear
        assert time.time() - began < 1.5 + tolerance_s(began)
        await until_heard(talk.two, everybody(list(talk.two)))
        await talk.seat.voice.press("*110")
        await centre.until_talking()
        three = {**talk.two, "centre": centre.voice}
        await until_heard(three, everybody(list(three)))
    finally:
        stage.send(signal.SIGCONT)
    await stage.until(stage.is_ready, 20, "the service goes on")
    await talk.until_state("three_way")
    await until_heard(three, everybody(list(three)))
    assert len(centre.legs) == 1, "dialled once more by the service"
    steps = await talk.told(1)
    asked = [step.data for step in steps if step.kind.value == "act_asked"]
    assert [(data["via"], data["by"], data["target"]) for data in asked] == [("dialplan", AGENT, "110")]
    assert [step.data["outcome"] for step in steps if step.kind.value == "act_ended"] == ["done"]
