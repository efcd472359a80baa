"""A shift at a seat: not ready first, wrap-up by line and once longer, set aside and told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import events as e
from routing.model import SeatView
from routing.steps import StepKind
from tests.unit.routing.floor_plan import Drive, presented, rules


def seat(drive: Drive, seat_id: str = "1001") -> SeatView:
    (found,) = [view for view in drive.engine.view(drive.now).seats if view.seat_id == seat_id]
    return found


def talked(drive: Drive, call: str = "a", number: str = "12345", seat_id: str = "1001") -> None:
    drive.call(call, number)
    drive.ring(call, seat_id)
    drive.answer(call, seat_id)
    drive.send(e.CallEnded(call, drive.wall, 16, "caller"))
    drive.free(seat_id)


def test_a_phone_that_registers_is_ready_at_once() -> None:
    assert seat(Drive("1001")).state == "ready"


def test_signing_in_again_changes_nothing_for_who_is_ready() -> None:
    drive = Drive("1004")
    drive.send(e.AgentSignedIn("1004", "1004"))
    drive.send(e.AgentReady("1004"))
    drive.send(e.AgentSignedIn("1004", "1004"))
    assert seat(drive, "1004").state == "ready"
    assert not drive.engine.illegal


@pytest.mark.parametrize(
    ("paused", "state"),
    [({}, "ready"), ({"1004": "小休"}, "paused"), ({"1004": "auto: signed in, not ready yet"}, "paused")],
)
def test_a_restart_leaves_everybody_as_he_was(paused: dict[str, str], state: str) -> None:
    drive = Drive("1004")
    drive.send(e.Remembered((), {"1004": "1004"}, paused))
    assert (seat(drive, "1004").state, seat(drive, "1004").reason) == (state, paused.get("1004", ""))


def test_a_line_has_a_wrap_up_of_its_own() -> None:
    drive = Drive("1001", "1003")
    some = rules()
    lines = dict(some.lines) | {"12333": replace(some.lines["12333"], wrap_up_s=30.0)}
    drive.send(e.RulesChanged(replace(some, lines=lines)))
    talked(drive)
    talked(drive, "b", "12333", "1003")
    drive.after(10.1)
    assert (seat(drive).state, seat(drive, "1003").state) == ("ready", "wrap_up")
    drive.after(20)
    assert seat(drive, "1003").state == "ready"


def test_a_wrap_up_is_extended_once_by_its_own_length() -> None:
    drive = Drive("1001")
    talked(drive)
    drive.after(9)
    drive.send(e.WrapUpExtended("1001"))
    drive.send(e.WrapUpExtended("1001"))
    drive.after(10.9)
    assert (seat(drive).state, round(seat(drive).since_s, 1)) == ("wrap_up", 19.9)
    drive.after(0.2)
    assert seat(drive).state == "ready"
    talked(drive, "b")
    drive.send(e.WrapUpExtended("1001"))
    drive.after(19.9)
    assert seat(drive).state == "wrap_up"


def test_who_is_not_in_wrap_up_extends_nothing() -> None:
    drive = Drive("1001")
    drive.send(e.WrapUpExtended("1001"))
    drive.send(e.WrapUpExtended("nobody"))
    assert (seat(drive).state, drive.engine.illegal.total()) == ("ready", 0)
    talked(drive)
    drive.after(10.1)
    assert seat(drive).state == "ready"


def test_the_second_missed_call_in_a_row_is_told() -> None:
    drive = Drive("1001")
    for call in ("a", "b"):
        if call == "b":
            drive.after(61)
        assert presented(drive.call(call)).seat_ids == ("1001",)
        drive.ring(call, "1001")
        drive.now += 6
        drive.send(e.SeatDialEnded(call, "1001", "NOANSWER", drive.wall))
        drive.free("1001")
        drive.send(e.CallEnded(call, drive.wall, 16, "caller"))
    assert StepKind.SET_ASIDE not in drive.kinds("a")
    assert drive.last("b", StepKind.SET_ASIDE).data == {"seat": "1001", "agent": "1001"}
    assert (seat(drive).state, seat(drive).reason) == ("paused", "auto: set aside after two missed calls")
