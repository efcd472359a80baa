"""The seats that could be rung now, by kind: seats of a kind are alike to every choice, but for who has been idle longest.

A thousand seats are some dozens of kinds, so a decision looks at kinds and at the first seats of each. The rules are
those of `routing.choice`; what it says of a kind and a line is asked once and kept.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from routing.choice import first_ring_of, is_on_duty
from routing.model import AgentProfile, Line, SeatProfile
from routing.need import Named, Need, admits, leaves

Place: TypeAlias = tuple[bool, float, str]  # may still be talking, idle since, seat id: as in `choice.rank`
# skills, zone, groups, lines of the seat, and the agent whom some ring names
Traits: TypeAlias = tuple[frozenset[tuple[str, int]], str | None, frozenset[str], frozenset[str], str | None]


class Kind:
    """All seats of the same traits. One object each, so that two are the same only when they are one."""

    __slots__ = ("agent", "duties", "meets", "number", "rings", "seat", "seats")

    def __init__(self, number: int, seat: SeatProfile, agent: AgentProfile, needs: Iterable[Need]) -> None:
        self.number = number
        self.seat, self.agent = seat, agent  # any of them
        who = agent.id, agent.skills, seat.groups, agent.zone, seat.lines
        self.meets = tuple(need for need in needs if admits(need, *who))
        self.seats: list[Place] = []  # those that are free, in order
        self.rings: dict[str, int] = {}  # by line's number, see `ring`
        self.duties: dict[str, bool] = {}  # by line's number, see `on_duty`

    def ring(self, line: Line) -> int:
        """Index of the line's first ring that the kind belongs to; the number of its rings when it belongs to none."""
        known = self.rings.get(line.number)
        if known is None:
            ring = first_ring_of(self.agent, self.seat, line.rings)
            known = self.rings[line.number] = len(line.rings) if ring is None else ring
        return known

    def on_duty(self, line: Line) -> bool:
        known = self.duties.get(line.number)
        if known is None:
            known = self.duties[line.number] = is_on_duty(line, self.agent, self.seat)
        return known

    def first(self, count: int, but: Collection[str]) -> list[Place]:
        """The first `count` free seats that are not among `but`."""
        return self.seats[:count] if not but else [place for place in self.seats if place[2] not in but][:count]


class FreeSeats:
    """Mutable, private to the engine. Who changes a seat's state, phone or person puts the seat again, or drops it."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._learn(lines)
        self._placed: dict[str, tuple[Kind, Place]] = {}
        self._kinds: dict[Traits, Kind] = {}
        self._sits: dict[tuple[str, str], Kind] = {}  # by seat and agent
        self._there: dict[Kind, None] = {}  # kinds of which somebody is free

    def __len__(self) -> int:
        return len(self._placed)

    def __contains__(self, seat_id: str) -> bool:
        return seat_id in self._placed

    def __iter__(self) -> Iterator[str]:
        return iter(self._placed)

    def put(self, seat: SeatProfile, agent: AgentProfile, *, uncertain: bool, idle_since: float) -> None:
        self.drop(seat.id)
        kind, place = self.kind_of(seat, agent), (uncertain, idle_since, seat.id)
        self._placed[seat.id] = kind, place
        insort(kind.seats, place)
        self._there[kind] = None

    def drop(self, seat_id: str) -> None:
        if seat_id not in self._placed:
            return
        kind, place = self._placed.pop(seat_id)
        del kind.seats[bisect_left(kind.seats, place)]
        if not kind.seats:
            del self._there[kind]

    def clear(self, lines: Iterable[Line]) -> None:
        """The rules changed: what is known of seats, people and lines may be wrong."""
        self._learn(lines)
        for known in (self._placed, self._kinds, self._sits, self._there):
            known.clear()

    def _learn(self, lines: Iterable[Line]) -> None:
        self._needs = {ring.need: None for line in lines for ring in line.rings}
        self._named = {leaf.agent for need in self._needs for leaf, _ in leaves(need) if isinstance(leaf, Named)}

    def kind(self, seat_id: str) -> Kind:
        """Of a seat that is free."""
        return self._placed[seat_id][0]

    def kinds(self) -> Iterable[Kind]:
        """Of which somebody is free."""
        return self._there

    def by_ring(self, line: Line) -> dict[int, list[Kind]]:
        """The kinds of which somebody is free, by the line's first ring that they belong to; those of none come last."""
        found: dict[int, list[Kind]] = {}
        for kind in self._there:
            found.setdefault(kind.ring(line), []).append(kind)
        return found

    def kind_of(self, seat: SeatProfile, agent: AgentProfile) -> Kind:
        kind = self._sits.get((seat.id, agent.id))
        if kind is None:
            named = agent.id if agent.id in self._named else None
            traits = frozenset(agent.skills.items()), agent.zone, seat.groups, seat.lines, named
            kind = self._kinds.get(traits) or Kind(len(self._kinds), seat, agent, self._needs)
            self._sits[seat.id, agent.id] = self._kinds[traits] = kind
        return kind
