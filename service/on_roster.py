"""How many people the rosters ask for at a moment: who should be there, beside who is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from routing.model import AgentProfile, Mode, Rules, SignIn
from routing.need import InGroup, Need, admits, leaves
from routing.rostering import DUTY_SEATS
from routing.workdays import Workdays


def on_roster(rules: Rules, workdays: Workdays) -> Callable[[float], int | None]:
    """Tells for an epoch second of how many people the running shifts of all lines ask, in a gap those at the duty seats.

    None: some line is everybody's, or the shifts are of seats and nobody knows beforehand who will sit there. It remembers
    what it told: one for each look.
    """

    @cache
    def people(needs: frozenset[Need]) -> int | None:
        if _of_seats(needs) and any(not _has_seat(rules, agent) for agent in rules.agents.values()):
            return None
        return sum(any(admitted(rules, need, agent) for need in needs) for agent in rules.agents.values())

    @cache
    def told(at: float) -> int | None:
        needs = _needs(rules, workdays, at)
        return None if needs is None else people(needs)

    return told


def _needs(rules: Rules, workdays: Workdays, at: float) -> frozenset[Need] | None:
    """None: some line is everybody's."""
    found: set[Need] = set()
    for line in rules.lines.values():
        if line.mode is not Mode.MERGED:
            duty = rules.roster.duty(line.number, at, workdays)
            if duty.everybody:
                return None
            found.update((DUTY_SEATS,) if duty.gap else duty.people or (), duty.first)
    return frozenset(found)


def _of_seats(needs: frozenset[Need]) -> bool:
    return any(isinstance(leaf, InGroup) for need in needs for leaf, _ in leaves(need))


def _has_seat(rules: Rules, agent: AgentProfile) -> bool:
    """Who signs in while his phone is registered sits at the seat of his id."""
    return agent.sign_in is SignIn.PHONE and agent.id in rules.seats


def admitted(rules: Rules, need: Need, agent: AgentProfile) -> bool:
    """Whether a shift is his; one of a group of seats is that of who is known to sit there."""
    groups = rules.seats[agent.id].groups if _has_seat(rules, agent) else frozenset[str]()
    return admits(need, agent.id, agent.skills, groups, agent.zone)
