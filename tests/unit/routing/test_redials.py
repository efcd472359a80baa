"""Who dials again keeps his place in the queue, also over a restart; the clock of the figures starts anew."""

from __future__ import annotations

import pytest

from routing import events as e
from routing.steps import StepKind

from .floor_plan import Drive, presented


def test_redial_keeps_the_old_place_but_the_metric_clock_starts_anew() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("a", caller_ref="ref")
    drive.after(5)
    drive.call("b")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    drive.after(5)
    drive.call("a2", caller_ref="ref")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "a2"
    drive.ring("a2", "1001")
    drive.answer("a2", "1001")
    assert drive.last("a2", StepKind.ANSWERED).data["wait_s"] == 0


@pytest.mark.parametrize(
    ("ended_s_ago", "first"),
    [
        pytest.param((20.0,), "again", id="once"),
        pytest.param((130.0,), "other", id="too-long-ago"),
        pytest.param((300.0, 20.0), "again", id="the-last-of-two"),
    ],
)
def test_place_of_who_gave_up_before_our_start_is_kept(ended_s_ago: tuple[float, ...], first: str) -> None:
    drive = Drive("1001", wrap_up_s=0)
    left = [e.LeftCall("ref", "12345", "carrier", drive.wall - ago - 5, drive.wall - ago) for ago in ended_s_ago]
    strange = e.LeftCall("ref", "99999", "carrier", drive.wall - 400, drive.wall - 1)
    drive.send(e.Remembered((), left=(*left, strange)))
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("other", arrived_at=drive.wall - 15)
    drive.call("again", caller_ref="ref")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == first


def test_who_dialled_again_and_again_before_our_start_has_the_first_place() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.send(e.Remembered((), left=tuple(
        e.LeftCall("ref", "12345", "", drive.wall - ago - 5, drive.wall - ago) for ago in (300.0, 200.0, 100.0)
    )))  # fmt: skip
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("other", arrived_at=drive.wall - 290, noticed=True)
    drive.call("again", caller_ref="ref")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "again"
