"""Commands for joined calls become actions: an agent is not moved while he is at his keys, and is told things alone."""

from __future__ import annotations

import pytest

from routing import commands as c
from routing import events as e
from telephony import names
from telephony.ami import joiner as module
from telephony.ami.actions import AmiAction
from telephony.ami.codec import Message
from telephony.ami.joiner import KEYS_LOOKS, KEYS_PATIENCE, Joiner
from telephony.ami.legs import Leg, TrackedCall
from telephony.ami.tracker import Tracker
from tests.unit.telephony.ami.wires import CALL, CALLER, SEATS, message

PHONE = "1001.1"


class Asterisk:
    """Answers whatever it is asked; `at_keys`: what it says of the leg, one look after the other, then no more."""

    def __init__(self, at_keys: str = "") -> None:
        self.asked: list[AmiAction] = []
        self.told: list[e.Event] = []
        self._at_keys = iter(at_keys)
        tracker = Tracker(SEATS, self.told.append)
        self.call = call = TrackedCall(CALL, Leg(CALLER, "PJSIP/carrier-00000000"), "12345", 1.0, talk=PHONE)
        call.legs[PHONE] = Leg(PHONE, "PJSIP/1001-00000001", "1001")
        tracker.replace({CALL: call}, {})
        self.joiner = Joiner(tracker, self._act, self.told.append)

    async def _act(self, action: AmiAction) -> list[Message]:
        self.asked.append(action)
        value = next(self._at_keys, "") if action.name == "Getvar" else ""
        return [message("Response: Success", f"Value: {value}")]

    @property
    def names(self) -> list[str]:
        return [action.name for action in self.asked]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEYS_LOOK_S", 0.0)


async def test_agent_is_moved_when_he_has_left_his_keys() -> None:
    asterisk = Asterisk("11")
    await asterisk.joiner.carry_out(c.Gather(CALL, hold=False, with_agent=True))
    assert asterisk.names == ["Getvar", "Getvar", "Getvar", "Redirect"]
    assert ("Channel", PHONE) in asterisk.asked[0].fields


async def test_who_stays_at_his_keys_is_let_through_and_in_the_end_moved() -> None:
    asterisk = Asterisk("1" * 1000)
    await asterisk.joiner.carry_out(c.Gather(CALL, hold=False, with_agent=True))
    assert asterisk.names.count("Getvar") == KEYS_LOOKS
    assert asterisk.asked[KEYS_PATIENCE + 1].fields == (
        ("Channel", PHONE), ("Variable", names.ACK), ("Value", names.Ack.LEAVE)
    )  # fmt: skip
    assert asterisk.names[-1] == "Redirect"


async def test_caller_who_is_moved_alone_waits_for_nobody() -> None:
    asterisk = Asterisk("1" * 1000)
    await asterisk.joiner.carry_out(c.Gather(CALL, hold=True, with_agent=False))
    assert asterisk.names == ["Redirect"]


async def test_dialplan_that_tries_routes_by_itself_is_stopped_by_its_pipe_and_not_by_a_leg() -> None:
    asterisk = Asterisk()
    legs = asterisk.call.legs
    legs["8.1"] = Leg("8.1", "PJSIP/police-00000003", third="0.1e")
    legs["8.2"] = Leg("8.2", "Local/1012@hotline-seat-00000001;1")
    await asterisk.joiner.carry_out(c.StopAlone(CALL))
    assert asterisk.asked == []
    legs["8.3"] = Leg("8.3", "Local/110@hotline-emergency-act-00000001;1")
    legs["8.4"] = Leg("8.4", "Local/110@hotline-emergency-act-00000001;2")
    await asterisk.joiner.carry_out(c.StopAlone(CALL))
    assert [action.fields for action in asterisk.asked] == [(("Channel", "8.3"),)]


async def test_tone_goes_to_the_agents_leg_and_is_no_leg_of_the_call() -> None:
    asterisk = Asterisk()
    await asterisk.joiner.carry_out(c.TellAgent(CALL, c.Tone.NO_ANSWER))
    (action,) = asterisk.asked
    fields = dict(action.fields)
    assert (action.name, fields["Channel"], fields["Exten"]) == (
        "Originate", "Local/no-answer@hotline-tone/n", names.WHISPER
    )  # fmt: skip
    assert fields["Variable"] == f"{names.EAR}={PHONE}"
    assert CALL not in fields.values()


async def test_without_an_agent_nobody_is_told() -> None:
    asterisk = Asterisk()
    await asterisk.joiner.carry_out(c.TellAgent(CALL, c.Tone.LEFT, "1.1"))
    assert (asterisk.asked, asterisk.told) == ([], [])


@pytest.mark.parametrize(("case", "headers"), [("A-17", ["PJSIP_HEADER(add,X-Hotline-Case)=A-17"]), ("", [])])
async def test_case_is_told_in_a_header_of_the_invite(case: str, headers: list[str]) -> None:
    asterisk = Asterisk()
    await asterisk.joiner.carry_out(c.DialThird(CALL, "1.1e", "PJSIP/110@police", None, 120.0, True, case))
    variables = [value for name, value in asterisk.asked[-1].fields if name == "Variable"]
    assert [value for value in variables if value.startswith("PJSIP_HEADER")] == headers
