"""Agents that change while callers wait: rules come and go, places stay."""

from __future__ import annotations

from dataclasses import replace

from routing import commands as c
from routing import events as e
from routing.model import AgentProfile, Rules
from routing.steps import StepKind
from tests.unit.routing.floor_plan import Drive, presented, rules

QUICK = {"wrap_up_s": 0.0, "ring_several_after_s": 0.0, "answer_notice_after_s": 0.0}


def without(*ids: str, **timing: float) -> Rules:
    some = rules(**timing)
    return replace(some, agents={id_: agent for id_, agent in some.agents.items() if id_ not in ids})


def test_a_change_of_agents_with_200_callers_waiting_loses_no_place() -> None:
    drive = Drive("1001", **QUICK)
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    for number in range(200):
        drive.now += 0.01
        drive.call(f"c{number:03}")
    drive.send(e.RulesChanged(without("1002", **QUICK)))
    drive.send(e.RulesChanged(rules(**QUICK)))
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    served = [presented(drive.free("1001")).call_id]
    for _ in range(199):
        drive.ring(served[-1], "1001")
        drive.answer(served[-1], "1001")
        drive.send(e.CallEnded(served[-1], drive.wall, 16, "caller"))
        served.append(presented(drive.free("1001")).call_id)
    assert served == [f"c{number:03}" for number in range(200)]


def test_an_agent_who_gets_the_skill_is_rung_for_the_caller_who_waits_for_it() -> None:
    drive = Drive("1004")
    drive.send(e.AgentSignedIn("1004", "1004"))
    drive.send(e.AgentReady("1004"))
    some = rules()
    nobody = replace(some, agents=dict(some.agents) | {"1004": replace(some.agents["1004"], skills={})})
    only_hrss = replace(nobody, lines={"12333": replace(some.lines["12333"], rings=some.lines["12333"].rings[:2])})
    drive.send(e.RulesChanged(only_hrss))
    drive.send(e.CallHeld("a", 1, "12333", drive.wall))
    skilled = AgentProfile("1004", "丁", {"hrss": 5}, sign_in=some.agents["1004"].sign_in)
    out = drive.send(e.RulesChanged(replace(only_hrss, agents=dict(some.agents) | {"1004": skilled})))
    assert presented(out).seat_ids == ("1004",)


def test_an_agent_who_is_taken_out_is_signed_out_in_the_records() -> None:
    drive = Drive("1001", "1002")
    out = drive.engine.handle(e.RulesChanged(without("1001")), drive.now, drive.wall)
    assert [(x.agent_id, x.seat_id, x.state) for x in out if isinstance(x, c.WriteSignIn)] == [
        ("1001", None, "signed_out")
    ]
    drive.call("a")
    assert drive.last("a", StepKind.PRESENTED).data["seats"] == "1002"
    drive.send(e.RulesChanged(rules()))  # and back: the phone is there all the time
    assert drive.engine.floor.at_seat["1001"] == "1001"


def test_an_agent_who_is_taken_out_in_his_talk_ends_it_in_peace() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.RulesChanged(without("1001")))
    drive.send(e.AgentLegEnded("a", "1001", lost=False, at=drive.wall))
    drive.send(e.CallEnded("a", drive.wall, 16, "agent"))
    assert drive.kinds("a")[-1] is StepKind.ENDED
    assert not drive.engine.illegal
