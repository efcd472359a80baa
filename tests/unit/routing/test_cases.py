"""Calls of emergency centres and other hotlines: first in line, and the id of their case goes where they go."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from routing import cases
from routing import commands as c
from routing import events as e
from routing.joined import Verb
from routing.model import DeviceState
from routing.steps import StepKind
from routing.targets import Target
from tests.property.joined_world import AGENT, CALL, World
from tests.unit.routing.test_joining import POLICE, WATER

from .floor_plan import Drive, presented


@pytest.mark.parametrize("text", ["A", "A-2026_11.22", "x" * 64])
def test_ids(text: str) -> None:
    assert re.fullmatch(cases.ID, text)


@pytest.mark.parametrize("text", ["", "x" * 65, "A 1", "A,1", "案1", "A\n", "$1", cases.UNREADABLE])
def test_no_ids(text: str) -> None:
    assert not re.fullmatch(cases.ID, text)


def test_case_stands_in_the_first_step_of_the_call_and_only_where_one_came() -> None:
    drive = Drive("1001", "1002")
    drive.call("a", emergency=True, case="A-17")
    drive.call("b")
    assert drive.last("a", StepKind.OFFERED).data["case"] == "A-17"
    assert "case" not in drive.last("b", StepKind.OFFERED).data
    assert (drive.engine.calls["a"].case, drive.engine.calls["b"].case) == ("A-17", "")


def test_what_was_no_id_is_dropped_and_told_and_the_call_is_served() -> None:
    drive = Drive("1001")
    assert presented(drive.call("a", emergency=True, case=cases.UNREADABLE)).call_id == "a"
    assert drive.engine.calls["a"].case == ""
    assert "case" not in drive.last("a", StepKind.OFFERED).data
    assert drive.last("a", StepKind.FLAG).data["flag"] == "case_dropped"


def test_call_of_a_centre_goes_before_whoever_waits_for_longer() -> None:
    drive = Drive("1001", wrap_up_s=0, answer_notice_after_s=0)
    drive.call("talk")
    drive.ring("talk", "1001")
    drive.answer("talk", "1001")
    drive.call("citizen")
    drive.after(100)
    drive.call("centre", emergency=True)
    drive.send(e.AgentLegEnded("talk", "1001", False, drive.wall))
    assert presented(drive.free("1001")).call_id == "centre"


@pytest.mark.parametrize("first_heard", ["picture", "session"])
def test_call_that_came_while_the_service_was_away_keeps_rank_trunk_and_case(first_heard: str) -> None:
    drive = Drive(ami=False)
    drive.send(e.DecisionsHeld())
    at = drive.wall
    known: dict[str, Any] = {"trunk": "police", "emergency": True, "case": "A-17"}
    seen = e.SeenCall("centre", "12345", at - 5, **known), e.SeenCall("citizen", "12345", at - 9)
    picture = e.Picture(seen, {"1001": DeviceState.NOT_INUSE}, at)
    if first_heard == "picture":
        drive.send(picture)
    drive.call("citizen", arrived_at=at - 9)
    drive.call("centre", arrived_at=at - 5, **known)
    if first_heard == "session":
        drive.send(picture)
    assert presented(drive.send(e.DecisionsAllowed())).call_id == "centre"
    found = drive.engine.calls["centre"]
    assert (found.trunk, found.emergency, found.case) == ("police", True, "A-17")
    assert drive.kinds("centre").count(StepKind.OFFERED) == 1


def test_case_is_known_again_after_a_restart_and_from_the_note_of_an_end() -> None:
    drive = Drive(ami=False)
    at = drive.wall
    drive.send(e.Remembered((e.RememberedCall("a", "12345", at - 5, 3, judged=False, case="A-17"),), since=at - 60))
    assert drive.engine.calls["a"].case == "A-17"
    drive.send(e.EndNoted("b", "12345", at - 9, at - 1, "caller", case="B-2"))
    assert drive.last("b", StepKind.OFFERED).data["case"] == "B-2"


OTHER_CITY = replace(WATER, id="021", shows_caller=True)


@pytest.mark.parametrize(
    ("verb", "target", "named", "told"),
    [
        (Verb.EMERGENCY, POLICE, "", "A-17"),
        (Verb.CONSULT, OTHER_CITY, "", "A-17"),
        (Verb.EMERGENCY, POLICE, "B-2", "B-2"),
        (Verb.CONSULT, WATER, "", ""),
    ],
)
def test_case_of_the_call_goes_to_whom_the_citizens_number_goes(
    verb: Verb, target: Target, named: str, told: str
) -> None:
    world = World()
    call = world.drive.engine.calls[CALL]
    world.drive.engine.calls[CALL] = call._replace(case="A-17")
    out = world.drive.send(e.JoinAsked(CALL, verb, AGENT, "api", target, case=named))
    assert [x.case for x in out if isinstance(x, c.DialThird)] == [told]
    (asked,) = [step.data for step in world.drive.steps if step.kind is StepKind.ACT_ASKED]
    assert asked.get("case", "") == told
