"""Asterisk's own `Queue()` with penalties, as it works, set up as well as it can be for this day.

A queue a line, everybody in it a member whose penalty is the line's first ring that he belongs to; `queuerules.conf` raises
the largest penalty at the rings' times; `strategy=leastrecent`, `autofill=yes`, `ringinuse=no`, `shared_lastcall=yes`,
`timeout` = our ring time, `retry=1`, the least it takes. What it does with that (Asterisk 22, `apps/app_queue.c`):

* every caller looks after himself, once a second counted from his own arrival (`wait_our_turn`, RECHECK): a seat that
  becomes free waits for the first caller who looks. With a free seat on arrival there is no wait.
* it is his turn when fewer callers of the same queue stand before him than members of it are available, whatever their
  penalty (`is_our_turn`, `num_available_members`); callers for whom a seat rings are not counted.
* he gets the member of the smallest penalty that he may have by then, then the one whose last call ended longest ago, in
  whole seconds (`calc_metric`); when there is none, he looks again after `retry` (`wait_a_bit`).
* queues do not know of each other: of two lines that want the same seat, the one whose caller looks first gets it.
* a member who lets it ring is not paused (`autopause=no`) and stays the least recent: he is the next to be rung.
* a ring for which nobody is there is not skipped.

Kinder than the real one: wrap-up ends when the work is done and not on a whole second, and ringing takes no time.
What a running Asterisk does with two callers waiting at one seat is measured in docs/benchmarks.md (bench `gap`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final, TypeAlias

from routing.choice import first_ring_of
from service.simulation.callers import Caller
from service.simulation.day import Day, Person, serving
from service.simulation.seats import Rivals, Seat
from service.simulation.world import Tell

RECHECK_S: Final = 1.0
Place: TypeAlias = tuple[int, int]  # whole second of the last call's end, seat's number


class Line:
    """One queue. `waiting`: callers in order of joining, those for whom a seat rings included."""

    __slots__ = ("after_s", "members", "penalties", "waiting")

    def __init__(self, after_s: Sequence[float], penalties: dict[int, int]) -> None:
        self.after_s, self.penalties = tuple(after_s), penalties
        self.members = tuple(penalties)  # kinds
        self.waiting: dict[int, Caller] = {}


class AppQueue(Rivals):
    scheme = "app_queue"

    def __init__(self, day: Day, callers: Sequence[Caller], tell: Tell | None = None) -> None:
        self._lines = {number: serving(day.rules, number) for number in day.numbers()}
        super().__init__(day, callers, tell)
        self._free: list[list[Place]] = [[] for _ in self.kinds]
        self._by_number = {seat.number: seat for seat in self.seats.values()}
        queues: dict[str, Line] = {}
        self._queues: dict[str, Line] = {}  # by dialled number
        for column, (number, line) in enumerate(self._lines.items()):
            penalties = {kind: trait[column] for kind, trait in enumerate(self.kinds) if trait[column] is not None}
            after_s = [ring.after_s for ring in line.rings]
            self._queues[number] = queues.setdefault(line.number, Line(after_s, penalties))  # type: ignore[arg-type]
        self._of_kind = [
            [queue for queue in queues.values() if kind in queue.members] for kind in range(len(self.kinds))
        ]
        self._phase: dict[int, float] = {}  # a moment at which the caller looked
        self._looks: dict[int, float] = {}  # when he looks next, for those for whom it can matter

    def trait(self, person: Person) -> tuple[object, ...]:
        return tuple(first_ring_of(person.agent, person.seat, line.rings) for line in self._lines.values())

    # -- callers ------------------------------------------------------------------------------------------------------

    def comes(self, caller: Caller) -> None:
        queue = self._queues[caller.number]
        queue.waiting[caller.nth] = caller
        self._phase[caller.nth] = self.now
        self._look(caller)

    def _look(self, caller: Caller) -> None:
        """The caller's own look, once a second."""
        if not self.waits(caller) or caller.nth in self.rings or self._looks.get(caller.nth, self.now) > self.now:
            return
        self._looks.pop(caller.nth, None)
        queue = self._queues[caller.number]
        if caller.nth not in self._in_turn(queue):
            return
        seat = self._best(queue, caller)
        if seat is None:
            self._look_at(caller, self.now + RECHECK_S)
        else:
            self.ring(seat, caller, self.day.rules.timing.ring_s)

    def _in_turn(self, queue: Line) -> dict[int, Caller]:
        """Those whose turn it is: as many as members are available."""
        available = sum(len(self._free[kind]) for kind in queue.members)
        found: dict[int, Caller] = {}
        if available:
            for index, caller in queue.waiting.items():
                if index not in self.rings:
                    found[index] = caller
                    if len(found) == available:
                        break
        return found

    def _best(self, queue: Line, caller: Caller) -> Seat | None:
        waited = math.floor(self.now - caller.at)
        largest = sum(after_s <= waited for after_s in queue.after_s) - 1
        places = [
            (penalty, self._free[kind][0])
            for kind, penalty in queue.penalties.items()
            if penalty <= largest and self._free[kind]
        ]
        return self._by_number[min(places)[1][1]] if places else None

    def _wake(self, queue: Line) -> None:
        """Something changed: those whose turn it may be now look at their next second. Others' looks would be in vain."""
        for index, caller in self._in_turn(queue).items():
            if index not in self._looks:
                phase = self._phase[index]
                self._look_at(caller, phase + math.ceil((self.now - phase) / RECHECK_S) * RECHECK_S)

    def _look_at(self, caller: Caller, when: float) -> None:
        self._looks[caller.nth] = when
        self.at(when, self._look, caller)

    def gives_up(self, caller: Caller) -> None:
        self.talks(caller)
        self.stop_ringing(caller)

    def talks(self, caller: Caller) -> None:
        queue = self._queues[caller.number]
        del queue.waiting[caller.nth]
        self._wake(queue)

    def rang_out(self, seat: Seat, caller: Caller) -> None:
        self._phase[caller.nth] = self.now
        self._look_at(caller, self.now + RECHECK_S)
        self.release(seat)

    # -- seats --------------------------------------------------------------------------------------------------------

    def _place(self, seat: Seat) -> Place:
        return int(seat.idle_since), seat.number

    def seat_free(self, seat: Seat) -> None:
        insort(self._free[seat.kind], self._place(seat))
        for queue in self._of_kind[seat.kind]:
            if queue.waiting:
                self._wake(queue)

    def seat_taken(self, seat: Seat) -> None:
        free = self._free[seat.kind]
        del free[bisect_left(free, self._place(seat))]
