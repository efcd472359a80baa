"""Simulated time: callers come and lose patience, people begin and end their shifts, and what became of all is kept.

A scheme is a subclass that says what happens then. The world knows nothing of routing; a scheme tells it of every caller
whom it connected or sent away, exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any, Final, TypeAlias

from service.simulation.callers import Caller
from service.simulation.day import DAY_S, Day, Person

Tell: TypeAlias = Callable[[int, int], None]  # callers who have come, of all
TOLD_EVERY: Final = 1000


class Fate(IntEnum):
    OPEN = 0  # waits, or has not come yet
    ANSWERED = 1
    ABANDONED = 2
    SENT_AWAY = 3  # nobody is there for the line: the dialplan's duty seats and telephone


@dataclass(slots=True)
class Hours:
    """Seconds of all people together. Occupancy is handled / (signed_in - paused); ringing is not handling."""

    signed_in_s: float = 0.0
    paused_s: float = 0.0
    handled_s: float = 0.0

    @property
    def occupancy(self) -> float | None:
        present_s = self.signed_in_s - self.paused_s
        return self.handled_s / present_s if present_s > 0 else None


@dataclass(slots=True)
class Outcome:
    """What became of the callers under one scheme; lists by the callers' index. `waits_s`: until the fate."""

    scheme: str
    callers: Sequence[Caller]
    fates: list[Fate]
    waits_s: list[float]
    hours: Hours = field(default_factory=Hours)


class World:
    """One day under one scheme. `run` once."""

    scheme = ""

    def __init__(self, day: Day, callers: Sequence[Caller], tell: Tell | None = None) -> None:
        self.day, self.callers, self.tell = day, callers, tell
        self.now = 0.0
        self.outcome = Outcome(self.scheme, callers, [Fate.OPEN] * len(callers), [0.0] * len(callers))
        self.left = len(callers)
        self.agenda: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._number = 0
        for person in day.people:
            for shift in person.shifts:
                self.at(shift.from_at, self.begin_shift, person)
                if shift.until_at < DAY_S:  # who works until midnight stays for those who wait then
                    self.at(shift.until_at, self.end_shift, person)
        if callers:
            self.at(callers[0].at, self._next_comes, callers[0])

    # -- what a scheme says -------------------------------------------------------------------------------------------

    def begin_shift(self, person: Person) -> None:
        raise NotImplementedError

    def end_shift(self, person: Person) -> None:
        """Who talks finishes first."""
        raise NotImplementedError

    def comes(self, caller: Caller) -> None:
        raise NotImplementedError

    def gives_up(self, caller: Caller) -> None:
        """He waits no longer; the world has noted it."""
        raise NotImplementedError

    def close(self) -> None:
        """The last caller is gone; accounts of people are settled."""
        raise NotImplementedError

    # -- what a scheme uses -------------------------------------------------------------------------------------------

    def at(self, when: float, act: Callable[[Any], None], what: Any) -> None:
        """Acts of the same instant happen in the order in which they were asked for."""
        self._number += 1
        heappush(self.agenda, (when, self._number, act, what))

    def waits(self, caller: Caller) -> bool:
        return self.outcome.fates[caller.nth] is Fate.OPEN

    def settle(self, caller: Caller, fate: Fate) -> None:
        """His waiting is over."""
        assert self.outcome.fates[caller.nth] is Fate.OPEN, "a caller has one fate"
        self.outcome.fates[caller.nth] = fate
        self.outcome.waits_s[caller.nth] = self.now - caller.at

    # -- the course of the day ----------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Until the last caller's call is over and nobody has anything to do that matters."""
        while self.left and self.step():
            pass
        self.close()
        return self.outcome

    def step(self) -> bool:
        """The next thing that happens; False when nothing does any more."""
        if not self.agenda:
            return False
        self.now, _, act, what = heappop(self.agenda)
        act(what)
        return True

    def call_over(self, caller: Caller) -> None:
        self.left -= 1

    def _next_comes(self, caller: Caller) -> None:
        following = caller.nth + 1
        if following < len(self.callers):
            self.at(self.callers[following].at, self._next_comes, self.callers[following])
        if self.tell is not None and (following % TOLD_EVERY == 0 or following == len(self.callers)):
            self.tell(following, len(self.callers))
        self.at(caller.at + caller.patience_s, self._patience_ends, caller)
        self.comes(caller)

    def _patience_ends(self, caller: Caller) -> None:
        if self.waits(caller):
            self.settle(caller, Fate.ABANDONED)
            self.gives_up(caller)
            self.call_over(caller)
