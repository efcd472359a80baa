"""What people at the seats did in a period: handle time, occupancy, adherence. From the states that were recorded.

    signed in   ready + ringing + talking + wrap-up + paused
    handle      talking (with who was put on hold meanwhile) + wrap-up
    occupancy   handle / (signed in - paused); ringing is no work, and who rests between calls is not idle by his own will
    adherence   signed in within the shifts of the roster / those shifts; a pause is a matter of its reason, not of this

A period takes of a state what lies within it. A talk belongs to the period in which it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from routing.agent_state import AgentState

HANDLE: Final = (AgentState.TALKING, AgentState.WRAP_UP)
SIGNED_IN: Final = frozenset(AgentState) - {AgentState.SIGNED_OUT}


class Stay(NamedTuple):
    """One agent in one state, epoch ms; `reason` of a pause."""

    agent_id: str
    state: str
    reason: str
    since_ms: int
    until_ms: int


class Span(NamedTuple):
    """Of time, epoch ms."""

    since_ms: int
    until_ms: int


@dataclass(slots=True)
class Work:
    """Of one agent, or of several together. `pauses_ms`: by reason. `spans`: when he was signed in, in order."""

    states_ms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SIGNED_IN, 0))
    pauses_ms: dict[str, int] = field(default_factory=dict)
    talks: int = 0
    spans: list[Span] = field(default_factory=list)

    @property
    def signed_in_ms(self) -> int:
        return sum(self.states_ms.values())

    @property
    def handle_ms(self) -> int:
        return sum(self.states_ms[state] for state in HANDLE)


class Working:
    """What people did in `[since_ms, until_ms)`, from their stays in the order of time. `agents`: nobody who was not
    signed in. `there_ms`: of each step, all the time in which somebody could have been rung or worked for a call."""

    def __init__(self, since_ms: int, until_ms: int, step_ms: int) -> None:
        self.since_ms, self.until_ms, self.step_ms = since_ms, until_ms, step_ms
        self.agents: dict[str, Work] = {}
        self.there_ms = [0] * -((since_ms - until_ms) // step_ms)

    def add(self, stay: Stay) -> None:
        since, until = max(stay.since_ms, self.since_ms), min(stay.until_ms, self.until_ms)
        if stay.state not in SIGNED_IN or until < since:
            return
        his = self.agents.get(stay.agent_id)
        if his is None:
            his = self.agents[stay.agent_id] = Work()
        his.states_ms[stay.state] += until - since
        _join(his.spans, Span(since, until))
        if stay.state == AgentState.PAUSED:
            his.pauses_ms[stay.reason] = his.pauses_ms.get(stay.reason, 0) + until - since
            return
        his.talks += stay.state == AgentState.TALKING and since == stay.since_ms < self.until_ms
        self._there(since - self.since_ms, until - self.since_ms)

    def _there(self, since: int, until: int) -> None:
        for place in range(since // self.step_ms, -(-until // self.step_ms)):
            begins = place * self.step_ms
            self.there_ms[place] += min(until, begins + self.step_ms) - max(since, begins)


def sum_of(several: Iterable[Work]) -> Work:
    """All of them as one."""
    whole = Work()
    for one in several:
        for state, length in one.states_ms.items():
            whole.states_ms[state] += length
        for reason, length in one.pauses_ms.items():
            whole.pauses_ms[reason] = whole.pauses_ms.get(reason, 0) + length
        whole.talks += one.talks
    return whole


def handle_s(one: Work) -> float | None:
    """`AHT`: handle / talks, seconds."""
    return one.handle_ms / one.talks / 1000 if one.talks else None


def occupancy(one: Work) -> float | None:
    """`occupancy`: handle / (signed in - paused), 0..1; None when nobody could have been rung."""
    there = one.signed_in_ms - one.states_ms[AgentState.PAUSED]
    return one.handle_ms / there if there else None


def adherence(one: Work, shifts: Iterable[Span]) -> float | None:
    """`adherence`: of one agent, 0..1; None without a shift. Shifts may overlap: what two of them have counts once."""
    rostered: list[Span] = []
    for shift in sorted(shifts):
        _join(rostered, shift)
    whole = sum(span.until_ms - span.since_ms for span in rostered)
    if not whole:
        return None
    return sum(_common(there, shift) for there in one.spans for shift in rostered) / whole


def _join(spans: list[Span], span: Span) -> None:
    """Adds time that begins no earlier than all before it."""
    if spans and span.since_ms <= spans[-1].until_ms:
        spans[-1] = Span(spans[-1].since_ms, max(spans[-1].until_ms, span.until_ms))
    elif span.until_ms > span.since_ms:
        spans.append(span)


def _common(one: Span, other: Span) -> int:
    return max(0, min(one.until_ms, other.until_ms) - max(one.since_ms, other.since_ms))
