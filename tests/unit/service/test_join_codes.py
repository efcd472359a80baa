"""Keys pressed in a talk: the same acts as by the API, told by one word, and in the records when they are refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import structlog.testing

from console.deps import Refused
from routing import commands as c
from routing import events as e
from routing.joined import Verb
from routing.steps import StepKind
from routing.targets import Route, Target, TargetKind
from service import clock
from service.directory import Directory
from service.join_codes import IN_TIME_S, JoinCodes
from service.joins import OTHERS_CALL, Joins
from service.settings import Settings, load
from service.targets import Named
from storage.departments import DepartmentRow
from storage.handoffs import handoff_rows
from telephony.names import RECORDING, Ack
from tests.property.joined_world import AGENT, CALL, EXPERT, World

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=8))).timestamp()
POLICE = Target(TargetKind.EMERGENCY, "110", "公安", (Route("PJSIP/110@p", "p"),), 20.0, 3.0, True)
ROWS = (
    DepartmentRow("201", "水务", numbers=("80001@carrier",), level=1),
    DepartmentRow("gas", "燃气", numbers=("80002@carrier",), level=1, code="31"),
    DepartmentRow("closed", "档案馆", numbers=("80003@carrier",), hours="workday 09:00-17:00", code="32"),
    DepartmentRow("twin", "甲", numbers=("80004@carrier",), level=1, code="33"),
    DepartmentRow("33", "乙", numbers=("80005@carrier",), level=1),
    DepartmentRow("same", "丙", numbers=("80006@carrier",), level=1, code="1003"),
    DepartmentRow("wuxi", "无锡", kind="hotline", numbers=("80008@carrier",), level=1, shows_caller=True, code="35"),
    DepartmentRow("over", "丁", numbers=("80007@carrier",), level=1, code="34", disabled=True),
)


@dataclass
class Keys:
    """An agent's phone in a talk, and what it was answered."""

    settings: Settings
    world: World = field(default_factory=World)
    said: list[tuple[str, Ack]] = field(default_factory=list)
    recorded: list[tuple[str, str]] = field(default_factory=list)
    no_recording: str | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    role: str = "agent"

    def __post_init__(self) -> None:
        directory = Directory(None, self.settings)  # type: ignore[arg-type]  # nothing of it is kept
        directory.rows = {row.id: row for row in ROWS}
        rules = replace(self.world.drive.engine.rules, emergencies={"110": POLICE})
        named = Named(lambda: rules, lambda: self.settings, directory)
        self.joins = Joins(self.world.drive.engine, self.world.send, named, lambda agent: self.role)
        self.codes = JoinCodes(self.joins, self.answer, self.record)

    def answer(self, leg: str, ack: Ack) -> None:
        self.said.append((leg, ack))
        self.answered.set()

    async def record(self, call_id: str, by: str) -> str | None:
        self.recorded.append((call_id, by))
        return self.no_recording

    def press(self, act: str, value: str = "", *, seat: str = AGENT, late_s: float = 0.0) -> Ack | None:
        self.said.clear()
        self.answered.clear()
        self.codes.dialled(e.CodeDialled(CALL, "leg", seat, act, value, clock.wall() - late_s))
        return self.said[0][1] if self.said else None

    def story(self, kind: StepKind) -> list[dict[str, object]]:
        return [dict(step.data) for step in self.world.drive.steps if step.kind is kind]

    def request(self, verb: Verb, body: dict[str, str], *, by: str = AGENT) -> int:
        """The same by the API: 202 or the status of the refusal."""
        try:
            self.joins.ask(CALL, verb, body, by=by, role=self.role, via="api")
        except Refused as refused:
            return refused.status
        return 202

    def happens(self) -> None:
        """Asterisk does all that it was asked for, and who is dialled answers."""
        while self.world.asked:
            self.world.do(self.world.asked.pop(0))
        for key in [key for key, at in self.world.thirds.items() if at == "dialled"]:
            self.world.third_answers(key)
        while self.world.asked:
            self.world.do(self.world.asked.pop(0))

    def records(self) -> tuple[list[tuple[str, dict[str, object]]], list[dict[str, object]]]:
        """The story and the rows of `handoffs`, less the way by which was asked."""
        steps = self.world.drive.steps
        story = [(step.kind.value, {key: x for key, x in step.data.items() if key != "via"}) for step in steps]
        rows = [{key: value for key, value in row.items() if key != "via"} for row in handoff_rows(steps)]
        return story, rows


@pytest.fixture(autouse=True)
def sunday(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offices are closed, whenever the test runs."""
    monkeypatch.setattr(clock, "wall", lambda: SUNDAY)


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys(settings)


@pytest.mark.parametrize(
    ("act", "value", "kind"),
    [
        ("consult", "201", "department"),
        ("three_way", EXPERT, "agent"),
        ("blind", "201", "department"),
        ("hold", "", None),
    ],
)
def test_keys_begin_the_act_in_the_name_of_who_pressed_them(keys: Keys, act: str, value: str, kind: str | None) -> None:
    assert keys.press(act, value) is Ack.DONE
    asked = keys.story(StepKind.ACT_ASKED)[0]
    assert (asked["by"], asked["via"], asked["verb"], asked.get("target_kind")) == (AGENT, "phone", act, kind)


def test_the_number_of_an_emergency_centre_is_its_own_code(keys: Keys) -> None:
    assert keys.press("110") is Ack.DONE
    assert keys.story(StepKind.ACT_ASKED)[0]["target"] == "110"
    assert keys.press("119") is Ack.REFUSED


@pytest.mark.parametrize(("act", "value"), [("merge", ""), ("consult", "999"), ("consult", "110")])
def test_refusal_stands_in_the_story_and_changes_nothing(keys: Keys, act: str, value: str) -> None:
    assert keys.press(act, value) is Ack.REFUSED
    (end,) = keys.story(StepKind.ACT_ENDED)
    assert (end["act"], end["verb"], end["outcome"]) == (1, act, "refused")
    assert end["reason"]
    assert (keys.world.asked, keys.world.caller, keys.world.agent) == ([], "bridge", "bridge")


def test_refusal_by_api_leaves_the_same_records_as_by_phone(keys: Keys) -> None:
    assert keys.press("merge") is Ack.REFUSED
    with pytest.raises(Refused):
        keys.joins.ask(CALL, Verb.MERGE, {}, by="desk", role="supervisor", via="api")
    with pytest.raises(Refused):
        keys.joins.ask(CALL, Verb.CONSULT, {"department": "999"}, by="desk", role="supervisor", via="api")
    ends = keys.story(StepKind.ACT_ENDED)
    assert [end["act"] for end in ends] == [1, 2, 3]
    assert ends[0]["reason"] == ends[1]["reason"]
    assert str(ends[2]["reason"]).startswith('There is no department "999"')
    assert keys.press("hold") is Ack.DONE
    assert keys.story(StepKind.ACT_ASKED)[-1]["act"] == 4


# What was done before, the act, what is pressed behind its code, the same by the API, and the status of the answer. By
# whom: another phone than the call's.
DONE = 202
BOTH_WAYS = [
    ((), "consult", "201", {"department": "201"}, DONE),
    ((), "consult", "31", {"department": "gas"}, DONE),
    ((), "three_way", "31", {"department": "gas"}, DONE),
    ((), "three_way", EXPERT[:3], {"department": EXPERT[:3]}, 422),
    ((), "blind", "31", {"department": "gas"}, DONE),
    ((), "consult", "32", {"department": "closed"}, 422),
    ((), "consult", "999", {"department": "999"}, 422),
    ((), "consult", "34", {"department": "34"}, 422),
    ((), "consult", "13800000001", {"number": "13800000001"}, 422),
    ((), "consult", AGENT, {"agent": AGENT}, 422),
    ((), "consult", "", {}, 422),
    ((), "three_way", "", {}, 422),
    ((), "blind", "", {}, 422),
    ((), "merge", "", {}, 409),
    ((), "transfer", "", {}, 409),
    ((), "return", "", {}, 409),
    ((), "resume", "", {}, 409),
    ((), "hold", "", {}, DONE),
    (("hold",), "resume", "", {}, DONE),
    (("consult 31",), "merge", "", {}, DONE),
    (("consult 31",), "return", "", {}, DONE),
    (("consult 31",), "transfer", "", {}, DONE),
    (("three_way 31",), "hold", "", {}, DONE),
    (("three_way 31",), "consult", "201", {"department": "201"}, 409),
    ((), "110", "", {"emergency": "110"}, DONE),
    (("three_way 31",), "110", "", {"emergency": "110"}, DONE),
    (("110",), "hold", "", {}, 409),
    ((), "119", "", {"emergency": "119"}, 422),
]


@pytest.mark.parametrize(("before", "act", "value", "body", "status"), BOTH_WAYS)
def test_keys_and_api_give_the_same_result_and_the_same_records(
    settings: Settings, before: tuple[str, ...], act: str, value: str, body: dict[str, str], status: int
) -> None:
    by_keys, by_api = Keys(settings), Keys(settings)
    for one in (by_keys, by_api):
        for step in before:
            assert one.press(*step.split()) is Ack.DONE
            one.happens()
    assert by_keys.press(act, value) is (Ack.DONE if status == DONE else Ack.REFUSED)
    assert by_api.request(Verb.EMERGENCY if act.isdigit() else Verb(act), body) == status
    for one in (by_keys, by_api):
        one.happens()
    assert by_keys.records() == by_api.records()
    assert {end["outcome"] for end in by_keys.story(StepKind.ACT_ENDED)[-1:]} == {
        "done" if status == DONE else "refused"
    }
    assert by_keys.story(StepKind.ACT_ASKED)[-1]["via"] == "phone"


@pytest.mark.parametrize(("act", "value", "body"), [("hold", "", {}), ("consult", "31", {"department": "gas"})])
def test_act_on_the_call_of_another_is_in_its_story_whoever_asks_and_how(
    settings: Settings, act: str, value: str, body: dict[str, str]
) -> None:
    by_keys, by_api = Keys(settings), Keys(settings)
    assert by_keys.press(act, value, seat=EXPERT) is Ack.REFUSED
    assert by_api.request(Verb(act), body, by=EXPERT) == 403
    assert by_keys.records() == by_api.records()
    (end,) = by_keys.story(StepKind.ACT_ENDED)
    assert (end["outcome"], end["reason"]) == ("refused", OTHERS_CALL)
    assert by_keys.story(StepKind.ACT_ASKED)[0]["by"] == EXPERT


@pytest.mark.parametrize(
    ("digits", "reason"),
    [
        ("33", "33 means department twin and department 33: nobody is called"),
        ("1003", "1003 means department same and agent 1003: nobody is called"),
    ],
)
def test_digits_that_mean_two_call_nobody_and_say_so(keys: Keys, digits: str, reason: str) -> None:
    assert keys.press("consult", digits) is Ack.REFUSED
    (end,) = keys.story(StepKind.ACT_ENDED)
    assert (end["outcome"], end["reason"]) == ("refused", reason)
    assert keys.world.asked == []


def test_number_that_was_pressed_stands_nowhere(keys: Keys) -> None:
    for role in ("agent", "expert"):
        keys.role = role
        for digits in ("13800000001", "13800000001*", "0085213800000001"):
            with structlog.testing.capture_logs() as logs:
                keys.press("consult", digits)
            assert "1380" not in f"{logs}{keys.records()}"


def test_expert_may_dial_a_plain_number_by_keys_as_by_the_api(settings: Settings) -> None:
    by_keys, by_api = Keys(settings, role="expert"), Keys(settings, role="expert")
    assert by_keys.press("three_way", "85680000") is Ack.DONE
    assert by_api.request(Verb.THREE_WAY, {"number": "85680000"}) == DONE
    for one in (by_keys, by_api):
        one.happens()
    assert by_keys.records() == by_api.records()


def test_what_is_read_too_late_is_neither_done_nor_answered(keys: Keys) -> None:
    assert keys.press("hold", late_s=IN_TIME_S + 0.2) is None
    assert (keys.story(StepKind.ACT_ASKED), keys.world.asked) == ([], [])


def test_expert_in_the_call_calls_an_emergency_centre_in_and_leaves_the_rest_to_the_agent(keys: Keys) -> None:
    assert keys.press("110", seat=EXPERT) is Ack.REFUSED  # not in it yet
    assert keys.press("three_way", EXPERT) is Ack.DONE
    keys.happens()
    assert keys.press("hold", seat=EXPERT) is Ack.REFUSED
    assert keys.press("110", seat=EXPERT) is Ack.DONE
    assert keys.story(StepKind.ACT_ASKED)[-1]["by"] == EXPERT


def test_seat_where_nobody_is_signed_in_has_its_codes_all_the_same(keys: Keys) -> None:
    call = keys.world.drive.engine.calls[CALL]
    keys.world.drive.engine.put(call._replace(agent_id=None))
    assert keys.press("hold") is Ack.DONE
    assert keys.story(StepKind.ACT_ASKED)[0]["by"] == f"seat {AGENT}"


def test_keys_of_a_phone_that_is_not_in_the_call_are_refused(keys: Keys) -> None:
    assert keys.press("hold", seat="9999") is Ack.REFUSED


async def until_said(keys: Keys) -> Ack:
    await keys.answered.wait()
    return keys.said[0][1]


async def test_recording_is_paused_by_keys_and_the_word_comes_when_it_is(keys: Keys) -> None:
    assert keys.press(RECORDING) is None
    assert await until_said(keys) is Ack.DONE
    assert keys.recorded == [(CALL, AGENT)]
    keys.no_recording = "In an emergency the recording is never paused."
    keys.press(RECORDING)
    assert await until_said(keys) is Ack.REFUSED


async def test_recording_of_a_call_that_is_not_theirs_is_nobodys_to_pause(keys: Keys) -> None:
    assert keys.press(RECORDING, seat=EXPERT) is Ack.REFUSED
    assert keys.recorded == []


@pytest.mark.parametrize(("value", "hidden", "shown"), [("35", False, True), ("35", True, False), ("110", True, True)])
def test_the_number_of_a_hidden_caller_is_shown_to_an_emergency_centre_and_to_no_other_third(
    settings: Settings, value: str, hidden: bool, shown: bool
) -> None:
    keys = Keys(settings)
    keys.joins.is_hidden = lambda call_id: hidden and call_id == CALL
    keys.press("emergency" if value == "110" else "consult", value)
    dialled = [command for command in keys.world.asked if isinstance(command, c.DialThird)]
    while not dialled:  # those who talk are gathered first
        keys.world.do(keys.world.asked.pop(0))
        dialled = [command for command in keys.world.asked if isinstance(command, c.DialThird)]
    assert [command.shows_caller for command in dialled] == [shown] * len(dialled)
