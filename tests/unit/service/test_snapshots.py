"""Who stands in the snapshot that the dialplan's own script reads."""

from __future__ import annotations

from pathlib import Path

from routing import events as e
from routing.model import DeviceState
from service.snapshots import Snapshots
from tests.unit.routing.floor_plan import Drive


def seats(drive: Drive) -> tuple[str, ...]:
    return Snapshots(drive.engine, Path("snapshot.json")).lines()["12345"]


def test_seat_that_was_busy_just_now_stays_in_as_the_last_choice() -> None:
    drive = Drive("1001", "1002")
    drive.call("a")
    drive.ring("a", "1001")
    drive.send(e.SeatDialEnded("a", "1001", "BUSY", drive.wall))
    assert seats(drive) == ("1002", "1001")


def test_agent_who_paused_or_whose_phone_is_gone_is_left_out() -> None:
    drive = Drive("1001", "1002", "1003")
    drive.send(e.AgentPaused("1001", "lunch"))
    drive.send(e.SeatStateChanged("1002", DeviceState.UNAVAILABLE, drive.wall))
    assert seats(drive) == ("1003",)
