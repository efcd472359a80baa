"""What a ring asks of an agent at a seat, as a small language: `hrss>=5 and not group:night or agent:a17`.

    need   = either { "or" either }
    either = one { "and" one }
    one    = "not" one | "(" need ")" | "any" | SKILL [ ">=" LEVEL ] | "group:" ID | "zone:" ID | "agent:" ID

`and` binds stronger than `or`. A skill alone means level 1. A text is read once, when the configuration is; what comes out
is a tree of frozen records, and `admits` walks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

LEVELS: Final = range(1, 11)
LONGEST: Final = 1000  # characters; nobody reads a longer one
DEEPEST: Final = 20  # brackets and nots within each other

_TOKEN: Final = re.compile(r"\s*(?:(?P<sign>>=|\(|\))|(?P<word>(?:(?:group|zone|agent):)?[A-Za-z0-9_][A-Za-z0-9_-]*))")
_WORDS: Final = frozenset({"and", "or", "not", "any"})


@dataclass(frozen=True, slots=True)
class Anybody:
    """Everybody qualifies."""


@dataclass(frozen=True, slots=True)
class Skilled:
    """A skill at a level at least."""

    skill: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class InGroup:
    """The seat belongs to a group."""

    group: str


@dataclass(frozen=True, slots=True)
class InZone:
    """The agent belongs to a zone."""

    zone: str


@dataclass(frozen=True, slots=True)
class Named:
    """This agent."""

    agent: str


@dataclass(frozen=True, slots=True)
class Not:
    part: Need


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Takes:
    """The seat takes calls of a line. No text has it: it is put to the rings of lines that some seat does not take."""

    line: str


Need: TypeAlias = Anybody | Skilled | InGroup | InZone | Named | Takes | Not | All | Either


class NeedError(ValueError):
    """A text that is no need. `column` counts from 1."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column


def parse(text: str) -> Need:
    """Raises NeedError with the place of the first mistake and what is allowed there."""
    if len(text) > LONGEST:
        raise NeedError(LONGEST + 1, f"longer than {LONGEST} characters")
    reader = _Reader(text)
    need = reader.need(0)
    if reader.word is not None:
        raise reader.mistake(f'"{reader.word}" is too much here', '"and", "or" or the end')
    return need


class _Reader:
    """One word ahead. `word` is None at the end."""

    def __init__(self, text: str) -> None:
        self._text, self._end, self.column = text, 0, 1
        self.word: str | None = None
        self.next()

    def next(self) -> str | None:
        """Goes one word on, returns the one it leaves."""
        left = self.word
        rest = self._text[self._end :]
        self.column = self._end + len(rest) - len(rest.lstrip()) + 1
        found = _TOKEN.match(self._text, self._end)
        if found is None and rest.strip():
            raise NeedError(self.column, f'"{rest.strip()[0]}" has no meaning here')
        self.word = None if found is None else found["sign"] or found["word"]
        self._end = len(self._text) if found is None else found.end()
        return left

    def mistake(self, what: str, allowed: str) -> NeedError:
        return NeedError(self.column, f"{what}; allowed: {allowed}")

    def need(self, depth: int) -> Need:
        parts = [self._all(depth)]
        while self.word == "or":
            self.next()
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self, depth: int) -> Need:
        parts = [self._one(depth)]
        while self.word == "and":
            self.next()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Need:
        if depth > DEEPEST:
            raise NeedError(self.column, f"more than {DEEPEST} brackets within each other")
        if self.word == "not":
            self.next()
            return Not(self._one(depth + 1))
        if self.word == "(":
            self.next()
            need = self.need(depth + 1)
            if self.word != ")":
                raise self.mistake("a bracket is not closed", '")"')
            self.next()
            return need
        return self._atom()

    def _atom(self) -> Need:
        word = self.word
        if word is None or word in _WORDS - {"any"} or word in (")", ">="):
            raise self.mistake("something is missing" if word is None else f'"{word}" cannot stand here', _ATOMS)
        self.next()
        kind, colon, id_ = word.partition(":")
        if colon:
            return _LEAVES[kind](id_)
        return Anybody() if word == "any" else Skilled(word, self._level())

    def _level(self) -> int:
        if self.word != ">=":
            return 1
        self.next()
        word = self.word or ""
        if not (word.isascii() and word.isdigit() and int(word) in LEVELS):
            raise self.mistake("a level is missing" if not word else f'"{word}" is no level', "1 to 10")
        self.next()
        return int(word)


_ATOMS: Final = 'a skill such as hrss>=5, "any", group:ID, zone:ID, agent:ID, "not" or a bracket'
_LEAVES: Final[Mapping[str, type[InGroup | InZone | Named]]] = {"group": InGroup, "zone": InZone, "agent": Named}


def admits(
    need: Need,
    agent_id: str,
    skills: Mapping[str, int],
    groups: frozenset[str],
    zone: str | None = None,
    lines: frozenset[str] = frozenset(),
) -> bool:
    """Whether this agent of this zone, at a seat of these groups that takes these lines (none: all), is asked for."""
    match need:
        case Skilled(skill, level):
            return skills.get(skill, 0) >= level
        case Anybody():
            return True
        case InGroup(group):
            return group in groups
        case InZone(id_):
            return id_ == zone
        case Named(agent):
            return agent == agent_id
        case Takes(line):
            return not lines or line in lines
        case Not(part):
            return not admits(part, agent_id, skills, groups, zone, lines)
        case All(parts):
            return all(admits(part, agent_id, skills, groups, zone, lines) for part in parts)
        case Either(parts):
            return any(admits(part, agent_id, skills, groups, zone, lines) for part in parts)


Leaf: TypeAlias = Skilled | InGroup | InZone | Named


def leaves(need: Need, wanted: bool = True) -> Iterator[tuple[Leaf, bool]]:
    """What is named in it, each with whether it is asked for (True) or excluded."""
    match need:
        case Skilled() | InGroup() | InZone() | Named():
            yield need, wanted
        case Not(part):
            yield from leaves(part, not wanted)
        case All(parts) | Either(parts):
            for part in parts:
                yield from leaves(part, wanted)


def shown(need: Need) -> str:
    """The text that `parse` reads to the same tree."""
    match need:
        case Anybody():
            return "any"
        case Skilled(skill, level):
            return f"{skill}>={level}"
        case InGroup(group):
            return f"group:{group}"
        case InZone(zone):
            return f"zone:{zone}"
        case Named(agent):
            return f"agent:{agent}"
        case Takes(line):
            return f"line:{line}"
        case Not(part):
            return f"not {_bracketed(part, All, Either)}"
        case All(parts):
            return " and ".join(_bracketed(part, All, Either) for part in parts)
        case Either(parts):
            return " or ".join(_bracketed(part, Either) for part in parts)


def _bracketed(part: Need, *kinds: type) -> str:
    return f"({shown(part)})" if isinstance(part, kinds) else shown(part)
