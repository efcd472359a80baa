"""Who spoke with an agent lately gets the same one again, if that costs nobody more than moments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import events as e
from routing.codes import Code
from routing.steps import StepKind

from .floor_plan import Drive, presented, rules, stood


def knowing(last_agent_s: float = 3.0, *seats: str) -> Drive:
    """1002 has just spoken with "ref" and is free again; 1001, whom 12345 would rather ring, is free too."""
    drive = Drive(*(seats or ("1001", "1002")), wrap_up_s=0)
    known = rules(wrap_up_s=0)
    line = replace(known.lines["12345"], last_agent_s=last_agent_s)
    drive.send(e.RulesChanged(replace(known, lines={**known.lines, "12345": line})))
    drive.call("x", caller_ref="ref")
    drive.answer("x", "1002")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    drive.free("1002")
    return drive


def test_caller_gets_the_agent_with_whom_he_spoke_lately_though_another_is_better() -> None:
    drive = knowing()
    assert presented(drive.call("a", caller_ref="ref")).seat_ids == ("1002",)
    assert stood(drive.last("a", StepKind.PRESENTED))["1001"] == Code.LAST_AGENT
    assert presented(drive.call("b", caller_ref="other")).seat_ids == ("1001",)


def test_caller_waits_three_seconds_for_the_agent_whom_he_knows_and_no_longer() -> None:
    drive = knowing()
    drive.call("y", caller_ref="other", number="12333")
    drive.answer("y", "1002")
    assert drive.call("a", caller_ref="ref") == []
    assert drive.after(2.9) == []
    assert presented(drive.after(0.1)).seat_ids == ("1001",)


def test_agent_who_becomes_free_is_rung_at_once_for_who_waits_for_him() -> None:
    drive = knowing()
    drive.call("y", caller_ref="other", number="12333")
    drive.answer("y", "1002")
    drive.call("a", caller_ref="ref")
    drive.send(e.CallEnded("y", drive.wall, 16, "caller"))
    assert presented(drive.free("1002")).call_id == "a"


def test_nobody_waits_for_an_agent_who_pauses_is_gone_or_has_just_missed_him() -> None:
    for act in (e.AgentPaused("1002"), e.AgentSignedOut("1002")):
        drive = knowing()
        drive.call("y", caller_ref="other", number="12333")
        drive.answer("y", "1002")
        drive.call("a", caller_ref="ref")
        drive.send(act)  # a wish, until the talk is over
        assert presented(drive.send(e.CallEnded("y", drive.wall, 16, "caller"))).seat_ids == ("1001",)
    drive = knowing()
    drive.call("a", caller_ref="ref")
    drive.ring("a", "1002")
    drive.send(e.SeatDialEnded("a", "1002", "BUSY", drive.wall))
    assert presented(drive.call("a", caller_ref="ref")).seat_ids == ("1001",)


def test_longer_waiting_caller_gets_the_agent_before_one_who_knows_him() -> None:
    drive = knowing(3.0, "1002")
    drive.call("y", caller_ref="other")
    drive.answer("y", "1002")
    drive.call("old", caller_ref="third")
    drive.after(1)
    drive.call("a", caller_ref="ref")
    drive.send(e.CallEnded("y", drive.wall, 16, "caller"))
    assert presented(drive.free("1002")).call_id == "old"


def test_agent_whom_the_caller_knows_is_known_after_a_restart() -> None:
    drive = knowing()
    drive.engine.spoke.clear()
    drive.send(e.Remembered((), spoke={"ref": ("1002", drive.wall - 86300), "old": ("1002", drive.wall - 86500)}))
    assert presented(drive.call("a", caller_ref="ref")).seat_ids == ("1002",)
    assert presented(drive.call("b", caller_ref="old")).seat_ids == ("1001",)


@pytest.mark.parametrize("told", ["a day later", "line does not want it", "nobody known", "emergency"])
def test_caller_without_an_agent_of_his_own_gets_the_best(told: str) -> None:
    drive = knowing(0.0 if told == "line does not want it" else 3.0)
    drive.now += 86401 if told == "a day later" else 0
    ref = None if told == "nobody known" else "ref"
    assert presented(drive.call("a", caller_ref=ref, emergency=told == "emergency")).seat_ids == ("1001",)
