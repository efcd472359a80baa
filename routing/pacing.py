"""Call-backs that the service itself offers: when, by whom, and when one gives way again. Never ahead of people who wait.

An agent is chosen only while nobody waits whom he could take, whether his ring is open for that caller by now or not, and
only while every line that he serves keeps seats free for its callers without him. Once his phone rings, a caller who finds
no other seat goes first: the call-back is withdrawn, as long as the citizen is not being dialled.

Everything here looks at the desk and changes nothing; `routing.calling_out` acts. Source: clause T9.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from routing.call_state import UNANSWERED, CallState
from routing.floor import AWAY
from routing.model import Mode, PacingRules
from routing.outbound import OutState
from routing.workdays import Workdays

if TYPE_CHECKING:
    from routing.desk import Desk
    from routing.free_seats import Kind

UNPLACED: Final = frozenset({CallState.ARRIVED, CallState.QUEUED})  # of these no phone rings
NOT_DIALLED: Final = frozenset({OutState.ASKED, OutState.AGENT_RINGING})
NOT_REACHED_YET: Final = NOT_DIALLED | {OutState.AGENT_ANSWERED, OutState.DIALLING, OutState.CITIZEN_RINGING}


class Group(NamedTuple):
    """Seats that are alike to every choice.

    lines: numbers that they could take, in whichever ring. ring: the first of the entry's line that they belong to. there:
    how many have somebody who is not away. free: how many could be rung now. first: (idle since, agent) of the one who
    would be, None when nobody is willing. lent: no zone keeps them from the entry's line.
    """

    lines: frozenset[str]
    ring: int
    there: int
    free: int
    first: tuple[float, str] | None
    lent: bool = True


def chosen(groups: Sequence[Group], waiting: frozenset[str], line: str, rules: PacingRules) -> str | None:
    """The agent for a call-back of the line; None: not now. `waiting`: lines on which somebody is not answered yet."""
    there, free = (_by_line(groups, which) for which in ("there", "free"))
    fit = (group for group in groups if line in group.lines and group.lent and not group.lines & waiting)
    spared = [
        group for group in fit if group.first and all(free[one] > kept_free(there[one], rules) for one in group.lines)
    ]
    best = min(spared, key=lambda group: (group.ring, group.first), default=None)
    return None if best is None or best.first is None else best.first[1]


def kept_free(there: int, rules: PacingRules) -> int:
    """How many seats stay free for callers, of so many whose agents are there."""
    return max(rules.keep_free, math.ceil(there * rules.keep_free_ratio - 1e-9))


def _by_line(groups: Iterable[Group], which: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in groups:
        for line in group.lines:
            found[line] += getattr(group, which)
    return found


def may_call(rules: PacingRules, at: float, workdays: Workdays) -> bool:
    """Whether citizens may be called at this hour."""
    duty = rules.hours.duty("", at, workdays)
    return duty.people is None or not duty.gap


def pauses_s(rules: PacingRules) -> list[float]:
    """After the last try, by how many tries there were."""
    at = (next_try_at(tried, 0.0, rules) for tried in range(rules.tries))
    return [max(0.0, pause_s) for pause_s in at if pause_s is not None]


def next_try_at(attempts: int, tried_at: float | None, rules: PacingRules) -> float | None:
    """From when on the citizen may be dialled again, epoch seconds; None: never. Each pause is longer than the last."""
    if attempts >= rules.tries:
        return None
    if attempts == 0 or tried_at is None:
        return -math.inf
    return tried_at + rules.retry_s * rules.retry_growth ** (attempts - 1)


# -- the desk as it is -------------------------------------------------------------------------------------------------


def agent_for(desk: Desk, number: str, workdays: Workdays) -> str | None:
    """Who is to call a citizen for this line now, None: nobody."""
    rules, line = desk.rules.pacing, desk.serving(number)
    if line is None or not (rules.offers and desk.deciding and desk.floor.ami_up):
        return None
    if not may_call(rules, desk.wall, workdays):
        return None
    return chosen(groups(desk, number), lines_of(desk, UNANSWERED), line.number, rules)


def is_served(desk: Desk, caller_ref: str, owed_at: float | None) -> bool:
    """A call of his is with us, or is being placed, or he has spoken to a person since: the records may not know it yet."""
    if any(call.caller_ref == caller_ref for call in desk.calls.values()):
        return True
    if any(out.caller_ref == caller_ref for out in desk.outbound.values()):
        return True
    _, spoke = desk.spoke.get(caller_ref, ("", -math.inf))
    return owed_at is not None and spoke > desk.monotonic(owed_at)


def lines_of(desk: Desk, states: frozenset[CallState]) -> frozenset[str]:
    """The serving lines of all citizens' calls in these states; a test call goes before nobody."""
    return frozenset(call.line.number for call in desk.calls.values() if call.state in states and not call.test)


def groups(desk: Desk, number: str) -> list[Group]:
    """The seats of this moment, for a call-back of the line that serves this number."""
    line, free = desk.serving(number), desk.floor.free
    assert line is not None
    there = Counter(
        free.kind_of(now.seat, now.profile) for now in desk.floor.all_seats() if now.agent.state not in AWAY
    )
    found = []
    for kind, count in there.items():
        seats = [place for place in kind.seats if not place[0]]  # of whom it is certain
        lent = kind.agent.zone not in desk.lending.kept or kind.agent.zone == line.zone
        found.append(Group(lines_for(desk, kind), kind.ring(line), count, len(seats), _first(desk, seats), lent))
    return found


def lines_for(desk: Desk, kind: Kind) -> frozenset[str]:
    """The lines whose callers these seats could take, in whichever ring."""
    served = (line for line in desk.rules.lines.values() if line.mode is not Mode.MERGED)
    return frozenset(line.number for line in served if kind.ring(line) < len(line.rings))


def _first(desk: Desk, seats: Iterable[tuple[bool, float, str]]) -> tuple[float, str] | None:
    for _, idle_since, seat_id in seats:
        agent_id = desk.floor.at_seat[seat_id]
        if desk.declined.get(agent_id, -math.inf) <= desk.now:
            return idle_since, agent_id
    return None


def to_withdraw(desk: Desk) -> list[str]:
    """Outbound calls that give way: to callers whom their agents could take, or to the very citizen, who has called in."""
    early = [
        out for out in desk.outbound.values() if out.state in NOT_REACHED_YET and out.caller_ref and not out.dropped
    ]
    if not early:
        return []
    here = {call.caller_ref for call in desk.calls.values()}
    waiting = lines_of(desk, UNPLACED)
    found = []
    for out in early:
        now_at = desk.floor.seat_now(out.seat_id)
        lines = frozenset[str]()
        if out.paced and out.state in NOT_DIALLED and now_at is not None and now_at.agent.id == out.agent_id:
            lines = lines_for(desk, desk.floor.free.kind_of(now_at.seat, now_at.profile))
        if out.caller_ref in here or waiting & lines:
            found.append(out.id)
    return found
