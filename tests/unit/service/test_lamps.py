"""Lamps of phones: what is sent to Asterisk, and what is not."""

from __future__ import annotations

from dataclasses import replace

from routing import commands as c
from routing import events as e
from routing.model import Rules
from service.lamps import Lamps
from tests.unit.routing.floor_plan import Drive, rules


def with_lamps(*seats: str) -> Rules:
    some = rules()
    lit = {id_: replace(seat, lamp=id_ in seats) for id_, seat in some.seats.items()}
    return replace(some, seats=lit)


class Lit:
    """A drive whose sign-ins go to the lamps, as the service hands them on."""

    def __init__(self, *lamps: str) -> None:
        self.sent: list[tuple[str, str]] = []
        self.drive = Drive("1001")
        self.drive.send(e.RulesChanged(with_lamps(*lamps)))
        self.lamps = Lamps(self.drive.engine, lambda seat, state: self.sent.append((seat, state)))

    def send(self, event: e.Event) -> None:
        for command in self.drive.engine.handle(event, self.drive.now, self.drive.wall):
            if isinstance(command, c.WriteSignIn):
                self.lamps.look(command.seat_id)


def test_each_change_at_a_seat_with_a_lamp_is_sent_once() -> None:
    lit = Lit("1001")
    lit.lamps.look()
    lit.lamps.look()
    lit.send(e.AgentPaused("1001", "小休"))
    lit.send(e.AgentPaused("1001", "用餐"))
    lit.send(e.AgentReady("1001"))
    assert lit.sent == [("1001", "NOT_INUSE"), ("1001", "BUSY"), ("1001", "NOT_INUSE")]


def test_a_seat_without_a_lamp_costs_nothing() -> None:
    lit = Lit("1002")
    lit.send(e.AgentPaused("1001", "小休"))
    assert lit.sent == []


def test_after_a_new_link_all_are_sent_again_and_an_empty_seat_is_dark() -> None:
    lit = Lit("1001", "1002")
    lit.lamps.look()
    lit.lamps.again()
    assert lit.sent == [("1001", "NOT_INUSE"), ("1002", "UNAVAILABLE")] * 2


def test_an_agent_who_is_taken_out_leaves_a_dark_lamp() -> None:
    lit = Lit("1001")
    lit.lamps.look()
    some = with_lamps("1001")
    lit.send(e.RulesChanged(replace(some, agents={})))
    assert lit.sent[-1] == ("1001", "UNAVAILABLE")
