"""Who is signed in and not paused, as rings see it: how many people meet each need."""

from __future__ import annotations

from collections import Counter

from routing.need import Need


class Presence:
    """Mutable, private to the engine. `differs` is set when a need got its first person or lost its last."""

    def __init__(self) -> None:
        self._people: Counter[Need] = Counter()
        self._there: dict[str, tuple[Need, ...]] = {}  # by seat
        self.differs = False

    def anybody(self, need: Need) -> bool:
        return self._people[need] > 0

    def put(self, seat_id: str, meets: tuple[Need, ...]) -> None:
        if self._there.get(seat_id) is meets:
            return
        self.drop(seat_id)
        self._there[seat_id] = meets
        for need in meets:
            self._people[need] += 1
            self.differs |= self._people[need] == 1

    def drop(self, seat_id: str) -> None:
        for need in self._there.pop(seat_id, ()):
            self._people[need] -= 1
            self.differs |= self._people[need] == 0

    def clear(self) -> None:
        self._people.clear()
        self._there.clear()
        self.differs = True
