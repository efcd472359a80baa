"""Acts on a joined call, one story each. That no order of events leaves a caller alone is a property test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routing import commands as c
from routing import events as e
from routing import joining
from routing.agent_state import AgentState
from routing.joined import JoinState, Verb
from routing.steps import StepKind
from routing.targets import Route, Target, TargetKind
from tests.property.joined_world import AGENT, CALL, EXPERT, World
from tests.unit.routing.floor_plan import Drive

WATER = Target(TargetKind.DEPARTMENT, "water", "水务", (Route("PJSIP/1@d", "one"), Route("PJSIP/2@d", "two")), 10.0)
POLICE = Target(
    TargetKind.EMERGENCY, "110", "公安", (Route("PJSIP/110@p", "p"), Route("PJSIP/110@c", "c")), 20.0, 3.0, True
)
COLLEAGUE = Target(TargetKind.AGENT, EXPERT, "乙", answer_s=10.0)


@pytest.fixture
def world() -> World:
    return World()


def ask(world: World, verb: Verb, target: Target | None = None) -> list[c.Command]:
    out = world.drive.send(e.JoinAsked(CALL, verb, AGENT, "api", target))
    world.take(out)
    return out


def happen(world: World) -> None:
    """Asterisk does all that it was asked for."""
    while world.asked:
        world.do(world.asked.pop(0))


def state(world: World) -> JoinState | None:
    return joining.state(world.drive.engine, CALL)


def joined(world: World, verb: Verb, target: Target = WATER) -> None:
    """The act, up to its end."""
    ask(world, verb, target)
    happen(world)
    world.third_answers(next(iter(world.thirds)))
    happen(world)


def steps(world: World, kind: StepKind) -> list[dict[str, Any]]:
    return [dict(step.data) for step in world.drive.steps if step.kind is kind]


def refused(world: World, verb: Verb, target: Target | None = None) -> str:
    found = joining.refusal(world.drive.engine, CALL, verb, target)
    assert found is not None
    return found.sentence


# -- the third party is dialled first, then everybody is moved ---------------------------------------------------------


def test_nobody_is_moved_before_the_third_party_has_answered(world: World) -> None:
    ask(world, Verb.CONSULT, WATER)
    happen(world)
    world.third_rings("1.1")
    assert (world.caller, world.agent, world.asked) == ("bridge", "bridge", [])
    world.third_answers("1.1")
    assert world.asked == [c.Gather(CALL, hold=True, with_agent=True)]


def test_consult_then_merge_then_transfer(world: World) -> None:
    joined(world, Verb.CONSULT)
    assert (state(world), world.caller) == (JoinState.CONSULTING, "hold")
    ask(world, Verb.MERGE)
    happen(world)
    assert (state(world), world.caller) == (JoinState.THREE_WAY, "room")
    ask(world, Verb.TRANSFER)
    happen(world)
    assert (state(world), world.agent) == (JoinState.HANDED_OVER, None)
    assert steps(world, StepKind.AGENT_LEFT)[-1]["why"] == "transferred"
    assert world.drive.engine.floor.agents[AGENT].state is AgentState.WRAP_UP


def test_return_brings_the_caller_back_to_the_agent(world: World) -> None:
    joined(world, Verb.CONSULT)
    ask(world, Verb.RETURN)
    happen(world)
    assert (state(world), world.caller, world.thirds) == (JoinState.TALKING, "room", {})
    assert steps(world, StepKind.ACT_ENDED)[-1]["outcome"] == "done"


def test_third_party_that_leaves_a_consultation_gives_the_caller_back(world: World) -> None:
    joined(world, Verb.CONSULT)
    world.third_leaves("1.1", 16)
    assert world.heard == [c.Tone.LEFT]
    happen(world)
    assert (state(world), world.caller) == (JoinState.TALKING, "room")


def test_next_number_is_tried_and_the_agent_hears_when_there_is_none(world: World) -> None:
    ask(world, Verb.THREE_WAY, WATER)
    happen(world)
    world.third_leaves("1.1", 17)
    happen(world)
    out = world.drive.send(e.ThirdEnded(CALL, "1.2", world.drive.wall, 21, lost=False))
    assert c.TellAgent(CALL, c.Tone.BUSY) in out
    assert [step["outcome"] for step in steps(world, StepKind.THIRD_ENDED)] == ["busy", "refused"]
    assert steps(world, StepKind.ACT_ENDED)[-1] == {
        "act": 1, "verb": "three_way", "outcome": "failed", "reason": "refused",
        "target_kind": "department", "target": "water",
    }  # fmt: skip
    assert (state(world), world.caller, world.agent) == (JoinState.TALKING, "bridge", "bridge")


def test_blind_lets_the_agent_go_only_when_somebody_has_answered(world: World) -> None:
    ask(world, Verb.BLIND, WATER)
    happen(world)
    assert world.agent == "bridge"
    world.third_answers("1.1")
    happen(world)
    assert (state(world), world.agent, world.caller) == (JoinState.HANDED_OVER, None, "room")


# -- colleagues --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told_late", [False, True])
def test_colleague_who_is_rung_is_not_free_for_the_queue_and_takes_the_call_over(world: World, told_late: bool) -> None:
    ask(world, Verb.BLIND, COLLEAGUE)
    assert world.drive.engine.floor.agents[EXPERT].state is AgentState.RINGING
    happen(world)
    world.third_answers("1.1")
    happen(world)
    call = world.drive.engine.calls[CALL]
    assert (call.agent_id, state(world)) == (EXPERT, JoinState.TALKING)
    world.third_leaves("1.1", 16, told_late=told_late)  # his goodbye is a goodbye
    assert world.caller == "gone"


@pytest.mark.parametrize("first", ["colleague", "caller"])
def test_leg_of_a_colleague_who_took_the_call_over_is_told_to_its_end(world: World, first: str) -> None:
    ask(world, Verb.BLIND, COLLEAGUE)
    happen(world)
    world.third_answers("1.1")
    happen(world)
    world.third_leaves("1.1", 16) if first == "colleague" else world.caller_ends()
    (ended,) = steps(world, StepKind.THIRD_ENDED)
    assert (ended["act"], ended["leg"], ended["outcome"], ended["talked"]) == (1, 1, "answered", True)


def test_colleague_who_lets_it_ring_out_pauses_as_for_any_call(world: World) -> None:
    ask(world, Verb.CONSULT, COLLEAGUE)
    happen(world)
    world.third_rings("1.1")
    world.third_leaves("1.1", 16)
    assert world.drive.engine.floor.agents[EXPERT].state is AgentState.PAUSED
    assert (state(world), world.caller) == (JoinState.TALKING, "bridge")


def test_colleague_who_is_not_free_is_refused_with_what_he_does(world: World) -> None:
    world.drive.send(e.AgentPaused(EXPERT, "用餐"))
    assert refused(world, Verb.CONSULT, COLLEAGUE) == "agent 1002 is paused"


# -- emergency ---------------------------------------------------------------------------------------------------------


def test_second_route_is_dialled_beside_the_first_that_gives_no_sound(world: World) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    world.wait(2.9)
    assert list(world.asked) == []
    world.wait(0.2)
    (second,) = world.asked
    assert isinstance(second, c.DialThird)
    assert (second.key, second.dial, second.shows_caller) == ("1.2e", "PJSIP/110@c", True)
    assert set(world.thirds) == {"1.1e"}


def test_route_over_a_trunk_known_to_be_dead_is_dialled_last(world: World) -> None:
    world.drive.send(e.TrunkStateChanged("p", up=False))
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    world.third_leaves("1.1e", 17)
    happen(world)
    assert [data["way"] for data in steps(world, StepKind.THIRD_DIALED)] == ["c", "p"]
    world.drive.send(e.TrunkStateChanged("p", up=True))
    world.third_leaves("1.2e", 17)
    happen(world)
    ask(world, Verb.EMERGENCY, POLICE)
    assert steps(world, StepKind.THIRD_DIALED)[-1]["way"] == "p"


def test_centre_that_rings_past_the_time_of_its_act_is_joined_after_a_restart(world: World) -> None:
    ask(world, Verb.EMERGENCY, replace(POLICE, routes=POLICE.routes[:1]))
    happen(world)
    world.third_rings("1.1e")
    world.wait(60.0)
    world.restart()
    world.third_answers("1.1e")
    happen(world)
    assert (world.caller, world.agent, world.thirds, state(world)) == (
        "room", "room", {"1.1e": "room"}, JoinState.THREE_WAY,
    )  # fmt: skip


@pytest.mark.parametrize(("verb", "target", "told"), [(Verb.EMERGENCY, POLICE, "A-17"), (Verb.CONSULT, WATER, "")])
def test_case_goes_to_whom_the_citizens_number_goes(world: World, verb: Verb, target: Target, told: str) -> None:
    out = world.drive.send(e.JoinAsked(CALL, verb, AGENT, "api", target, case="A-17"))
    assert [x.case for x in out if isinstance(x, c.DialThird)] == [told]


def test_ringing_route_is_kept_beside_the_next_until_one_answers(world: World) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    world.third_rings("1.1e")
    world.wait(20.1)
    happen(world)
    assert set(world.thirds) == {"1.1e", "1.2e"}
    world.third_answers("1.1e")
    happen(world)
    assert world.thirds == {"1.1e": "room"}
    assert state(world) is JoinState.THREE_WAY


@pytest.mark.parametrize(("rings", "outcome"), [(False, "not_reached"), (True, "cancelled")])
def test_route_that_stayed_silent_was_not_reached_although_we_end_it(world: World, rings: bool, outcome: str) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    if rings:
        world.third_rings("1.1e")
    world.wait(20.1 if rings else 3.1)
    happen(world)
    world.third_answers("1.2e")
    happen(world)
    assert [(step["leg"], step["outcome"]) for step in steps(world, StepKind.THIRD_ENDED)] == [(1, outcome)]


def test_alarm_is_raised_when_no_route_answers(world: World) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    world.third_leaves("1.1e", 34)
    happen(world)
    out = world.drive.send(e.ThirdEnded(CALL, "1.2e", world.drive.wall, 20, lost=False))
    assert [(x.target, x.reason) for x in out if isinstance(x, c.RaiseAlarm)] == [("110", "not_reached")]
    assert [x.tone for x in out if isinstance(x, c.TellAgent)] == [c.Tone.ALARM]
    assert (world.caller, world.agent) == ("bridge", "bridge")


@pytest.mark.parametrize("when", ["before they meet", "when they have met"])
def test_centre_that_answers_and_leaves_at_once_is_followed_by_the_next_route(world: World, when: str) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    world.third_answers("1.1e")
    if when == "when they have met":
        happen(world)
        world.wait(1.0)
    world.third_leaves("1.1e", 16)
    happen(world)
    assert [data["way"] for data in steps(world, StepKind.THIRD_DIALED)] == ["p", "c"]
    (second,) = world.thirds
    assert state(world) is JoinState.EMERGENCY
    world.third_answers(second)
    happen(world)
    assert (world.caller, world.agent, state(world)) == ("room", "room", JoinState.THREE_WAY)
    outcomes = [data["outcome"] for data in steps(world, StepKind.ACT_ENDED)]
    assert outcomes == (["done"] if when == "before they meet" else ["done", "done"])


def test_alarm_is_raised_when_the_last_route_answers_and_leaves_at_once(world: World) -> None:
    ask(world, Verb.EMERGENCY, replace(POLICE, routes=POLICE.routes[:1]))
    happen(world)
    world.third_answers("1.1e")
    happen(world)
    out = world.drive.send(e.ThirdEnded(CALL, "1.1e", world.drive.wall, 16, lost=False))
    assert [x.reason for x in out if isinstance(x, c.RaiseAlarm)] == ["the centre answered and left at once"]
    assert state(world) is JoinState.TALKING


def test_centre_that_has_talked_and_leaves_is_not_called_again(world: World) -> None:
    joined(world, Verb.EMERGENCY, POLICE)
    world.wait(3.1)
    world.third_leaves("1.1e", 16)
    happen(world)
    assert (world.thirds, state(world)) == ({}, JoinState.TALKING)


def test_emergency_takes_the_caller_out_of_the_music_at_once(world: World) -> None:
    ask(world, Verb.HOLD)
    happen(world)
    ask(world, Verb.EMERGENCY, POLICE)
    assert c.Gather(CALL, hold=False, with_agent=False) in world.asked
    happen(world)
    assert (state(world), world.caller) == (JoinState.EMERGENCY, "room")


def test_nobody_is_put_on_hold_while_an_emergency_centre_is_there(world: World) -> None:
    joined(world, Verb.EMERGENCY, POLICE)
    assert refused(world, Verb.HOLD) == "an emergency centre is on the line: the caller is not put on hold"


def test_emergency_goes_before_whatever_was_being_dialled(world: World) -> None:
    ask(world, Verb.CONSULT, WATER)
    happen(world)
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    assert set(world.thirds) == {"2.1e"}
    assert steps(world, StepKind.ACT_ENDED)[0]["outcome"] == "cancelled"


def test_agent_may_not_leave_before_the_centre_has_answered(world: World) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    assert refused(world, Verb.TRANSFER).startswith("transfer is not possible: an emergency centre is being dialled")


def test_short_call_is_taken_out_of_its_limit(world: World) -> None:
    engine = world.drive.engine
    engine.calls[CALL] = engine.calls[CALL]._replace(limit_s=60.0)
    ask(world, Verb.EMERGENCY, POLICE)
    assert c.Gather(CALL, hold=False, with_agent=True) in world.asked


# -- who leaves --------------------------------------------------------------------------------------------------------


def test_agent_who_hangs_up_while_a_third_party_rings_leaves_the_caller_waiting_for_it(world: World) -> None:
    ask(world, Verb.CONSULT, WATER)
    happen(world)
    world.agent_leaves(lost=False)
    assert (state(world), world.caller) == (JoinState.HANDING_OVER, "wait")
    world.third_answers("1.1")
    assert (state(world), world.caller) == (JoinState.HANDED_OVER, "room")


def test_picture_from_before_the_end_of_an_act_was_stamped_ends_it_no_second_time(world: World) -> None:
    joined(world, Verb.THREE_WAY)
    ask(world, Verb.RETURN)
    happen(world)
    world.stamped = f"return:2:{int(world.drive.wall) + 3}::2"
    world.look()
    assert [step["act"] for step in steps(world, StepKind.ACT_ENDED)] == [1, 2]
    assert world.stamped == ":2:0:"


def test_centre_that_rings_past_the_end_of_its_act_is_not_hung_up_on_by_a_picture(world: World) -> None:
    ask(world, Verb.EMERGENCY, POLICE)
    happen(world)
    world.third_rings("1.1e")
    stamped, act = world.stamped, world.drive.engine.joined[CALL].act
    world.drive.engine.joined[CALL] = world.drive.engine.joined[CALL]._replace(act=None)  # over, and AMI was down
    world.stamped = stamped
    world.look()
    found = world.drive.engine.joined[CALL].act
    assert act is not None
    assert (found and (found.no, found.verb)) == (act.no, act.verb)
    assert not any(isinstance(command, c.DropThird) for command in world.asked)


def consulted_from_the_room(world: World, target: Target) -> None:
    """The third party has answered, and Asterisk has not yet put the caller on hold, whom we believe to be in the room."""
    joined(world, Verb.THREE_WAY)
    ask(world, Verb.RETURN)
    happen(world)
    ask(world, Verb.CONSULT, target)
    happen(world)
    world.third_answers("3.1")
    assert world.asked == [c.Gather(CALL, hold=True, with_agent=False)]


def test_agent_who_leaves_while_the_caller_is_put_on_hold_for_a_colleague_leaves_them_together(world: World) -> None:
    consulted_from_the_room(world, COLLEAGUE)
    world.agent_leaves(lost=False)
    happen(world)
    assert (state(world), world.caller) == (JoinState.TALKING, "room")
    assert world.drive.engine.calls[CALL].agent_id == EXPERT
    assert steps(world, StepKind.ACT_ENDED)[-1]["outcome"] == "done"


def test_third_party_that_leaves_while_the_caller_is_put_on_hold_for_it_gives_him_back(world: World) -> None:
    consulted_from_the_room(world, WATER)
    world.third_leaves("3.1", 16)
    happen(world)
    assert (state(world), world.caller) == (JoinState.TALKING, "room")
    assert steps(world, StepKind.ACT_ENDED)[-1]["reason"] == "the third party left at once"


def test_caller_goes_to_the_head_of_the_queue_when_that_third_party_does_not_come(world: World) -> None:
    ask(world, Verb.CONSULT, COLLEAGUE)
    happen(world)
    world.agent_leaves(lost=True)
    world.third_leaves("1.1", 17)
    world.wait(0.1)
    assert world.caller == "queue"
    assert steps(world, StepKind.REQUEUED)[-1]["cause"] == "left_alone"


@pytest.mark.parametrize("told_late", [False, True])
def test_last_third_party_that_leaves_sends_the_caller_back_to_a_person(world: World, told_late: bool) -> None:
    joined(world, Verb.BLIND)
    world.third_leaves("1.1", 16, told_late=told_late)
    assert world.caller == "queue"
    assert world.drive.engine.calls[CALL].head


@pytest.mark.parametrize("told_late", [False, True])
def test_agent_who_hangs_up_while_the_caller_is_on_hold_has_said_no_goodbye(world: World, told_late: bool) -> None:
    ask(world, Verb.HOLD)
    happen(world)
    assert (state(world), world.caller) == (JoinState.HELD, "hold")
    world.agent_leaves(lost=False, told_late=told_late)
    world.wait(0.1)
    assert world.caller == "queue"
    assert world.drive.engine.calls[CALL].head


@pytest.mark.parametrize("told_late", [False, True])
@pytest.mark.parametrize(("verb", "target"), [(Verb.EMERGENCY, POLICE), (Verb.BLIND, WATER)])
def test_agent_who_leaves_before_the_dialplan_knows_of_his_act_leaves_the_caller_waiting_for_the_third_party(
    world: World, verb: Verb, target: Target, told_late: bool
) -> None:
    ask(world, verb, target)
    world.stamp = ("", 0, 0.0)
    world.agent_leaves(lost=False, told_late=told_late)
    assert world.caller == "wait"
    happen(world)
    world.third_answers(next(iter(world.thirds)))
    happen(world)
    assert (state(world), world.caller) == (JoinState.HANDED_OVER, "room")
    assert steps(world, StepKind.ACT_ENDED)[-1]["outcome"] == "done"


def test_caller_who_is_put_on_hold_stays_there_when_the_end_of_a_third_party_that_was_let_go_is_told_late(
    world: World,
) -> None:
    joined(world, Verb.THREE_WAY)
    ask(world, Verb.RETURN)
    let_go = world.asked.pop()
    ask(world, Verb.HOLD)
    happen(world)
    world.do(let_go)
    happen(world)
    assert (state(world), world.caller) == (JoinState.HELD, "hold")


@pytest.mark.parametrize("told_first", ["goodbye", "place"])
def test_caller_who_comes_into_a_room_that_the_last_helper_has_just_left_is_not_kept_there(
    world: World, told_first: str
) -> None:
    """Asterisk lets him go on when a helper leaves him, not when he comes a moment later."""
    joined(world, Verb.CONSULT)
    ask(world, Verb.RETURN)
    left = e.AgentLegEnded(CALL, AGENT, False, world.drive.wall)
    came = e.CallerPlaced(CALL, "room", world.drive.wall)
    world.drive.send(e.ThirdEnded(CALL, "1.1", world.drive.wall, 16, lost=False))
    for event in (left, came) if told_first == "goodbye" else (came, left):
        world.drive.send(event)
    assert c.LookAgain() in world.drive.after(1.1)  # somebody may be there of whom we were not told
    assert c.Gather(CALL, hold=True, with_agent=False) in world.drive.after(1.1)


@pytest.mark.parametrize("told_late", [False, True])
def test_colleague_who_hangs_up_while_the_caller_is_on_hold_has_said_no_goodbye(world: World, told_late: bool) -> None:
    ask(world, Verb.BLIND, COLLEAGUE)
    happen(world)
    world.third_answers("1.1")
    happen(world)
    ask(world, Verb.HOLD)
    happen(world)
    assert (state(world), world.caller) == (JoinState.HELD, "hold")
    world.third_leaves("1.1", 16, told_late=told_late)
    world.wait(0.1)
    assert world.caller == "queue"


@pytest.mark.parametrize("told_late", [False, True])
def test_goodbye_of_the_agent_in_a_conference_of_two_ends_the_call(world: World, told_late: bool) -> None:
    joined(world, Verb.CONSULT)
    world.third_leaves("1.1", 16)
    happen(world)
    world.agent_leaves(lost=False, told_late=told_late)
    assert world.caller == "gone"


def test_caller_who_leaves_releases_everybody(world: World) -> None:
    joined(world, Verb.THREE_WAY)
    out = world.drive.send(e.CallEnded(CALL, world.drive.wall, 16, "caller"))
    assert {c.DropThird(CALL, "1.1"), c.DropAgent(CALL, "")} <= set(out)
    assert world.drive.engine.joined == {}


# -- moves that do not happen ------------------------------------------------------------------------------------------


def test_move_that_is_not_seen_in_time_is_looked_at_and_asked_for_once_more(world: World) -> None:
    ask(world, Verb.HOLD)
    world.asked.clear()
    out = world.drive.after(2.1)
    assert c.LookAgain() in out
    assert c.Gather(CALL, hold=True, with_agent=True) in out
    out = world.drive.after(2.1)
    assert not [x for x in out if isinstance(x, c.Gather)]
    assert steps(world, StepKind.ACT_ENDED)[-1]["outcome"] == "failed"
    assert state(world) is JoinState.TALKING


def test_refused_move_is_asked_for_again_at_once(world: World) -> None:
    ask(world, Verb.HOLD)
    out = world.drive.send(e.MoveRefused(CALL))
    assert c.Gather(CALL, hold=True, with_agent=True) in out


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_act_that_is_not_legal_says_what_is_and_changes_nothing(world: World) -> None:
    sentence = refused(world, Verb.MERGE)
    assert sentence == (
        "merge is not possible: caller and agent talk with each other. "
        "Possible now: consult, three-way, blind, emergency, hold"
    )
    ask(world, Verb.MERGE)
    assert world.asked == []
    assert steps(world, StepKind.ACT_ENDED)[-1]["outcome"] == "refused"


def test_calls_that_are_unknown_over_or_still_waiting_are_refused(world: World) -> None:
    engine = world.drive.engine
    world.drive.call("waits")
    kinds = [joining.refusal(engine, call_id, Verb.HOLD, None) for call_id in ("nobody", "waits")]
    assert [found.kind for found in kinds if found] == ["unknown", "state"]
    world.caller_ends()
    over = joining.refusal(engine, CALL, Verb.HOLD, None)
    assert over is not None
    assert (over.kind, over.sentence) == ("state", f"call {CALL} is over")


def test_without_ami_acts_are_refused_clearly(world: World) -> None:
    world.drive.send(e.AmiLost())
    assert refused(world, Verb.HOLD).startswith("Asterisk Manager is not connected")


def test_emergency_centres_are_reached_by_their_own_act_alone(world: World) -> None:
    for verb, target in ((Verb.CONSULT, POLICE), (Verb.EMERGENCY, WATER)):
        assert refused(world, verb, target).startswith("emergency centres are reached by the act emergency")


# -- numbers of acts ---------------------------------------------------------------------------------------------------


def asked(world: World) -> list[int]:
    return [step["act"] for step in steps(world, StepKind.ACT_ASKED)]


def test_act_after_a_restart_never_has_the_number_of_one_that_was_refused(world: World) -> None:
    ask(world, Verb.MERGE)
    world.restart()
    ask(world, Verb.HOLD)
    assert asked(world) == [2]


def test_number_of_an_act_that_was_refused_beside_an_open_one_is_not_given_again(world: World) -> None:
    ask(world, Verb.CONSULT, WATER)
    happen(world)
    world.third_rings("1.1")
    ask(world, Verb.MERGE)
    world.restart()
    assert state(world) is JoinState.DIALING
    world.third_answers("1.1")
    happen(world)
    ask(world, Verb.MERGE)
    assert asked(world) == [3]


def test_number_of_an_act_that_was_refused_without_ami_is_told_as_soon_as_there_is_one(world: World) -> None:
    world.send(e.AmiLost())
    ask(world, Verb.HOLD)
    world.stamped = ""  # nobody took it
    world.look()
    world.restart()
    ask(world, Verb.HOLD)
    assert asked(world) == [2]


def test_acts_that_are_refused_while_the_caller_waits_have_numbers_of_their_own() -> None:
    drive = Drive(AGENT)
    drive.call("1795000000000-9.9")
    for _ in range(2):
        drive.send(e.JoinAsked("1795000000000-9.9", Verb.HOLD, AGENT, "api"))
    drive.send(e.JoinRefused("1795000000000-9.9", Verb.CONSULT, AGENT, "api", "", "", "", "why", False))
    drive.ring("1795000000000-9.9", AGENT)
    drive.answer("1795000000000-9.9", AGENT)
    drive.send(e.JoinAsked("1795000000000-9.9", Verb.HOLD, AGENT, "api"))
    assert [step.data["act"] for step in drive.steps if step.kind is StepKind.ACT_ASKED] == [1, 2, 3, 4]
