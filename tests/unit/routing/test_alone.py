"""An emergency centre that the dialplan calls by itself: watched, recorded, never driven, and never called twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routing import commands as c
from routing import events as e
from routing import joining
from routing.joined import JoinState, Verb
from routing.steps import StepKind
from routing.targets import Route, Target, TargetKind
from tests.property.joined_world import AGENT, CALL, World

ROUTES = (Route("PJSIP/110@p", "p"), Route("PJSIP/110@c", "c"))
POLICE = Target(TargetKind.EMERGENCY, "110", "公安", ROUTES, 20.0, 3.0, True)
DONE, FAILED = {"outcome": "done"}, {"outcome": "failed"}


@pytest.fixture
def world() -> World:
    return World({"110": POLICE})


class Dialplan:
    """What it does, and tells of it while somebody listens."""

    def __init__(self, world: World) -> None:
        self.world, self.asked_at, self.heard = world, round(world.drive.wall, 3), True
        world.alone = e.SeenAlone("110", self.asked_at, dials=True)
        self._say("dialled", 0)

    def route(self, route: int) -> None:
        self._say("route", route)
        self.world.thirds[f"0.{route}e"], self.world.seat_of[f"0.{route}e"] = "dialled", None

    def answers(self, route: int) -> None:
        """The centre is in the conference, the agent follows, then the caller."""
        world, key = self.world, f"0.{route}e"
        world.thirds[key] = "room"
        self._tell(e.ThirdAnswered(CALL, key, world.drive.wall), e.ThirdJoined(CALL, key, world.drive.wall))
        world.agent, world.caller = "room", "room"
        self._tell(e.AgentPlaced(CALL, AGENT, world.drive.wall))
        self._say("joined", route)
        self._tell(e.CallerPlaced(CALL, "room", world.drive.wall))
        world.alone = e.SeenAlone("110", self.asked_at, dials=False)

    def fails(self, *routes: int) -> None:
        for route in routes:
            del self.world.thirds[f"0.{route}e"]
            self._tell(e.ThirdEnded(CALL, f"0.{route}e", self.world.drive.wall, 17, lost=False))
        self.world.alone = None
        self._say("failed", max(routes))

    def _say(self, state: str, route: int) -> None:
        self._tell(e.EmergencyAlone(CALL, "110", self.asked_at, state, route, self.world.drive.wall))

    def _tell(self, *events: e.Event) -> None:
        for event in events if self.heard else ():
            self.world.send(event)


def state(world: World) -> JoinState | None:
    return joining.state(world.drive.engine, CALL)


def told(world: World, *kinds: StepKind) -> list[dict[str, Any]]:
    return [dict(step.data) for step in world.drive.steps if step.kind in kinds]


def looked(world: World) -> None:
    """A picture is taken without a restart."""
    world.send(e.Picture((world._seen(world.drive.wall - 60.0),), {}, world.drive.wall))


def dials(world: World) -> list[c.Command]:
    return [command for command in world.asked if isinstance(command, c.DialThird)]


def test_it_is_recorded_route_by_route_and_the_centre_is_on_the_line(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    assert state(world) is JoinState.EMERGENCY
    world.drive.now += 5.0
    dialplan.route(2)
    dialplan.answers(2)
    assert (state(world), world.asked) == (JoinState.THREE_WAY, [])
    (asked,) = told(world, StepKind.ACT_ASKED)
    assert asked == {
        "act": 0, "verb": "emergency", "by": AGENT, "via": "dialplan", "target_kind": "emergency", "target": "110",
        "name": "公安",
    }  # fmt: skip
    assert [data["way"] for data in told(world, StepKind.THIRD_DIALED)] == ["p", "c"]
    (ended,) = told(world, StepKind.ACT_ENDED)
    assert ended.items() >= {"act": 0, "verb": "emergency", "target": "110", **DONE}.items()
    silent = told(world, StepKind.THIRD_ENDED)
    assert [(data["leg"], data["outcome"]) for data in silent] == [(1, "not_reached")]
    assert [step.at for step in world.drive.steps if step.kind is StepKind.ACT_ASKED] == [dialplan.asked_at]


def test_case_that_came_with_the_call_is_recorded_and_goes_with_what_we_dial_after_it(world: World) -> None:
    calls = world.drive.engine.calls
    calls[CALL] = calls[CALL]._replace(case="A-17")
    dialplan = Dialplan(world)
    dialplan.route(1)
    dialplan.answers(1)
    world.third_leaves("0.1e", 16)
    assert [data["case"] for data in told(world, StepKind.ACT_ASKED)] == ["A-17", "A-17"]
    assert [command.case for command in world.asked if isinstance(command, c.DialThird)] == ["A-17"]


def test_alarm_is_raised_when_all_its_routes_failed_and_the_agent_has_heard_it_from_the_dialplan(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    dialplan.route(2)
    out = world.drive.send(e.ThirdEnded(CALL, "0.1e", world.drive.wall, 17, lost=False))
    assert out == []
    del world.thirds["0.2e"]
    world.alone = None
    out = world.drive.send(e.EmergencyAlone(CALL, "110", dialplan.asked_at, "failed", 2, world.drive.wall))
    assert [command for command in out if isinstance(command, c.RaiseAlarm)] == [
        c.RaiseAlarm(CALL, "110", "no route was reached by the dialplan alone")
    ]
    assert not any(isinstance(command, c.TellAgent) for command in out)
    assert told(world, StepKind.ACT_ENDED)[-1].items() >= FAILED.items()
    assert [data["outcome"] for data in told(world, StepKind.THIRD_ENDED)] == ["busy", "not_reached"]
    assert state(world) is JoinState.TALKING


def test_alarm_is_raised_for_a_call_that_is_not_known_any_more(world: World) -> None:
    out = world.drive.send(
        e.EmergencyAlone("1795000000000-9.9", "110", world.drive.wall, "failed", 2, world.drive.wall)
    )
    assert [type(command) for command in out] == [c.RaiseAlarm]


def test_failure_while_the_service_was_away_is_an_alarm_and_in_the_records(world: World) -> None:
    """By the dialplan's note, which is read before the picture, and again after each loss of AMI."""
    at = world.drive.wall
    note = e.EmergencyAlone(CALL, "110", at, "failed", 2, at + 1.0, noted=True)
    drive = world._service()
    drive.now = world.drive.now + 2.0
    known = e.RememberedCall(CALL, "12345", at - 60.0, 1, True, at - 50.0, AGENT)
    drive.send(e.Remembered((known,), {AGENT: AGENT}, since=at - 1.0))
    out = drive.send(note)
    assert out == [c.RaiseAlarm(CALL, "110", "no route was reached by the dialplan alone")]
    assert drive.engine.agent_of(CALL) == AGENT
    drive.send(e.Picture((world._seen(at - 60.0),), {}, drive.wall))
    assert joining.state(drive.engine, CALL) is JoinState.TALKING
    drive.send(e.AmiLost())
    drive.send(note)
    told = [(s.kind, s.at, s.data.get("outcome")) for s in drive.steps if s.kind.value.startswith("act_")]
    assert [step.data["by"] for step in drive.steps if step.kind is StepKind.ACT_ASKED] == [AGENT]
    assert told == [(StepKind.ACT_ASKED, at, None), (StepKind.ACT_ENDED, at + 1.0, "failed")]


def test_note_of_a_failure_that_was_told_before_is_passed_over(world: World) -> None:
    at = world.drive.wall
    drive = world._service()
    drive.send(e.Remembered((), {}, since=at))
    assert drive.send(e.EmergencyAlone(CALL, "110", at - 2.0, "failed", 2, at - 1.0, noted=True)) == []


def test_service_dials_nothing_beside_it_however_long_it_takes(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    world.wait(60.0)
    looked(world)
    assert dials(world) == []
    refused = joining.refusal(world.drive.engine, CALL, Verb.EMERGENCY, POLICE)
    assert refused is not None
    assert refused.sentence.startswith("emergency is not possible: an emergency centre is being dialled")


def test_what_the_service_dials_is_given_up_when_the_dialplan_dials_by_itself(world: World) -> None:
    world.send(e.JoinAsked(CALL, Verb.EMERGENCY, AGENT, "phone", POLICE))
    world.do(world.asked.pop(0))
    dialplan = Dialplan(world)
    assert world.asked == [c.DropThird(CALL, "1.1e")]
    world.do(world.asked.pop(0))
    dialplan.route(1)
    dialplan.answers(1)
    assert (state(world), set(world.thirds)) == (JoinState.THREE_WAY, {"0.1e"})
    assert [data["outcome"] for data in told(world, StepKind.ACT_ENDED)] == ["cancelled", "done"]


@pytest.mark.parametrize("until", ["dialled", "ringing", "joined", "left alone", "failed"])
def test_restart_in_any_of_its_moments_tells_it_once_and_leads_to_the_same_end(world: World, until: str) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    if until in ("joined", "left alone"):
        dialplan.answers(1)
    elif until == "failed":
        dialplan.fails(1)
    elif until == "ringing":
        world.third_rings("0.1e")
    if until == "left alone":
        world.alone = e.SeenAlone("110", dialplan.asked_at, dials=True)
    world.restart()
    assert told(world, StepKind.ACT_ASKED, StepKind.ACT_ENDED, StepKind.THIRD_DIALED) == []
    if until in ("dialled", "ringing"):
        assert state(world) is JoinState.EMERGENCY
        dialplan.answers(1)
        assert told(world, StepKind.ACT_ENDED)[-1].items() >= DONE.items()
    assert state(world) is (JoinState.TALKING if until == "failed" else JoinState.THREE_WAY)
    assert world.asked == []


@pytest.mark.parametrize("until", ["dialled", "joined"])
def test_what_was_done_while_nobody_listened_is_told_after_it(world: World, until: str) -> None:
    dialplan = Dialplan.__new__(Dialplan)
    dialplan.world, dialplan.asked_at, dialplan.heard = world, round(world.drive.wall, 3), False
    world.alone = e.SeenAlone("110", dialplan.asked_at, dials=True)
    dialplan.route(1)
    if until == "joined":
        dialplan.answers(1)
    world.restart()
    assert [data["via"] for data in told(world, StepKind.ACT_ASKED)] == ["dialplan"]
    assert [data["way"] for data in told(world, StepKind.THIRD_DIALED)] == ["p"]
    assert state(world) is (JoinState.THREE_WAY if until == "joined" else JoinState.EMERGENCY)
    dialplan.heard = True
    if until == "dialled":
        dialplan.answers(1)
    assert [data["outcome"] for data in told(world, StepKind.ACT_ENDED)] == ["done"]
    assert len(told(world, StepKind.THIRD_JOINED)) == 1
    world.restart()
    assert told(world, StepKind.ACT_ASKED, StepKind.ACT_ENDED) == []


def test_failure_that_nobody_heard_of_is_told_when_a_picture_shows_that_it_is_over(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    dialplan.heard, world.alone = False, None
    del world.thirds["0.1e"]
    looked(world)  # may have been taken in the instant in which it began
    assert told(world, StepKind.ACT_ENDED) == []
    world.drive.now += 5.0
    out = world.drive.send(e.Picture((world._seen(world.drive.wall - 60.0),), {}, world.drive.wall))
    assert c.RaiseAlarm(CALL, "110", "no route was reached by the dialplan alone") in out
    assert [data["outcome"] for data in told(world, StepKind.ACT_ENDED)] == ["failed"]


def test_centre_that_leaves_at_once_is_followed_by_the_next_route(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    dialplan.answers(1)
    world.third_leaves("0.1e", 16)
    (dialled,) = dials(world)
    assert isinstance(dialled, c.DialThird)
    assert (dialled.key, dialled.dial) == ("1.1e", "PJSIP/110@c")
    assert (world.caller, world.agent) == ("room", "room")


def test_agent_stays_with_the_caller_when_the_centre_hangs_up_later(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    dialplan.answers(1)
    world.wait(10.0)
    world.third_leaves("0.1e", 16)
    assert (state(world), dials(world), world.caller) == (JoinState.TALKING, [], "room")


def test_usual_rules_hold_with_the_centre_on_the_line(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    transfer = joining.refusal(world.drive.engine, CALL, Verb.TRANSFER, None)
    assert transfer is not None  # nobody leaves before the centre has answered
    dialplan.answers(1)
    hold = joining.refusal(world.drive.engine, CALL, Verb.HOLD, None)
    assert hold is not None
    assert hold.sentence == "an emergency centre is on the line: the caller is not put on hold"
    world.send(e.JoinAsked(CALL, Verb.TRANSFER, AGENT, "api", None))
    assert world.asked == [c.DropAgent(CALL, "")]
    world.do(world.asked.pop(0))
    assert (state(world), world.caller, set(world.thirds)) == (JoinState.HANDED_OVER, "room", {"0.1e"})


def test_agent_who_leaves_between_two_routes_leaves_the_caller_waiting_for_the_centre(world: World) -> None:
    dialplan = Dialplan(world)
    world.agent_leaves(lost=False)
    assert (state(world), world.caller) == (JoinState.HANDING_OVER, "wait")
    dialplan.route(1)
    world.third_answers("0.1e")
    assert (state(world), world.caller) == (JoinState.HANDED_OVER, "room")
    assert [data["outcome"] for data in told(world, StepKind.ACT_ENDED)] == ["done"]


def test_agent_takes_the_emergency_back_before_the_centre_has_answered(world: World) -> None:
    dialplan = Dialplan(world)
    dialplan.route(1)
    world.send(e.JoinAsked(CALL, Verb.RETURN, AGENT, "api", None))
    assert world.asked == [c.StopAlone(CALL), c.DropThird(CALL, "0.1e")]
    while world.asked:
        world.do(world.asked.pop(0))
    assert (state(world), world.thirds) == (JoinState.TALKING, {})
    assert [data["outcome"] for data in told(world, StepKind.ACT_ENDED)] == ["cancelled", "done"]


def test_emergency_that_is_not_configured_here_is_no_matter_of_ours(world: World) -> None:
    at = world.drive.wall
    world.send(e.EmergencyAlone(CALL, "119", at, "dialled", 0, at))
    world.alone = e.SeenAlone("119", replace(world.alone, asked_at=at).asked_at if world.alone else at, dials=True)
    looked(world)
    assert told(world, StepKind.ACT_ASKED) == []
