"""Which free seats are the best for a caller, and why the others are not: `routing.choice` asked about kinds of seats."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import nsmallest
from typing import Any, Final, TypeAlias

from routing import choice
from routing.calls import Call
from routing.desk import Desk
from routing.free_seats import Kind

SEVERAL: Final = 3  # seats ringing at once after ring_several_after_s

ByRing: TypeAlias = dict[int, list[Kind]]


def select(desk: Desk, call: Call) -> tuple[list[choice.SeatNow], dict[str, choice.Others]] | None:
    """The best seats for the call, best first, and all others by the one reason. None: there is no seat for it now."""
    waiting = desk.waiting(call)
    fit, unfit = _sorted(waiting, desk.floor.free.by_ring(call.line))
    several_after_s = desk.rules.timing.ring_several_after_s
    several = 0 < several_after_s <= desk.now - call.arrived
    best = _the_one(desk, waiting) if waiting.prefers else _best(desk, waiting, fit, SEVERAL if several else 1)
    return (best, _others(desk, fit, unfit, [seat.seat.id for seat in best])) if best else None


def _sorted(waiting: choice.Waiting, by_ring: ByRing) -> tuple[ByRing, dict[str, list[Kind]]]:
    """The kinds that the call may have, by ring; the others by what `choice.unfit` says of them."""
    fit: ByRing = {}
    unfit: dict[str, list[Kind]] = {}
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
    if not kind.on_duty(waiting.line):
        return choice.Reason.OFF_DUTY
    return choice.Reason.SKILL if waiting.prefers is None else choice.Reason.LAST_AGENT


def _the_one(desk: Desk, waiting: choice.Waiting) -> list[choice.SeatNow]:
    """The agent for whom the caller waits, when his seat is free."""
    agent = desk.floor.agents[waiting.prefers or ""]
    seat_id = agent.seat_id or ""
    now_at = desk.floor.seat_now(seat_id) if seat_id in desk.floor.free else None
    return [] if now_at is None else [now_at]


def _best(desk: Desk, waiting: choice.Waiting, fit: ByRing, count: int) -> list[choice.SeatNow]:
    """The best seats by `choice.rank`, made up of what kinds and places know, ring by ring until there are enough."""
    found: list[tuple[Any, ...]] = []
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
    return [now_at for *_, seat_id in nsmallest(count, found) if (now_at := desk.floor.seat_now(seat_id))]


def _missed(desk: Desk, waiting: choice.Waiting, fit: ByRing) -> Iterator[tuple[object, ...]]:
    for ring, kinds in fit.items():
        for kind in kinds:
            liked = choice.taste(waiting.line, ring, kind.agent, desk.queue.demand)
            for uncertain, idle_since, seat_id in kind.seats:
                if seat_id in waiting.missed:
                    yield True, uncertain, ring, liked, idle_since, seat_id


def _others(desk: Desk, fit: ByRing, unfit: dict[str, list[Kind]], chosen: Collection[str]) -> dict[str, choice.Others]:
    found, free = desk.floor.refused(), [kind for kinds in fit.values() for kind in kinds]
    of_the_chosen = "free" if free else choice.Reason.LAST_AGENT
    for reason, kinds in {**unfit, "free": free}.items():
        total = sum(len(kind.seats) for kind in kinds) - (len(chosen) if reason == of_the_chosen else 0)
        found[reason] = choice.Others(total, _ids(kinds, chosen))
    return found


def _ids(kinds: Iterable[Kind], but: Collection[str]) -> Iterator[str]:
    return (seat_id for kind in kinds for _, _, seat_id in kind.seats if seat_id not in but)
