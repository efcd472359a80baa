"""Without AMI, after a restart of the service or of Asterisk: the picture is made again, nothing is judged twice."""

from __future__ import annotations

from dataclasses import replace

from routing import events as e
from routing.floor import BUSY
from routing.model import DeviceState
from routing.steps import CallOutcome, Judgement, Outcome, StepKind

from .floor_plan import Drive, presented


def test_without_ami_callers_are_still_presented_and_talking_seats_come_back_last() -> None:
    drive = Drive("1001", "1002")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.AmiLost())
    assert presented(drive.call("a")).seat_ids == ("1002",)
    assert presented(drive.call("b")).seat_ids == ("1001",)
    assert drive.call("c") == []


def test_guard_that_says_no_gives_the_seat_a_short_rest_and_the_next_picture_puts_the_talker_back() -> None:
    drive = Drive("1001")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.AmiLost())
    shown = presented(drive.call("a"))
    assert drive.call("a", last_presentation=shown.presentation, last_status="GUARD") == []
    seen = e.SeenCall("x", "12345", drive.wall, drive.wall, "1001", bridged=True)
    held = e.SeenCall("a", "12345", drive.wall)
    drive.send(e.Picture((seen, held), {"1001": DeviceState.INUSE}, drive.wall))
    assert drive.engine.view(drive.now).seats[0].state == "talking"
    assert drive.kinds("x").count(StepKind.ANSWERED) == 1


def test_picture_of_a_talking_seat_voids_what_was_presented_to_it_without_ami() -> None:
    drive = Drive("1001")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.AmiLost())
    presented(drive.call("a"))
    seen = e.SeenCall("x", "12345", drive.wall, drive.wall, "1001", bridged=True)
    drive.send(e.Picture((seen, e.SeenCall("a", "12345", drive.wall)), {"1001": DeviceState.INUSE}, drive.wall))
    assert drive.engine.calls["a"].presentation is None
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.VOID


def test_restart_finds_waiting_and_talking_calls_again_and_judges_nothing_twice() -> None:
    drive = Drive(ami=False)
    drive.send(e.DecisionsHeld())
    at = drive.wall
    drive.send(
        e.Remembered(
            (
                e.RememberedCall("t", "12345", at - 60, 7, judged=True, answered_at=at - 50, seat_id="1001"),
                e.RememberedCall("gone", "12345", at - 60, 7, judged=False),
                e.RememberedCall("w", "12345", at - 20, 3, judged=False),
            )
        )
    )
    drive.call("w2", arrived_at=at - 25)
    drive.call("w", arrived_at=at - 20)
    calls = (
        e.SeenCall("t", "12345", at - 60, at - 50, "1001", bridged=True),
        e.SeenCall("w", "12345", at - 20),
        e.SeenCall("w2", "12345", at - 25),
    )
    drive.send(e.Picture(calls, {"1001": DeviceState.INUSE, "1002": DeviceState.NOT_INUSE}, at))
    assert presented(drive.send(e.DecisionsAllowed())).call_id == "w2"
    assert StepKind.JUDGED not in drive.kinds("t")
    assert StepKind.ANSWERED not in drive.kinds("t")
    assert drive.last("gone", StepKind.ENDED).data["outcome"] == CallOutcome.FAILED
    assert drive.kinds("w").count(StepKind.OFFERED) == 0
    assert {s.seat_id: s.state for s in drive.engine.view(drive.now).seats}["1001"] == "talking"


def test_call_that_asterisk_no_longer_has_is_over_though_something_happened_to_it_just_now() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.after(5)
    drive.send(e.AmiLost())
    drive.send(e.SessionClosed("a", 1))
    drive.after(4.5)  # our own deadline: the presentation is void
    drive.send(e.Picture((), {"1001": DeviceState.NOT_INUSE}, drive.wall))
    assert drive.kinds("a").count(StepKind.ENDED) == 1
    assert drive.engine.calls == {}


def test_talks_end_at_once_when_asterisk_was_restarted_and_young_waiting_calls_with_the_next_picture() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("t")
    drive.ring("t", "1001")
    drive.answer("t", "1001")
    drive.call("w")
    drive.send(e.SessionClosed("w", 2))
    drive.send(e.AmiLost())
    drive.after(1)
    picture = e.Picture((), {"1001": DeviceState.NOT_INUSE}, drive.wall)
    drive.send(picture)
    assert set(drive.engine.calls) == {"w"}
    assert drive.engine.view(drive.now).seats[0].state == "ready"
    drive.after(3)
    drive.send(replace(picture, at=drive.wall))
    assert drive.engine.calls == {}


def test_talk_known_again_after_a_restart_ends_with_its_whole_length() -> None:
    drive = Drive(ami=False)
    at = drive.wall
    drive.send(
        e.Remembered((e.RememberedCall("t", "12345", at - 60, 7, judged=True, answered_at=at - 50, seat_id="1001"),))
    )
    seen = e.SeenCall("t", "12345", at - 60, at - 50, "1001", bridged=True)
    drive.send(e.Picture((seen,), {"1001": DeviceState.INUSE}, at))
    drive.after(10)
    drive.send(e.AgentLegEnded("t", "1001", False, drive.wall))
    assert drive.last("t", StepKind.TALK_ENDED).data["talk_s"] == 60


def test_talk_that_began_while_the_service_was_down_is_told_and_judged() -> None:
    drive = Drive(ami=False)
    at = drive.wall
    drive.send(e.Remembered((e.RememberedCall("t", "12345", at - 60, 7, judged=False),)))
    seen = e.SeenCall("t", "12345", at - 60, at - 50, "1001", bridged=True)
    drive.send(e.Picture((seen,), {"1001": DeviceState.INUSE}, at))
    assert drive.kinds("t") == [StepKind.RECOVERED, StepKind.ANSWERED, StepKind.JUDGED]
    assert drive.last("t", StepKind.JUDGED).data["result"] == Judgement.IN_TIME


def test_callers_who_waited_before_a_restart_are_absent_until_they_ask_again() -> None:
    drive = Drive(ami=False)
    drive.send(e.DecisionsHeld())
    at = drive.wall
    drive.send(e.Picture((e.SeenCall("w", "12345", at - 9), e.SeenCall("v", "12345", at - 8)), {}, at))
    assert drive.engine.absent() == 2
    drive.call("v", arrived_at=at - 8)
    drive.call("w", arrived_at=at - 9)
    assert drive.engine.absent() == 0


def test_pause_of_the_agents_own_survives_a_restart_and_ours_does_not() -> None:
    drive = Drive(ami=False)
    seats = {"1001": "1001", "1002": "1002"}
    drive.send(e.Remembered((), seats, {"1001": "lunch", "1002": BUSY}))
    shown = {s.seat_id: (s.state, s.reason) for s in drive.engine.view(drive.now).seats}
    assert shown["1001"] == ("paused", "lunch")
    assert shown["1002"][0] == "ready"
