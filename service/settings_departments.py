"""What a configuration says about the numbers of departments: who may be dialled, and by which trunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from routing.directory import called_by, doubts
from routing.permitted import DialingRules, refusal
from routing.targets import Route
from service.settings_findings import Finding
from service.settings_problems import nearest
from service.settings_tables import usual_trunk

if TYPE_CHECKING:
    from service.settings import Settings


def departments(settings: Settings) -> Iterator[Finding]:
    """Every number can be dialled, none is forbidden or our own, none stands there twice."""
    rules = settings.dialing_rules()
    for index, table in enumerate(settings.departments):
        for place, number in enumerate(table.numbers):
            found = route(number, settings, rules)
            if isinstance(found, str):
                yield Finding(("department", index, "numbers", place), found)
            elif number in table.numbers[:place]:
                yield Finding(("department", index, "numbers", place), "stands there twice", "each only once")


def short_numbers(settings: Settings) -> Iterator[Finding]:
    """The digits of a telephone mean one department, or one agent."""
    called = called_by((table.id, table.code) for table in settings.departments)
    agents = {agent.id for agent in settings.agents}
    for index, table in enumerate(settings.departments):
        for key, text in doubts(table.id, table.code, called, agents):
            yield Finding(("department", index, key), text, "a short number that nobody else has")


def citizens_trunk(settings: Settings) -> Iterator[Finding]:
    """The trunk by which agents call citizens leads to no emergency centre."""
    name = settings.dialing.trunk
    trunk = next((trunk for trunk in settings.trunks if trunk.name == name), None)
    if trunk is not None and trunk.emergency:
        yield Finding(("dialing", "trunk"), "is for emergency centres", "a [[trunk]] without emergency = true")


def route(text: str, settings: Settings, rules: DialingRules) -> Route | str:
    """The way to NUMBER or NUMBER@TRUNK, or why there is none, to be read after the number."""
    number, _, named = text.partition("@")
    if (refused := refusal(number, rules)) is not None:
        return f"is not permitted: {refused[:1].lower()}{refused[1:].rstrip('.')}"
    names = [trunk.name for trunk in settings.trunks]
    name = named or usual_trunk(settings.trunks)
    if name is None:
        return f"needs its trunk, NUMBER@TRUNK: {', '.join(names) or 'there is no [[trunk]] yet'}"
    trunk = next((trunk for trunk in settings.trunks if trunk.name == name), None)
    if trunk is None:
        return f'names the unknown trunk "{name}"{nearest(name, names)}'
    return Route(trunk.dial.replace("{number}", number), f"{number}@{name}")
