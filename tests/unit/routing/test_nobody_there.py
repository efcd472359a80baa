"""A line whose rings reach nobody: when its callers go to the dialplan's duty seats."""

from __future__ import annotations

from routing import commands as c
from routing import events as e
from tests.unit.routing.floor_plan import Drive


def given_up(out: list[c.Command]) -> bool:
    return any(isinstance(command, c.SendToFallback) for command in out)


def test_with_ami_up_a_caller_waits_for_somebody_until_the_last_ring_is_open() -> None:
    drive = Drive()
    assert not given_up(drive.call("a"))
    assert not given_up(drive.after(9.9))
    assert given_up(drive.after(0.2))


def test_without_ami_nobody_could_be_seen_to_appear_so_the_duty_seats_ring_at_once() -> None:
    drive = Drive(ami=False)
    assert given_up(drive.call("a"))


def test_without_ami_a_seat_that_is_remembered_is_tried_first() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    assert not given_up(drive.call("a"))


def test_without_ami_a_seat_that_rests_for_a_moment_is_waited_for() -> None:
    drive = Drive("1001")
    drive.send(e.AmiLost())
    drive.call("a")
    assert not given_up(drive.call("a", last_presentation="x", last_status="GUARD"))
