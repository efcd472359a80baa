"""Which free seats are the best for a caller, and why the others are not: `routing.choice` asked about kinds of seats."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import Final, TypeAlias

from routing import choice
from routing.calls import Call
from routing.candidates import Candidates, Rank
from routing.desk import Desk
from routing.free_seats import Kind

SEVERAL: Final = 3  # seats ringing at once after ring_several_after_s

ByRing: TypeAlias = dict[int, list[Kind]]


def select(desk: Desk, call: Call) -> tuple[list[choice.SeatNow], Candidates] | None:
    """The best seats for the call, best first, and what every seat was to this. None: there is no seat for it now."""
    waiting = desk.waiting(call)
    fit, unfit = _sorted(waiting, desk.floor.free.by_ring(call.line))
    several_after_s = desk.rules.timing.ring_several_after_s
    several = 0 < several_after_s <= desk.now - call.arrived
    ranked = _the_one(desk, waiting) if waiting.prefers else _ranked(desk, waiting, fit, SEVERAL if several else 1)
    first = nsmallest(SEVERAL if several else 1, ranked)
    best = [now_at for *_, seat_id in first if (now_at := desk.floor.seat_now(seat_id))]
    return (best, Candidates(desk.floor.standings, waiting, fit, unfit, first, ranked)) if best else None


def candidates(desk: Desk, call: Call) -> Candidates:
    """What every seat is to a call for which there is no seat now."""
    waiting = desk.waiting(call)
    fit, unfit = _sorted(waiting, desk.floor.free.by_ring(call.line))
    return Candidates(desk.floor.standings, waiting, fit, unfit)


def _sorted(waiting: choice.Waiting, by_ring: ByRing) -> tuple[ByRing, dict[choice.Reason, list[Kind]]]:
    """The kinds that the call may have, by ring; the others by what `choice.unfit` says of them."""
    fit: ByRing = {}
    unfit: dict[choice.Reason, list[Kind]] = {}
    for ring, kinds in by_ring.items():
        if waiting.prefers is not None or ring >= waiting.open_rings:
            for kind in kinds:
                unfit.setdefault(_unfit(waiting, kind), []).append(kind)
        elif waiting.kept:
            fit[ring] = [kind for kind in kinds if kind.agent.zone not in waiting.kept]
            unfit.setdefault(choice.Reason.KEPT, []).extend(kind for kind in kinds if kind.agent.zone in waiting.kept)
        else:
            fit[ring] = kinds
    return fit, unfit


def _unfit(waiting: choice.Waiting, kind: Kind) -> choice.Reason:
    """As `choice.unfit`, by what the kind remembers of the line."""
    if not choice.takes_line(waiting.line, kind.seat):
        return choice.Reason.LINES
    if not kind.on_duty(waiting.line):
        return choice.Reason.OFF_DUTY
    return choice.Reason.SKILL if waiting.prefers is None else choice.Reason.LAST_AGENT


def _the_one(desk: Desk, waiting: choice.Waiting) -> list[Rank]:
    """The agent for whom the caller waits, when his seat is free."""
    seat_id = desk.floor.agents[waiting.prefers or ""].seat_id or ""
    return [(seat_id,)] if seat_id in desk.floor.free else []


def _ranked(desk: Desk, waiting: choice.Waiting, fit: ByRing, count: int) -> list[Rank]:
    """`choice.rank` of the best `count` seats and others, made up of what kinds and places know, ring by ring until there
    are enough."""
    found: list[Rank] = []
    certain, demand = 0, desk.queue.demand
    for ring in sorted(fit):
        if certain >= count:
            break
        for kind in fit[ring]:
            liked = choice.taste(waiting.line, ring, kind.agent, demand)
            for uncertain, idle_since, seat_id in kind.first(count, waiting.missed):
                found.append((False, uncertain, ring, liked, idle_since, seat_id))
                certain += not uncertain
    if len(found) < count and waiting.missed:  # who just let this caller ring is better than nobody
        found += _missed(desk, waiting, fit)
    return found


def _missed(desk: Desk, waiting: choice.Waiting, fit: ByRing) -> Iterator[Rank]:
    for ring, kinds in fit.items():
        for kind in kinds:
            liked = choice.taste(waiting.line, ring, kind.agent, desk.queue.demand)
            for uncertain, idle_since, seat_id in kind.seats:
                if seat_id in waiting.missed:
                    yield True, uncertain, ring, liked, idle_since, seat_id
