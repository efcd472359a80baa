"""The calls the engine knows: frozen records, and the order in which the waiting ones are served.

What changes with nearly every event is a NamedTuple: its `_replace` takes a fifth of the time of a frozen dataclass's.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple, TypeAlias

from routing.call_state import CallState
from routing.model import Line
from routing.records import quickly_replaced
from routing.restrictions import Restriction


@quickly_replaced
class Presentation(NamedTuple):
    """One decision: these seats ring for this call. Times are the engine's monotonic clock."""

    id: str
    seats: tuple[str, ...]
    ring_s: float
    sent: float
    dialing: float | None = None  # first DialBegin
    dialled: frozenset[str] = frozenset()  # seats of which AMI told a DialBegin
    rang: frozenset[str] = frozenset()  # seats whose phone rang
    rang_at: float | None = None  # first of them
    over: frozenset[str] = frozenset()  # seats that are done with it
    picked_up: frozenset[str] = frozenset()  # remote seats whose agent is asked for the key


@quickly_replaced
class Call(NamedTuple):
    """One call. `arrived_at`, `answered_at` are epoch seconds by Asterisk's clock, the others monotonic."""

    id: str
    number: str  # dialled
    line: Line  # serving line: itself, or the line a merged number is served as
    arrived_at: float
    arrived: float  # monotonic twin of arrived_at: wall clocks step
    position: float  # place in the queue: arrival less credit; the metric clock never moves
    state: CallState = CallState.ARRIVED
    head: bool = False  # agent leg lost: served first
    emergency: bool = False
    test: bool = False  # a test call: see `routing.probing`
    trunk: str = ""
    case: str = ""  # id of the case it is about, of another centre or hotline
    caller_ref: str | None = None
    caller_blocks: tuple[str, ...] = ()
    credit_s: float = 0.0  # of line and trunk, within `position`
    restriction: Restriction | None = None
    last_place: float | None = None  # instead of `position`, while the restriction says so
    informed: bool = False  # the notice to a rejected caller was sent, and then ...
    heard: bool = False  # ... it was played
    dismissed: bool = False
    limit_s: float | None = None  # of the talk that was offered last
    cut: bool = False  # ... which that limit has ended
    behind: bool = False  # waits, but another call of the same number stands in the queue
    session: int | None = None
    presentation: Presentation | None = None
    lapsed: Presentation | None = None  # without AMI: over for us by its deadline, how it ended is not told yet
    fallback_seats: frozenset[str] = frozenset()  # rung by the dialplan alone
    missed: frozenset[str] = frozenset()
    open_rings: int = 0
    prefers: str | None = None  # the agent whom he spoke with lately, as long as he waits for nobody else
    overdue: bool = False  # has waited for longer than the target: no zone keeps its seats from him
    noted_rings: int = -1  # how many were open when it was last noted that nobody could take the call
    noticed: bool = False
    judged: bool = False
    answered_at: float | None = None
    answered: float | None = None
    seat_id: str | None = None
    agent_id: str | None = None
    leg_lost: bool | None = None  # how the agent's leg ended; None: not told yet
    parted_at: float | None = None  # epoch
    goodbye_session: int | None = None
    goodbye_until: float | None = None
    last_seq: int = 0
    touched: float = 0.0  # epoch of the last event about it

    def order(self) -> tuple[int, float, str]:
        """Sort key of the waiting: emergency returns, then lost legs, then by position, tests last; never equal."""
        rank = 4 if self.test else 0 if self.emergency and self.head else 1 if self.emergency else 2 if self.head else 3
        return (rank, self.position if self.last_place is None else self.last_place, self.id)


Key: TypeAlias = tuple[int, float, str]


class Want(NamedTuple):
    """All that `choice.eligible` looks at in a waiting call."""

    line: str
    open_rings: int
    prefers: str | None = None  # then no ring is open
    overdue: bool = False


class Queue:
    """The waiting calls in the order in which they are served, and by what they want.

    Callers of one want are alike to every seat, so a seat that becomes free is held against some hundred wants and not
    against some thousand callers. Who changes what a waiting call wants puts it again.
    """

    def __init__(self) -> None:
        self._order: list[Key] = []
        self._by_want: dict[Want, list[Key]] = {}
        self._lines: dict[Want, Line] = {}
        self.hoping: dict[str, set[Want]] = {}  # by agent: the wants of those who wait for him alone
        self._placed: dict[str, tuple[Key, Want, frozenset[str]]] = {}
        self.demand: Counter[str] = Counter()  # callers waiting, by the skill that their first ring asks for

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._placed

    def __iter__(self) -> Iterator[str]:
        return (key[2] for key in list(self._order))

    def put(self, call: Call) -> None:
        self.drop(call.id)
        key, want = call.order(), Want(call.line.number, call.open_rings, call.prefers, call.overdue)
        skills = frozenset[str]() if call.test else call.line.rings[0].skills  # a test makes nobody scarce
        self._placed[call.id] = key, want, skills
        insort(self._order, key)
        insort(self._by_want.setdefault(want, []), key)
        self._lines[want] = call.line
        if want.prefers is not None:
            self.hoping.setdefault(want.prefers, set()).add(want)
        self.demand.update(skills)

    def drop(self, call_id: str) -> None:
        if call_id not in self._placed:
            return
        key, want, skills = self._placed.pop(call_id)
        del self._order[bisect_left(self._order, key)]
        alike = self._by_want[want]
        del alike[bisect_left(alike, key)]
        if not alike:
            self._forget(want)
        self.demand.subtract(skills)

    def _forget(self, want: Want) -> None:
        del self._by_want[want], self._lines[want]
        if want.prefers is not None:
            self.hoping[want.prefers].discard(want)
            if not self.hoping[want.prefers]:
                del self.hoping[want.prefers]

    def key(self, call_id: str) -> Key:
        return self._placed[call_id][0]

    def place(self, call_id: str) -> int:
        """1: served first."""
        return bisect_left(self._order, self._placed[call_id][0]) + 1

    def want(self, call_id: str) -> Want:
        return self._placed[call_id][1]

    def wants(self) -> Iterator[tuple[Want, Line]]:
        """What anybody waits for, with the line it is wanted of."""
        return iter(self._lines.items())

    def longest_wait_of(self, zone_id: str) -> str | None:
        """Who is first of those who wait in the zone's own lines."""
        key = self.first([want for want, line in self._lines.items() if line.zone == zone_id])
        return None if key is None else key[2]

    def alike(self, want: Want) -> list[str]:
        """The callers of one want, in their order."""
        return [key[2] for key in self._by_want.get(want, ())]

    def first(self, wants: Collection[Want]) -> Key | None:
        """The caller to be served first of those with one of these wants."""
        return min((alike[0] for want in wants if (alike := self._by_want.get(want))), default=None)
