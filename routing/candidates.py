"""What every seat was to a decision, so that "why not that one" can be answered months later.

A decision must not pay for a thousand seats. So what each seat is good for is kept up to date while seats change
(`Standings`, owned by the floor), a decision only copies it (`Candidates`), and the one code a seat is worked out by
whoever writes it down, outside the engine. What is alike for all seats of a kind is only said of kinds (see
`routing.free_seats`).

Codes stand in the order of the seats of an `Edition` of the rules, which is recorded once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from routing.choice import RANKED_BY, Reason, Waiting
from routing.codes import BETTER_WAS_THERE, Code, ring_code
from routing.need import shown

if TYPE_CHECKING:
    from routing.free_seats import Kind
    from routing.model import Rules

FREE: Final = 256  # a standing: free, + the number of its kind; below it a `Code`
UNCERTAIN: Final = 32768  # added for a free seat that may still be talking

Rank: TypeAlias = tuple[Any, ...]  # as of `choice.rank`; the seat's id is its last
UNFIT_CODE: Final[Mapping[Reason, Code]] = {
    Reason.LINES: Code.OTHER_LINES,
    Reason.OFF_DUTY: Code.OFF_DUTY,
    Reason.LAST_AGENT: Code.LAST_AGENT,
    Reason.KEPT: Code.KEPT,
}


class Edition:
    """One state of the rules as explanations refer to it: the seats in a fixed order, and the rings of every line."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.place = {seat_id: place for place, seat_id in enumerate(rules.seats)}

    @cached_property
    def body(self) -> bytes:
        """JSON: `seats`, a list of ids, and `lines`, number -> name and rings as [after_s, need]."""
        lines = {
            line.number: {"name": line.name, "rings": [[ring.after_s, shown(ring.need)] for ring in line.rings]}
            for line in self._rules.lines.values()
        }
        return json.dumps({"seats": list(self.place), "lines": lines}, separators=(",", ":")).encode("ascii")

    @cached_property
    def id(self) -> str:
        """The same for the same content, also after a restart."""
        return hashlib.sha256(self.body).hexdigest()[:16]


class Standings:
    """What each seat is good for now: a `Code` that holds whoever calls, or that it is free, and of which kind."""

    def __init__(self, rules: Rules) -> None:
        self.edition = Edition(rules)
        self._standings = array("H", [Code.OUT]) * len(rules.seats)

    def put(self, seat_id: str, standing: int) -> None:
        place = self.edition.place.get(seat_id)
        if place is not None:
            self._standings[place] = standing

    def copy(self) -> bytes:
        return self._standings.tobytes()


class Candidates:
    """All seats at the moment of a decision, before it is acted on."""

    __slots__ = ("_best", "_fit", "_ranked", "_standings", "_unfit", "_waiting", "edition")

    def __init__(
        self,
        standings: Standings,
        waiting: Waiting,
        fit: Mapping[int, Sequence[Kind]],
        unfit: Mapping[Reason, Sequence[Kind]],
        best: Sequence[Rank] = (),
        ranked: Sequence[Rank] = (),
    ) -> None:
        """All kinds of which somebody is free: `fit` by ring, `unfit` by the reason. `best` are the chosen of `ranked`,
        which has the first of every kind that could have been chosen."""
        self.edition = standings.edition
        self._standings = standings.copy()
        self._waiting, self._fit, self._unfit = waiting, fit, unfit
        self._best, self._ranked = best, ranked

    def __str__(self) -> str:
        """As the journal keeps it: edition, colon, the codes packed."""
        return f"{self.edition.id}:{pack(self.codes())}"

    def codes(self) -> bytes:
        """One `Code` a seat, in the order of the edition."""
        standings, place = array("H", self._standings), self.edition.place
        meaning: dict[int, int] = {standing: standing for standing in set(standings) if standing < FREE}
        meaning |= self._of_unfit() | self._of_fit(standings)
        codes = bytearray(map(meaning.__getitem__, standings))
        for seat_id in self._waiting.missed:
            if seat_id in place and codes[place[seat_id]] in BETTER_WAS_THERE:
                codes[place[seat_id]] = Code.MISSED
        for rank in self._ranked:
            codes[place[rank[-1]]] = _difference(self._best[-1], rank)
        rings = {FREE + kind.number: kind.ring(self._waiting.line) for kind in self._kinds()}
        for *_, seat_id in self._best:
            codes[place[seat_id]] = ring_code(Code.CHOSEN, rings[standings[place[seat_id]] & ~UNCERTAIN])
        return bytes(codes)

    def _kinds(self) -> Iterator[Kind]:
        return chain.from_iterable((*self._fit.values(), *self._unfit.values()))

    def _of_unfit(self) -> dict[int, int]:
        """Standing -> code."""
        found: dict[int, int] = {}
        for reason, kinds in self._unfit.items():
            for kind in kinds:
                code = UNFIT_CODE.get(reason) or self._ring_to_come(kind)
                found[FREE + kind.number] = found[FREE + kind.number + UNCERTAIN] = code
        return found

    def _ring_to_come(self, kind: Kind) -> int:
        ring = kind.ring(self._waiting.line)
        return Code.NO_RING if ring >= len(self._waiting.line.rings) else ring_code(Code.NOT_OPEN, ring)

    def _of_fit(self, standings: Sequence[int]) -> dict[int, int]:
        """Standing -> why those of the kind that were not chosen came after the last of the chosen."""
        better = self._better(standings)
        certain = any(standings[self.edition.place[rank[-1]]] < UNCERTAIN for rank in self._best)
        found: dict[int, int] = {}
        for kind in chain.from_iterable(self._fit.values()):
            code = better.get(FREE + kind.number, Code.LATER_RING)
            found[FREE + kind.number] = code
            found[FREE + kind.number + UNCERTAIN] = Code.MAY_TALK if certain else code
        return found

    def _better(self, standings: Sequence[int]) -> dict[int, Code]:
        """Kind, as a standing -> the difference of its first seat that was not chosen."""
        chosen = {rank[-1] for rank in self._best}
        found: dict[int, Code] = {}
        for rank in sorted(self._ranked):
            if rank[-1] not in chosen and rank[-1] not in self._waiting.missed:
                found.setdefault(
                    standings[self.edition.place[rank[-1]]] & ~UNCERTAIN, _difference(self._best[-1], rank)
                )
        kinds = (standings[self.edition.place[seat_id]] & ~UNCERTAIN for seat_id in chosen)
        return dict.fromkeys(kinds, Code.LESS_IDLE) | found


def _difference(best: Rank, worse: Rank) -> Code:
    pairs = zip(RANKED_BY, _flat(best), _flat(worse), strict=False)
    return next((code for code, one, other in pairs if one != other), Code.LESS_IDLE)


def _flat(rank: Rank) -> Iterator[object]:
    for part in rank:
        yield from part if isinstance(part, tuple) else (part,)


def pack(codes: bytes) -> str:
    """ASCII. A thousand seats are some hundred characters, as most of them stand alike."""
    return base64.b64encode(zlib.compress(codes)).decode("ascii")


def unpack(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        raise ValueError(str(error)) from None


def read_edition(body: bytes) -> dict[str, Any]:
    """The content of `Edition.body`."""
    found: dict[str, Any] = json.loads(body)
    return found
