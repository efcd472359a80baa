"""What people name, and what becomes of it: a target with ways to it, or one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.targets import Target, TargetKind
from service.settings import Settings, load
from service.starter import write_starter
from service.targets import Named, Unreachable


class Departments:
    """Stands for a directory that knows nobody."""

    def __init__(self) -> None:
        self.rows: dict[str, object] = {}

    def target(self, department_id: str, wall: float) -> Target | str:
        return f"There is no department {department_id}."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_starter(tmp_path, seats=2)
    return load(tmp_path / "hotline.toml")


@pytest.fixture
def named(settings: Settings) -> Named:
    return Named(settings.rules, lambda: settings, Departments())  # type: ignore[arg-type]


def sentence(found: Target | Unreachable) -> str:
    assert isinstance(found, Unreachable)
    return found.sentence


def test_an_emergency_centre_has_all_its_routes_and_shows_the_citizens_number(named: Named) -> None:
    found = named.find(TargetKind.EMERGENCY, "110", "agent")
    assert isinstance(found, Target)
    assert len(found.routes) >= 2
    assert (found.shows_caller, found.first_sound_s) == (True, 3.0)
    assert sentence(named.find(TargetKind.EMERGENCY, "999", "agent")).startswith("no [[emergency]] 999 is configured")


def test_plain_numbers_are_for_some_roles_and_only_permitted_ones(named: Named) -> None:
    assert "may not dial plain numbers" in sentence(named.find(TargetKind.NUMBER, "13800000001", "agent"))
    for number in ("0085212345678", "16812345", "12345", "110", "+8613800000001", "1 OR 1"):
        assert "is not permitted" in sentence(named.find(TargetKind.NUMBER, number, "supervisor")), number


def test_a_plain_number_stands_in_no_word_that_is_kept(named: Named) -> None:
    found = named.find(TargetKind.NUMBER, "13800000001", "supervisor")
    assert isinstance(found, Target)
    (route,) = found.routes
    assert "13800000001" in route.dial
    assert "13800000001" not in f"{found.id}{found.name}{route.name}"


def test_agents_and_skills_are_those_of_the_configuration(named: Named) -> None:
    assert isinstance(named.find(TargetKind.AGENT, "1001", "agent"), Target)
    assert isinstance(named.find(TargetKind.SKILL, "legal", "agent"), Target)
    assert sentence(named.find(TargetKind.AGENT, "9", "agent")) == "agent 9 is not known"
    assert sentence(named.find(TargetKind.SKILL, "magic", "agent")).startswith("no skill magic is configured")
