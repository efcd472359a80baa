"""A surge changes the rules for a while and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

from routing import commands as c
from routing import events as e
from routing.model import SeatProfile, Surge, SurgeRules
from routing.steps import StepKind

from .floor_plan import Drive, presented, rules


def drive_with_reserve(*seats: str, **timing: float) -> Drive:
    """1003 sits in the reserve and has not the skill that 12345 asks for first."""
    drive = Drive(*seats, **timing)
    known = drive.engine.configured
    skills = replace(known.agents["1003"], skills={"hrss": 8})
    reserve = SeatProfile("1003", "PJSIP/1003", frozenset({"reserve"}))
    drive.send(
        e.RulesChanged(replace(known, agents={**known.agents, "1003": skills}, seats={**known.seats, "1003": reserve}))
    )
    return drive


def declare(drive: Drive, for_s: float, by: str = "supervisor") -> list[c.Command]:
    return drive.send(e.SurgeDeclared(Surge(drive.wall, drive.wall + for_s, "storm", by)))


def busy(drive: Drive) -> None:
    drive.call("x")
    drive.answer("x", "1001")


def test_reserve_rings_from_the_start_while_a_surge_lasts() -> None:
    drive = drive_with_reserve("1001", "1003")
    busy(drive)
    declare(drive, 3600)
    assert presented(drive.call("a")).seat_ids == ("1003",)


def test_caller_who_waits_when_the_surge_is_declared_gets_the_reserve_at_once_and_keeps_his_place() -> None:
    drive = drive_with_reserve("1001", "1003")
    busy(drive)
    assert drive.call("a") == []
    drive.call("b")
    assert [shown.call_id for shown in declare(drive, 3600) if isinstance(shown, c.PresentCall)] == ["a"]
    assert list(drive.engine.queue) == ["b"]


def test_wrap_up_is_shorter_in_a_surge_and_never_longer() -> None:
    for usual_s, surge_s, expected_s in ((10.0, 3.0, 3.0), (2.0, 3.0, 2.0)):
        drive = Drive("1001", wrap_up_s=usual_s)
        drive.send(e.RulesChanged(replace(drive.engine.configured, surge=SurgeRules(wrap_up_s=surge_s))))
        declare(drive, 3600)
        busy(drive)
        drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
        drive.free("1001")
        drive.after(expected_s - 0.1)
        assert drive.engine.view(drive.now).seats[0].state == "wrap_up"
        drive.after(0.1)
        assert drive.engine.view(drive.now).seats[0].state == "ready"


def test_surge_expires_by_itself_and_the_rules_are_the_configured_ones_again() -> None:
    drive = drive_with_reserve("1001", "1003")
    before = drive.engine.rules
    declare(drive, 600)
    assert drive.engine.rules != before
    assert not [x for x in drive.after(599) if isinstance(x, c.TellSurge)]
    assert c.TellSurge(None, "expiry") in drive.after(1)
    assert drive.engine.rules == before
    busy(drive)
    assert drive.call("a") == []


def test_surge_is_ended_by_a_person_and_its_timer_has_no_effect() -> None:
    drive = Drive("1001")
    before = drive.engine.rules
    surge = declare(drive, 600)
    assert surge[0] == c.TellSurge(drive.engine.surge, "supervisor")
    assert drive.send(e.SurgeEnded("boss")) == [c.TellSurge(None, "boss")]
    assert drive.engine.rules == before
    assert drive.after(700) == []
    assert drive.send(e.SurgeEnded("boss")) == []


def test_another_declaration_replaces_the_first_whether_longer_or_shorter() -> None:
    for second_s in (300.0, 1200.0):
        drive = Drive("1001")
        declare(drive, 600)
        declare(drive, second_s, by="other")
        assert c.TellSurge(None, "expiry") not in drive.after(second_s - 1)
        assert drive.engine.surge is not None
        assert drive.engine.surge.by == "other"
        assert c.TellSurge(None, "expiry") in drive.after(1)


def test_surge_that_is_over_already_is_none() -> None:
    drive = Drive("1001")
    assert drive.send(e.SurgeDeclared(Surge(drive.wall - 100, drive.wall - 1, "storm", "x"))) == []
    assert drive.engine.surge is None


def test_reload_keeps_the_surge_and_takes_its_new_rules() -> None:
    drive = drive_with_reserve("1001", "1003", wrap_up_s=10)
    declare(drive, 600)
    drive.send(e.RulesChanged(replace(drive.engine.configured, surge=SurgeRules(wrap_up_s=1.0, groups=()))))
    assert drive.engine.rules.timing.wrap_up_s == 1.0
    assert drive.engine.rules.lines["12345"].rings == drive.engine.configured.lines["12345"].rings


def test_surge_is_seen() -> None:
    drive = Drive("1001")
    declare(drive, 600)
    assert drive.engine.view(drive.now).surge == drive.engine.surge


def test_talks_go_on_and_are_judged_as_ever() -> None:
    drive = drive_with_reserve("1001", "1003")
    busy(drive)
    declare(drive, 600)
    drive.send(e.SurgeEnded("boss"))
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert drive.kinds("x").count(StepKind.JUDGED) == 1
    assert rules().surge == SurgeRules()
