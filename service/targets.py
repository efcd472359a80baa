"""What people name, as a target that can be dialled, or why it cannot. See `routing.targets`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from routing.model import Rules
from routing.permitted import role_refusal
from routing.targets import Route, Target, TargetKind
from service import clock
from service.directory import Directory
from service.settings import Settings
from service.settings_departments import route
from service.settings_tables import usual_trunk
from service.settings_values import SHORT_DIGITS


class Unreachable(NamedTuple):
    """Why a target is not dialled. `closed`: it is known, and out of its hours."""

    sentence: str
    closed: bool = False


class Wanted(NamedTuple):
    """Whom an act is about, as people named it, and what became of that; nothing of both when it is about nobody else."""

    kind: TargetKind | None = None
    value: str = ""
    found: Target | Unreachable | None = None


class Named:
    """Targets by kind and id, for somebody of a role."""

    def __init__(self, rules: Callable[[], Rules], settings: Callable[[], Settings], directory: Directory) -> None:
        self._rules, self._settings, self._directory = rules, settings, directory

    def find(self, kind: TargetKind, value: str, role: str) -> Target | Unreachable:
        match kind:
            case TargetKind.EMERGENCY:
                return self._emergency(value)
            case TargetKind.DEPARTMENT | TargetKind.HOTLINE:
                return self._department(value)
            case TargetKind.AGENT:
                return self._agent(value)
            case TargetKind.SKILL:
                return self._skill(value)
            case TargetKind.NUMBER:
                return self._number(value, role)

    def dialled(self, digits: str, role: str) -> Wanted:
        """Whom digits mean that were pressed on a telephone: an agent by his id, a department by its id or short number;
        when nobody is meant, a plain number. What is too long to be a short number may be a citizen's."""
        meant = [(TargetKind.DEPARTMENT, id_) for id_ in self._directory.meant(digits)]
        if digits in self._rules().agents:
            meant.append((TargetKind.AGENT, digits))
        if len(meant) > 1:
            both = " and ".join(f"{kind} {id_}" for kind, id_ in meant)
            return Wanted(TargetKind.DEPARTMENT, digits, Unreachable(f"{digits} means {both}: nobody is called"))
        if meant:
            return Wanted(*meant[0], self.find(*meant[0], role))
        number = self._number(digits, role)
        if isinstance(number, Target) or len(digits) > SHORT_DIGITS:
            return Wanted(TargetKind.NUMBER, digits, number)
        return Wanted(TargetKind.DEPARTMENT, digits, self._department(digits))

    def _emergency(self, number: str) -> Target | Unreachable:
        known = self._rules().emergencies
        return known.get(number) or Unreachable(f"no [[emergency]] {number} is configured; there are {_listed(known)}")

    def _department(self, department_id: str) -> Target | Unreachable:
        found = self._directory.target(department_id, clock.wall())
        if isinstance(found, Target):
            return found
        known = self._directory.rows.get(department_id)
        closed = known is not None and not known.disabled and not self._directory.shown(department_id)["open"]
        return Unreachable(found, closed)

    def _agent(self, agent_id: str) -> Target | Unreachable:
        profile = self._rules().agents.get(agent_id)
        if profile is None:
            return Unreachable(f"agent {agent_id} is not known")
        return Target(TargetKind.AGENT, agent_id, profile.name)

    def _skill(self, skill: str) -> Target | Unreachable:
        skills = self._rules().skills
        if skill not in skills:
            return Unreachable(f"no skill {skill} is configured; there are {_listed(skills)}")
        return Target(TargetKind.SKILL, skill, skills[skill])

    def _number(self, number: str, role: str) -> Target | Unreachable:
        """A plain number goes by the only usual trunk. Its id tells nothing of it: it may be a citizen's."""
        settings = self._settings()
        rules = settings.dialing_rules()
        if (against := role_refusal(role, rules)) is not None:
            return Unreachable(against)
        way = settings.dialing.trunk or usual_trunk(settings.trunks)
        if way is None:
            return Unreachable("Which trunk plain numbers go by is not configured: set trunk in [dialing].")
        found = route(f"{number}@{way}", settings, rules)
        if isinstance(found, str):
            return Unreachable(f"The number {found}.")
        return Target(TargetKind.NUMBER, "", "a plain number", (Route(found.dial, way),))


def _listed(known: Iterable[str]) -> str:
    return ", ".join(known) or "none"
