"""Ends that nobody told us, read from the dialplan's notes after AMI or we were down."""

from __future__ import annotations

from typing import Any

from routing import events as e
from routing.model import DeviceState
from routing.steps import Judgement, Outcome, StepKind

from .floor_plan import Drive, presented


def noted(drive: Drive, call_id: str, **facts: Any) -> e.EndNoted:
    known = {"arrived_at": drive.wall - 8, "ended_at": drive.wall - 1, "by": "caller", "cause": 16}
    return e.EndNoted(call_id, "12345", **{**known, **facts})


def picture(drive: Drive, *calls: e.SeenCall) -> e.Picture:
    return e.Picture(calls, {"1001": DeviceState.NOT_INUSE}, drive.wall)


def test_talk_that_began_and_ended_without_ami_is_recorded_whole() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    arrived_at = drive.wall
    shown = presented(drive.call("a"))
    drive.after(60)
    assert drive.engine.calls["a"].presentation is None
    end = noted(drive, "a", arrived_at=arrived_at, answered_at=arrived_at + 2, ended_at=arrived_at + 42, seat_id="1001")
    drive.send(end)
    drive.send(picture(drive))
    ended, answered = drive.last("a", StepKind.ENDED), drive.last("a", StepKind.ANSWERED)
    assert (ended.data["outcome"], ended.data["by"], ended.data["talk_s"]) == ("answered", "caller", 40)
    assert (answered.data["by"], answered.data["presentation"], answered.data["wait_s"]) == (
        "engine",
        shown.presentation,
        2,
    )
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.ANSWERED
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.IN_TIME
    assert drive.kinds("a").count(StepKind.PRESENTATION_ENDED) == 1


def test_caller_who_gave_up_without_ami_is_abandoned_and_not_failed() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    drive.call("a")
    drive.after(20)
    drive.send(noted(drive, "a"))
    assert drive.last("a", StepKind.ENDED).data["outcome"] == "abandoned"
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.CANCELLED


def test_note_of_an_old_talk_does_not_touch_who_sits_there_now() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    drive.call("a")
    drive.after(20)
    shown = presented(drive.call("b"))
    drive.send(noted(drive, "a", answered_at=drive.wall - 5, seat_id="1001"))
    assert drive.engine.calls["b"].presentation is not None
    assert drive.engine.calls["b"].presentation.id == shown.presentation
    assert drive.engine.view(drive.now).seats[0].state == "ringing"


def test_talk_that_was_told_before_the_cut_is_answered_once_and_ends_when_the_note_says() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.AmiLost())
    answered_at = drive.wall
    drive.after(30)
    drive.send(noted(drive, "a", answered_at=answered_at, ended_at=answered_at + 20, seat_id="1001"))
    assert drive.kinds("a").count(StepKind.ANSWERED) == 1
    assert drive.last("a", StepKind.ENDED).at == answered_at + 20


def test_call_that_came_and_went_while_the_service_was_down_is_recorded() -> None:
    drive = Drive(ami=False)
    drive.send(e.Remembered((), since=drive.wall - 60, ended=frozenset({"old"})))
    drive.send(noted(drive, "old"))
    drive.send(noted(drive, "new", answered_at=drive.wall - 5, seat_id="1001"))
    drive.send(noted(drive, "older", ended_at=drive.wall - 61))
    assert {step.call_id for step in drive.steps} == {"new"}
    assert drive.last("new", StepKind.ANSWERED).data["by"] == "fallback"


def test_call_that_ended_before_ami_was_lost_is_not_recorded_again() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    drive.after(5)
    drive.send(e.AmiLost())
    drive.after(300)
    drive.send(noted(drive, "a", ended_at=drive.wall - 305, arrived_at=drive.wall - 305))
    assert drive.kinds("a").count(StepKind.ENDED) == 1


def test_lapsed_presentation_of_a_caller_who_comes_back_ends_as_the_dialplan_says() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    shown = presented(drive.call("a"))
    drive.after(20)
    drive.call("a", last_presentation=shown.presentation, last_status="NOANSWER")
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.NO_ANSWER


def test_agents_goodbye_without_ami_frees_the_seat_at_once() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    drive.call("a")
    assert drive.call("b") == []
    out = drive.send(e.GoodbyeAsked("a", 9, "1001"))
    assert presented(out).call_id == "b"
