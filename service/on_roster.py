"""How many people the rosters ask for at a moment: who should be there, beside who is."""

from __future__ import annotations

from collections.abc import Iterator

from routing.model import AgentProfile, Mode, Rules, SignIn
from routing.need import InGroup, Need, admits, leaves
from routing.rostering import DUTY_SEATS
from routing.workdays import Workdays


def on_roster(rules: Rules, workdays: Workdays, at: float) -> int | None:
    """People of whom a running shift of some line asks; in a gap those at the duty seats.

    None: some line is everybody's, or the shifts are of seats and nobody knows beforehand who will sit there.
    """
    needs = _needs(rules, workdays, at)
    if needs is None or (_of_seats(needs) and any(not _has_seat(rules, agent) for agent in rules.agents.values())):
        return None
    return sum(any(_admitted(rules, need, agent) for need in needs) for agent in rules.agents.values())


def _needs(rules: Rules, workdays: Workdays, at: float) -> set[Need] | None:
    found: set[Need] = set()
    for line in rules.lines.values():
        if line.mode is not Mode.MERGED:
            duty = rules.roster.duty(line.number, at, workdays)
            if duty.everybody:
                return None
            found.update((DUTY_SEATS,) if duty.gap else duty.people or (), duty.first)
    return found or None


def _of_seats(needs: set[Need]) -> bool:
    return any(isinstance(leaf, InGroup) for leaf in _all_leaves(needs))


def _all_leaves(needs: set[Need]) -> Iterator[object]:
    return (leaf for need in needs for leaf, _ in leaves(need))


def _has_seat(rules: Rules, agent: AgentProfile) -> bool:
    """Who signs in while his phone is registered sits at the seat of his id."""
    return agent.sign_in is SignIn.PHONE and agent.id in rules.seats


def _admitted(rules: Rules, need: Need, agent: AgentProfile) -> bool:
    groups = rules.seats[agent.id].groups if _has_seat(rules, agent) else frozenset[str]()
    return admits(need, agent.id, agent.skills, groups, agent.zone)
