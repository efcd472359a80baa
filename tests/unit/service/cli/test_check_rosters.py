"""What `hotline check` says of rosters: hours that nobody covers, and a calendar that ends."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service import clock
from service.cli import check
from service.starter import write_starter
from tests.unit.service.cli.test_commands import run

DAY = '[[roster]]\nlines = ["12345"]\ndays = "workday"\nfrom = "08:00"\nto = "18:00"\n'
REST = '[[roster]]\nlines = ["12345"]\ngroup = "duty"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_starter(tmp_path, seats=2)
    return tmp_path / "hotline.toml"


def today_is(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    moment = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    monkeypatch.setattr(clock, "wall", moment.timestamp)


def test_hours_that_nobody_covers_are_an_error(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    config.write_text(config.read_text() + "\n" + DAY)
    code, out, _ = run(capsys, "check", "--config", str(config))
    assert code == 2
    assert (
        "roster leaves 12345 to nobody: 00:00-08:00 on workdays, moved workdays; 00:00-24:00 on weekends, holidays; "
        in out
    )
    assert 'group = "duty" stands for the duty seats' in out


def test_a_calendar_that_ends_within_60_days_is_a_warning_with_what_to_type(
    capsys: pytest.CaptureFixture[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "official_days", lambda years: [day for day in decreed() if day.date.year in years])
    today_is(monkeypatch, "2026-11-02 00:00")
    config.write_text(config.read_text() + "\n" + DAY + REST)
    code, out, _ = run(capsys, "check", "--config", str(config))
    assert code == 0
    assert "ends on 2026-12-31, in 59 days" in out
    assert "hotline workdays import" in out
    today_is(monkeypatch, "2026-11-01 23:59")
    assert "ends on" not in run(capsys, "check", "--config", str(config))[1]
    config.write_text(config.read_text().replace('days = "workday"\n', ""))
    today_is(monkeypatch, "2026-12-30 00:00")
    assert "ends on" not in run(capsys, "check", "--config", str(config))[1]


def decreed() -> list:  # type: ignore[type-arg]
    """A calendar of 2026 as it was known in that year's November."""
    from service.official_days import official_days

    return official_days([2026])


def test_without_the_package_a_check_says_what_to_install(
    capsys: pytest.CaptureFixture[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)  # type: ignore[arg-type]
    config.write_text(config.read_text() + "\n" + DAY + REST)
    code, out, _ = run(capsys, "check", "--config", str(config))
    assert (code, "pip install holidays" in out) == (0, True)
