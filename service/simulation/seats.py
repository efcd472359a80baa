"""The seats of the rival schemes: who is idle, rings, talks, works on, is paused or goes home.

Wrap-up lasts as long as with ours: until the record is done, the line's `wrap_up_s` at most. Idle since the end of the last
call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.simulation.callers import Caller
from service.simulation.day import Day, Person, wrap_up_limit_s
from service.simulation.world import Fate, Tell, World


class Seat:
    """`kind`: index of what its person may take. `since`: when the present stay at work began, None when not there."""

    __slots__ = ("busy", "idle_since", "kind", "leaves", "number", "person", "since")

    def __init__(self, number: int, person: Person, kind: int) -> None:
        self.number, self.person, self.kind = number, person, kind
        self.since: float | None = None
        self.idle_since = 0.0
        self.busy = False  # rings, talks, wraps up or is paused
        self.leaves = False


class Rivals(World):
    """What all rival schemes share. A scheme says what happens when a caller comes and when a seat is free."""

    def __init__(self, day: Day, callers: Sequence[Caller], tell: Tell | None = None) -> None:
        super().__init__(day, callers, tell)
        self.kinds: list[tuple[object, ...]] = []
        self.seats: dict[str, Seat] = {}
        for number, person in enumerate(day.people):
            trait = self.trait(person)
            if trait not in self.kinds:
                self.kinds.append(trait)
            self.seats[person.seat.id] = Seat(number, person, self.kinds.index(trait))
        self.rings: dict[int, Seat] = {}  # caller -> seat that rings
        self.presented: dict[int, int] = {}

    def trait(self, person: Person) -> tuple[object, ...]:
        """All that the scheme looks at in a person."""
        raise NotImplementedError

    def seat_free(self, seat: Seat) -> None:
        raise NotImplementedError

    def seat_taken(self, seat: Seat) -> None:
        """It is not free any more."""
        raise NotImplementedError

    # -- shifts -------------------------------------------------------------------------------------------------------

    def begin_shift(self, person: Person) -> None:
        seat = self.seats[person.seat.id]
        seat.leaves = False
        if seat.since is None:
            seat.since, seat.idle_since = self.now, self.now
            self.seat_free(seat)

    def end_shift(self, person: Person) -> None:
        seat = self.seats[person.seat.id]
        if seat.since is None:
            return
        if seat.busy:
            seat.leaves = True
        else:
            self.seat_taken(seat)
            self._goes(seat)

    def _goes(self, seat: Seat) -> None:
        assert seat.since is not None
        self.outcome.hours.signed_in_s += self.now - seat.since
        seat.since, seat.leaves = None, False

    def close(self) -> None:
        for seat in self.seats.values():
            if seat.since is not None:
                self._goes(seat)

    # -- a call at a seat ---------------------------------------------------------------------------------------------

    def ring(self, seat: Seat, caller: Caller, until_s: float | None) -> None:
        """The seat rings, `until_s` at most; None: until it is answered."""
        seat.busy = True
        self.seat_taken(seat)
        self.rings[caller.nth] = seat
        before = self.presented.get(caller.nth, 0)
        self.presented[caller.nth] = before + 1
        pick_up_s = caller.pick_up_s(before)
        answers = until_s is None or pick_up_s <= until_s
        act: Callable[[tuple[Seat, Caller, int]], None] = self._answered if answers else self._missed
        rings_s = pick_up_s if until_s is None else min(pick_up_s, until_s)
        self.at(self.now + rings_s, act, (seat, caller, before))

    def _still(self, what: tuple[Seat, Caller, int]) -> bool:
        """The caller has not given up meanwhile."""
        seat, caller, before = what
        return self.rings.get(caller.nth) is seat and self.presented[caller.nth] == before + 1

    def _answered(self, what: tuple[Seat, Caller, int]) -> None:
        seat, caller, _ = what
        if self._still(what):
            del self.rings[caller.nth]
            self.settle(caller, Fate.ANSWERED)
            self.at(self.now + caller.talk_s, self._talk_ends, (seat, caller))
            self.talks(caller)

    def _missed(self, what: tuple[Seat, Caller, int]) -> None:
        seat, caller, _ = what
        if self._still(what):
            del self.rings[caller.nth]
            self.rang_out(seat, caller)

    def talks(self, caller: Caller) -> None:
        """He is out of the queue."""

    def rang_out(self, seat: Seat, caller: Caller) -> None:
        raise NotImplementedError

    def _talk_ends(self, what: tuple[Seat, Caller]) -> None:
        seat, caller = what
        wrap_up_s = min(caller.wrap_up_s, wrap_up_limit_s(self.day.rules, caller.number))
        self.outcome.hours.handled_s += caller.talk_s + wrap_up_s
        seat.idle_since = self.now
        self.call_over(caller)
        self.at(self.now + wrap_up_s, self.release, seat)

    def pause(self, seat: Seat, pause_s: float) -> None:
        self.outcome.hours.paused_s += pause_s
        self.at(self.now + pause_s, self.release, seat)

    def release(self, seat: Seat) -> None:
        """Free again, or home."""
        seat.busy = False
        if seat.leaves:
            self._goes(seat)
        else:
            self.seat_free(seat)

    def stop_ringing(self, caller: Caller) -> None:
        """The caller gave up: the seat that rang for him is free at once."""
        seat = self.rings.pop(caller.nth, None)
        if seat is not None:
            self.release(seat)
