"""Seats behind a trunk (云座席), of whose telephone Asterisk knows nothing, and seats that take some lines only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import commands as c
from routing import events as e
from routing.codes import Code
from routing.model import DeviceState, Line, Ring, Rules, Surge
from routing.need import Anybody, Skilled
from routing.steps import Outcome, StepKind

from .floor_plan import Drive, presented, rules, stood

FAR = "1004"  # its agent signs in by an act
TIMES = {"remote_ring_s": 20.0, "remote_confirm_s": 6.0}


def remote(base: Rules, *lines: str) -> Rules:
    """The same hotline, where 1004 is remote, knows everything and takes these lines (none: all)."""
    seat = replace(base.seats[FAR], dial="PJSIP/13900000004@carrier", remote=True, lines=frozenset(lines))
    agent = replace(base.agents[FAR], skills={"general": 9})
    return replace(base, seats={**base.seats, FAR: seat}, agents={**base.agents, FAR: agent})


def driven(*phones: str, lines: tuple[str, ...] = (), ami: bool = True, **timing: float) -> Drive:
    """The agent of the remote seat is ready."""
    drive = Drive(*phones, ami=ami, **timing)
    drive.send(e.RulesChanged(remote(rules(**timing), *lines)))
    drive.send(e.AgentSignedIn(FAR, FAR))
    drive.send(e.AgentReady(FAR))
    return drive


def state(drive: Drive) -> tuple[str, str]:
    (found,) = [(seat.state, seat.reason) for seat in drive.engine.view(drive.now).seats if seat.seat_id == FAR]
    return found


def outcome(drive: Drive, seat: str = FAR) -> object:
    steps = [step for step in drive.steps if step.kind is StepKind.PRESENTATION_ENDED and step.data["seat"] == seat]
    return steps[-1].data["outcome"]


def test_a_remote_seat_whose_agent_is_ready_rings_though_no_phone_is_known() -> None:
    shown = presented(driven(**TIMES).call("a"))
    assert (shown.seat_ids, shown.ring_s) == (
        (FAR,),
        27.0,
    )  # ringing, asking, and a second so that the dialplan is first


def test_it_is_free_again_after_its_talk() -> None:
    drive = driven(wrap_up_s=0)
    drive.call("a")
    drive.ring("a", FAR)
    drive.answer("a", FAR)
    assert drive.call("b") == []
    assert presented(drive.send(e.CallEnded("a", drive.wall, 16, "caller"))).seat_ids == (FAR,)


def test_a_phone_alone_rings_for_its_own_time() -> None:
    assert presented(Drive("1001", **TIMES).call("a")).ring_s == 6.0


def test_a_carrier_that_rings_late_is_no_dead_phone() -> None:
    drive = driven(**TIMES)
    drive.call("a")
    drive.send(e.SeatDialing("a", FAR, drive.wall))
    assert drive.after(10) == []
    drive.send(e.SeatRinging("a", FAR, drive.wall))
    drive.answer("a", FAR)
    assert outcome(drive) is Outcome.ANSWERED


def test_beside_a_carrier_that_rings_late_a_dead_phone_is_found_out() -> None:
    drive = driven("1001", ring_several_after_s=0.001, **TIMES)
    shown = presented(drive.call("a", arrived_at=drive.wall - 1))
    assert set(shown.seat_ids) == {"1001", FAR}
    for seat in shown.seat_ids:
        drive.send(e.SeatDialing("a", seat, drive.wall))
    assert c.DropLeg("a", "1001") in drive.after(2)
    assert outcome(drive, "1001") is Outcome.UNREACHABLE
    assert state(drive)[0] == "ringing"


@pytest.mark.parametrize(("status", "told"), [("CONTINUE", Outcome.NOT_CONFIRMED), ("BUSY", Outcome.BUSY)])
def test_who_does_not_press_the_key_or_refuses_is_left_for_the_next_seat(status: str, told: Outcome) -> None:
    drive = driven(**TIMES)
    drive.call("a")
    drive.ring("a", FAR)
    drive.send(e.SeatStateChanged("1001", DeviceState.NOT_INUSE, drive.wall))
    drive.send(e.SeatDialEnded("a", FAR, status, drive.wall))
    assert outcome(drive) is told
    assert state(drive)[0] == "paused"
    assert presented(drive.call("a", last_presentation="x", last_status=status)).seat_ids == ("1001",)


def test_the_dialplans_word_is_as_good_when_asterisk_has_told_nothing() -> None:
    drive = driven(**TIMES)
    shown = presented(drive.call("a"))
    drive.ring("a", FAR)
    drive.call("a", last_presentation=shown.presentation, last_status="CONTINUE")
    assert outcome(drive) is Outcome.NOT_CONFIRMED


def test_a_remote_seat_that_the_guard_still_holds_is_tried_again_at_once() -> None:
    drive = driven(busy_pause_s=5, **TIMES)
    shown = presented(drive.call("a"))
    drive.call("a", last_presentation=shown.presentation, last_status="GUARD")
    assert outcome(drive) is Outcome.GUARDED
    assert presented(drive.after(1)).seat_ids == (FAR,)


def test_a_second_mailbox_in_a_row_sets_the_seat_aside() -> None:
    drive = driven(no_answer_pause_s=5, **TIMES)
    for call_id in ("a", "b"):
        drive.call(call_id)
        drive.ring(call_id, FAR)
        drive.send(e.SeatDialEnded(call_id, FAR, "CONTINUE", drive.wall))
        drive.send(e.CallEnded(call_id, drive.wall, 16, "caller"))
        drive.after(60)
    assert state(drive) == ("paused", "auto: set aside after two missed calls")


def test_a_carrier_that_never_rang_is_told_from_a_phone_that_said_no() -> None:
    """The presentation has time for the key too; the ringing alone was over in time."""
    drive = driven(**TIMES)
    shown = presented(drive.call("a"))
    drive.send(e.SeatDialing("a", FAR, drive.wall))
    drive.after(20)
    drive.call("a", last_presentation=shown.presentation, last_status="NOANSWER")
    assert outcome(drive) is Outcome.UNREACHABLE


# -- it holds nobody back for longer than a phone --


def waiting_for_it(**timing: float) -> Drive:
    """It alone was there, and rings."""
    drive = driven(**TIMES, **timing)
    drive.call("a")
    drive.ring("a", FAR)
    return drive


def test_who_waits_for_a_remote_seat_alone_is_taken_from_it_for_another_after_the_time_of_a_phone() -> None:
    drive = waiting_for_it()
    drive.free("1001")
    assert drive.after(5.9) == []
    assert drive.after(0.2) == [c.DropLeg("a", FAR)]
    assert outcome(drive) is Outcome.CANCELLED
    assert state(drive) == ("ready", "")  # it costs its agent nothing
    assert presented(drive.call("a", last_presentation="x", last_status="NOANSWER")).seat_ids == ("1001",)


def test_the_end_of_the_ringing_that_is_told_when_it_rings_for_him_again_blames_nobody() -> None:
    drive = waiting_for_it(ring_several_after_s=3)
    drive.free("1001")
    drive.after(6.1)
    assert set(presented(drive.call("a", last_presentation="x", last_status="NOANSWER")).seat_ids) == {"1001", FAR}
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    drive.send(e.SeatDialEnded("a", FAR, "NOANSWER", drive.wall))
    assert state(drive) == ("ringing", "")
    drive.ring("a", FAR)
    drive.send(e.SeatDialEnded("a", FAR, "NOANSWER", drive.wall))
    assert state(drive) == ("paused", "auto: no answer")


def test_a_seat_that_becomes_free_later_has_him_within_a_second() -> None:
    drive = waiting_for_it()
    assert drive.after(9.5) == []
    drive.free("1001")
    assert drive.after(1) == [c.DropLeg("a", FAR)]


def test_an_agent_who_has_picked_up_is_given_the_time_to_press_the_key() -> None:
    drive = waiting_for_it()
    drive.free("1001")
    drive.send(e.SeatPickedUp("a", FAR, drive.wall))
    assert drive.after(15) == []
    assert state(drive)[0] == "ringing"


def test_nobody_is_taken_from_it_for_a_seat_that_had_its_turn_or_without_ami() -> None:
    drive = driven("1001", busy_pause_s=0.1, **TIMES)
    drive.send(e.AgentPaused(FAR, "lunch"))
    shown = presented(drive.call("a"))
    drive.send(e.AgentReady(FAR))
    drive.send(e.SeatDialEnded("a", "1001", "BUSY", drive.wall))
    back = drive.call("a", last_presentation=shown.presentation, last_status="BUSY")
    assert presented(back).seat_ids == (FAR,)
    drive.ring("a", FAR)
    assert drive.after(15) == []
    blind = waiting_for_it()
    blind.free("1001")
    blind.send(e.AmiLost())
    assert not any(isinstance(command, c.DropLeg) for command in blind.after(15))


# -- lines --


def test_a_seat_rings_for_its_lines_alone() -> None:
    drive = driven(lines=("12333",))
    assert drive.call("a") == []
    assert stood(drive.last("a", StepKind.NOBODY))[FAR] == Code.OTHER_LINES
    assert presented(drive.call("b", "12333")).seat_ids == (FAR,)


def test_a_number_that_joined_a_line_is_that_line() -> None:
    assert presented(driven(lines=("12345",)).call("a", "12336")).seat_ids == (FAR,)


def test_a_ring_whose_only_agent_sits_at_a_seat_for_other_lines_is_skipped() -> None:
    base = remote(rules(), "12333")
    line = Line("12345", "城市热线", rings=(Ring(0, Skilled("general", 9)), Ring(30, Anybody())))
    drive = Drive("1001")
    drive.send(e.RulesChanged(replace(base, lines={**base.lines, "12345": line})))
    drive.send(e.AgentSignedIn(FAR, FAR))
    drive.send(e.AgentReady(FAR))
    assert presented(drive.call("a")).seat_ids == ("1001",)


def test_a_surge_does_not_bring_a_seat_to_other_lines() -> None:
    base = remote(rules(), "12333")
    base = replace(base, seats={**base.seats, FAR: replace(base.seats[FAR], groups=frozenset({"reserve"}))})
    drive = Drive()
    drive.send(e.RulesChanged(base))
    drive.send(e.AgentSignedIn(FAR, FAR))
    drive.send(e.AgentReady(FAR))
    drive.send(e.SurgeDeclared(Surge(drive.wall, drive.wall + 600, "storm", "b")))
    assert drive.call("a") == []
