"""A small hotline for the engine's tests, and a driver that keeps the clocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from routing import commands as c
from routing import events as e
from routing.candidates import Candidates
from routing.engine import Engine
from routing.model import (
    AgentProfile,
    DeviceState,
    Line,
    Mode,
    Ring,
    Rules,
    SeatProfile,
    SignIn,
    Timing,
)  # fmt: skip
from routing.need import Anybody, InGroup, Skilled
from routing.steps import Step, StepKind

EPOCH = 1_795_000_000.0
FREE = DeviceState.NOT_INUSE


def rules(**timing: float) -> Rules:
    """1001, 1002 general; 1003 hrss expert; 1004 tax, signs in by an act; 1009 reserve group without skills."""
    general = (Ring(0, Skilled("general")), Ring(6, Anybody()), Ring(10, InGroup("reserve")))
    hrss = (
        Ring(0, Skilled("hrss", 5)),
        Ring(3, Skilled("hrss")),
        Ring(6, Skilled("general")),
        Ring(10, InGroup("reserve")),
    )
    lines = [
        Line("12345", "城市热线", rings=general),
        Line("12333", "人社", Mode.PARALLEL, zone="hrss", rings=hrss),
        Line("12336", "国土", Mode.MERGED, into="12345", subject="自然资源"),
    ]
    agents = [
        AgentProfile("1001", "甲", {"general": 5}),
        AgentProfile("1002", "乙", {"general": 3}),
        AgentProfile("1003", "丙", {"general": 1, "hrss": 8}, zone="hrss"),
        AgentProfile("1004", "丁", {"tax": 9}, sign_in=SignIn.AGENT),
    ]
    seats = [SeatProfile(id_, f"PJSIP/{id_}") for id_ in ("1001", "1002", "1003", "1004")]
    return Rules(
        replace(Timing(), **timing), {x.number: x for x in lines}, {x.id: x for x in agents}, {x.id: x for x in seats}
    )


class Drive:
    """Feeds events with a clock that only moves when told; keeps all steps."""

    def __init__(self, *seats: str, ami: bool = True, **timing: float) -> None:
        self.engine = Engine(rules(**timing))
        self.now = 1000.0
        self.steps: list[Step] = []
        self.session = 0
        if ami:
            self.send(e.Picture((), dict.fromkeys(seats, FREE), self.wall))
        self.send(e.DecisionsAllowed())

    @property
    def wall(self) -> float:
        return EPOCH + self.now

    def send(self, event: e.Event) -> list[c.Command]:
        out = self.engine.handle(event, self.now, self.wall)
        self.steps += [x.step for x in out if isinstance(x, c.WriteStep)]
        return [x for x in out if not isinstance(x, c.WriteStep | c.WriteSignIn)]

    def after(self, seconds: float) -> list[c.Command]:
        """Time passes; every tick the engine asked for is given at its moment."""
        end, out = self.now + seconds, []
        while (wake := self.engine.next_wake()) is not None and wake <= end:
            self.now = max(self.now, wake)
            out += self.send(e.Tick())
        self.now = end
        return out + self.send(e.Tick())

    def call(self, call_id: str, number: str = "12345", **more: Any) -> list[c.Command]:
        self.session += 1
        return self.send(e.CallHeld(call_id, self.session, number, more.pop("arrived_at", self.wall), **more))

    def ring(self, call_id: str, seat: str) -> None:
        self.send(e.SeatDialing(call_id, seat, self.wall))
        self.send(e.SeatRinging(call_id, seat, self.wall))
        self.send(e.SeatStateChanged(seat, DeviceState.RINGING, self.wall))

    def answer(self, call_id: str, seat: str) -> None:
        self.send(e.CallAnswered(call_id, seat, self.wall))
        self.send(e.SeatStateChanged(seat, DeviceState.INUSE, self.wall))

    def free(self, seat: str) -> list[c.Command]:
        return self.send(e.SeatStateChanged(seat, FREE, self.wall))

    def kinds(self, call_id: str) -> list[StepKind]:
        return [step.kind for step in self.steps if step.call_id == call_id]

    def last(self, call_id: str, kind: StepKind) -> Step:
        return [step for step in self.steps if step.call_id == call_id and step.kind is kind][-1]


def stood(step: Step) -> dict[str, int]:
    """What every seat was to a decision or a note: seat id -> code."""
    assert isinstance(step.candidates, Candidates)
    return dict(zip(step.candidates.edition.place, step.candidates.codes(), strict=True))


def presented(out: list[c.Command]) -> c.PresentCall:
    (only,) = [x for x in out if isinstance(x, c.PresentCall)]
    return only
