"""The calls the engine knows: frozen records, and the order in which the waiting ones are served."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from routing.call_state import CallState
from routing.model import Line


@dataclass(frozen=True, slots=True)
class Presentation:
    """One decision: these seats ring for this call. Times are the engine's monotonic clock."""

    id: str
    seats: tuple[str, ...]
    ring_s: float
    sent: float
    dialing: float | None = None  # first DialBegin
    rang: frozenset[str] = field(default_factory=frozenset)  # seats whose phone rang
    rang_at: float | None = None  # first of them
    over: frozenset[str] = field(default_factory=frozenset)  # seats that are done with it


@dataclass(frozen=True, slots=True)
class Call:
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
    trunk: str = ""
    caller_ref: str | None = None
    session: int | None = None
    presentation: Presentation | None = None
    lapsed: Presentation | None = None  # without AMI: over for us by its deadline, how it ended is not told yet
    fallback_seats: frozenset[str] = field(default_factory=frozenset)  # rung by the dialplan alone
    missed: frozenset[str] = field(default_factory=frozenset)
    open_rings: int = 0
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
        """Sort key of the waiting: emergency returns, then lost legs, then by position; never equal."""
        rank = 0 if self.emergency and self.head else 1 if self.emergency else 2 if self.head else 3
        return (rank, self.position, self.id)


class Queue:
    """The waiting calls in the order in which they are served."""

    def __init__(self) -> None:
        self._order: list[tuple[int, float, str]] = []
        self._key: dict[str, tuple[int, float, str]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._key

    def __iter__(self) -> Iterator[str]:
        return (key[2] for key in list(self._order))

    def put(self, call: Call) -> None:
        self.drop(call.id)
        key = call.order()
        self._key[call.id] = key
        insort(self._order, key)

    def drop(self, call_id: str) -> None:
        key = self._key.pop(call_id, None)
        if key is not None:
            del self._order[bisect_left(self._order, key)]
