"""Two rivals without rings: one pool for everybody, which is the bound, and pools by skill that never widen.

In both the caller who has waited longest is served first, by the seat that has been idle longest. Nobody can do better with
these people than the pool in which everybody takes everything and no ring time ends: it is what rings are held against.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from heapq import heappop, heappush

from routing.model import Line
from routing.need import admits
from service.simulation.callers import Caller
from service.simulation.day import Day, Person, serving
from service.simulation.seats import Rivals, Seat
from service.simulation.world import Tell


class Pooled(Rivals):
    """Every seat takes every line; who rings is waited for until he answers."""

    scheme = "one pool"

    def __init__(self, day: Day, callers: Sequence[Caller], tell: Tell | None = None) -> None:
        super().__init__(day, callers, tell)
        self._idle: list[list[tuple[float, int, Seat]]] = [[] for _ in self.kinds]
        self._waiting: dict[str, list[tuple[float, int]]] = {number: [] for number in day.numbers()}
        self._takers = {
            number: [kind for kind, numbers in enumerate(self.kinds) if number in numbers] for number in self._waiting
        }
        self._takes = [[number for number in self._waiting if number in numbers] for numbers in self.kinds]

    def trait(self, person: Person) -> tuple[object, ...]:
        return tuple(number for number in self.day.numbers() if self.may(person, serving(self.day.rules, number)))

    def may(self, person: Person, line: Line) -> bool:
        return True

    @property
    def ring_s(self) -> float | None:
        return None

    def comes(self, caller: Caller) -> None:
        heads = [self._idle[kind][0] for kind in self._takers[caller.number] if self._idle[kind]]
        if heads:
            self.ring(min(heads, key=lambda head: head[:2])[2], caller, self.ring_s)
        else:
            self._queue(caller)

    def _queue(self, caller: Caller) -> None:
        heappush(self._waiting[caller.number], (caller.at, caller.nth))

    def gives_up(self, caller: Caller) -> None:
        self.stop_ringing(caller)

    def seat_free(self, seat: Seat) -> None:
        insort(self._idle[seat.kind], (seat.idle_since, seat.number, seat), key=lambda place: place[:2])
        caller = self._first_for(seat)
        if caller is not None:
            self.ring(seat, caller, self.ring_s)

    def seat_taken(self, seat: Seat) -> None:
        idle = self._idle[seat.kind]
        del idle[bisect_left(idle, (seat.idle_since, seat.number), key=lambda place: place[:2])]

    def _first_for(self, seat: Seat) -> Caller | None:
        """Who has waited longest of those whom the seat may take; he waits no longer in the queue."""
        found: tuple[float, int] | None = None
        for number in self._takes[seat.kind]:
            waiting = self._waiting[number]
            while waiting and not self.waits(self.callers[waiting[0][1]]):
                heappop(waiting)
            if waiting and (found is None or waiting[0] < found):
                found = waiting[0]
        if found is None:
            return None
        caller = self.callers[found[1]]
        heappop(self._waiting[caller.number])
        return caller

    def rang_out(self, seat: Seat, caller: Caller) -> None:
        self.pause(seat, self.day.rules.timing.no_answer_pause_s)
        self.comes(caller)


class BySkill(Pooled):
    """Longest idle among those who know the line's own skill at all; no rings, no widening. Missed calls as with ours."""

    scheme = "by skill"

    def may(self, person: Person, line: Line) -> bool:
        first = line.rings[0]
        if first.skills:
            return any(skill in person.agent.skills for skill in first.skills)
        return admits(first.need, person.agent.id, person.agent.skills, person.seat.groups)

    @property
    def ring_s(self) -> float | None:
        return self.day.rules.timing.ring_s
