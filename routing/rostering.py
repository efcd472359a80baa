"""The roster at work: the lines as they are while a shift lasts, and the moment when they change.

A line on duty is the configured line with other rings: each asks for its need and for a person on duty; leaders who take
the line first are a ring before all others; in a gap the duty seats are the only ring. So queue, index of free seats and
presence know of rosters by the rings alone. `look` is asked with every event, because the clock on the wall may step; the
timer is there for the quiet hours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from routing.model import DutyView, Line, Mode, Ring, Rules
from routing.need import All, Either, InGroup, Need, Takes, shown
from routing.roster import DUTY, EVERYBODY, HORIZON_DAYS, Duty
from routing.workdays import Workdays

if TYPE_CHECKING:
    from routing.engine import Engine

STEP_S: Final = 1.0  # the clock on the wall may go back by so much without a second look
DUTY_SEATS: Final = InGroup(DUTY)


class InForce(NamedTuple):
    """What the roster says from `since` until `until`, epoch seconds. Lines that no shift names are not in `duties`."""

    since: float
    until: float
    duties: Mapping[str, Duty]
    changes: Mapping[str, float | None]  # when the duty of each line changes next

    def view(self, line: str) -> DutyView | None:
        duty = self.duties.get(line, EVERYBODY)
        if duty == EVERYBODY:
            return None
        return DutyView(duty.shown, tuple(map(shown, duty.first)), duty.gap, self.changes[line])


NOT_LOOKED: Final = InForce(math.inf, math.inf, {}, {})


def in_force(rules: Rules, workdays: Workdays, at: float) -> InForce:
    """Who is on duty for each line, and until when that is so for all of them."""
    if not rules.roster.shifts:
        return InForce(-math.inf, math.inf, {}, {})
    lines = [line.number for line in rules.lines.values() if line.mode is not Mode.MERGED]
    changes = {number: rules.roster.next_change(number, at, workdays) for number in lines}
    until = min((change for change in changes.values() if change is not None), default=at + HORIZON_DAYS * 86_400)
    duties = {number: rules.roster.duty(number, at, workdays) for number in lines}
    return InForce(at - STEP_S, until, duties, changes)


def on_duty(rules: Rules, now: InForce) -> Rules:
    """The configured rules with the lines as they are now, and for the seats that take them."""
    lines = {number: line_on_duty(line, now.duties.get(number)) for number, line in rules.lines.items()}
    limited = frozenset(seat.lines for seat in rules.seats.values() if seat.lines)
    return replace(rules, lines={number: _of_seats(line, limited) for number, line in lines.items()})


def _of_seats(line: Line, limited: frozenset[frozenset[str]]) -> Line:
    """The line with rings that ask for a seat that takes it, when some seat does not. `limited`: lines of such seats."""
    if all(line.number in numbers for numbers in limited):
        return line
    takes = Takes(line.number)
    return replace(line, rings=tuple(Ring(ring.after_s, All((ring.need, takes))) for ring in line.rings))


def line_on_duty(line: Line, duty: Duty | None) -> Line:
    if duty is None or (duty.everybody and not duty.first):
        return line
    people = None if duty.everybody else DUTY_SEATS if duty.gap else _either(duty.people or ())
    rings = line.rings
    if duty.gap:
        rings = (Ring(0.0, DUTY_SEATS),)
    elif people is not None:
        rings = tuple(Ring(ring.after_s, All((ring.need, people))) for ring in rings)
    if duty.first:
        rings = (Ring(0.0, _either(duty.first)), *rings)
        people = people and _either((people, *duty.first))
    return replace(line, rings=rings, duty=people)


def _either(needs: Sequence[Need]) -> Need:
    return needs[0] if len(needs) == 1 else Either(tuple(needs))


def look(engine: Engine) -> None:
    """Puts the roster of this moment in force, if it is not."""
    if not engine.duty.since <= engine.wall < engine.duty.until:
        put_in_force(engine)


def put_in_force(engine: Engine) -> None:
    engine.duty = in_force(engine.wished, engine.workdays, engine.wall)
    rules = on_duty(engine.wished, engine.duty)
    wake(engine)
    if rules.lines != engine.rules.lines:
        engine.rules = rules
        engine.floor.replace_lines(rules)
        engine.take_lines()


def wake(engine: Engine) -> None:
    """The timer of the next change. It may come a moment early by the clock on the wall: then it is set again."""
    if engine.duty.until < math.inf:
        engine.timer(engine.now + max(0.001, engine.duty.until - engine.wall), "roster", "")


def due(engine: Engine, _: str) -> None:
    """`look` has been asked already, with this very event."""
    if engine.wall < engine.duty.until and not _timed(engine):
        wake(engine)


def _timed(engine: Engine) -> bool:
    """Whether a timer is there already: each change of the rules sets one."""
    return any(kind == "roster" for _, _, kind, _ in engine.timers)
