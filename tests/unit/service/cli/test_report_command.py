"""`hotline report` and `hotline audit`: a day of real records, without a service."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer

from metrics.erlang import seats_needed
from routing.commands import WriteSignIn
from routing.steps import Step, StepKind
from service import clock
from service.cli import report
from service.reports.page import page
from service.reports.words import Language
from service.settings import load
from service.starter import write_starter
from storage.records import Records
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, consulted_call
from tests.unit.service.cli.test_commands import run

DAY = "2023-11-15"  # of the stories, in Shanghai: they begin at 06:13
MINUTE = 60_000
NOW = FIRST_MS / 1000 + 12 * 3600


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hotline whose service does not run, with a day of calls: of 10 answered 8 in time, 4 given up."""
    write_starter(tmp_path, seats=2, http_port=1)
    monkeypatch.setattr(clock, "wall", lambda: NOW)
    calls = [answered_call(n * MINUTE, wait_s=15.0 if n < 8 else 15.001, line="12345") for n in range(10)]
    calls += [
        abandoned_call(n * MINUTE + 1, wait_s=wait, line="12333") for n, wait in enumerate((1.0, 4.999, 15.0, 40.0))
    ]
    asyncio.run(kept(tmp_path, calls))
    return tmp_path / "hotline.toml"


async def kept(folder: Path, calls: Iterable[Iterable[Step]]) -> None:
    records = await Records.open(load(folder / "hotline.toml", check_secrets=False).database_url(), folder / "var")
    at = FIRST_MS / 1000
    for after, state in ((0, "ready"), (600, "talking"), (900, "wrap_up"), (1200, "signed_out")):
        records.write(WriteSignIn("1001", "1001", state, "", at + after))
    for story in calls:
        records.write(*story)
    assert await records.flush(30)
    await records.close()


def reported(capsys: pytest.CaptureFixture[str], config: Path, *words: str) -> tuple[int, Any, str]:
    code, out, err = run(capsys, "report", *words, "--config", str(config), "--json")
    return code, json.loads(out) if out else None, err


def test_a_day_by_every_formula(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, found, _ = reported(capsys, config, "day", DAY)
    total = found["total"]
    assert code == 1, "95 % were wanted"
    assert (found["calls"], total["offered"], total["answered"], total["in_time"]) == (14, 14, 10, 8)
    assert (total["abandoned"], total["abandoned_in_time"], total["short_abandoned"]) == (4, 3, 2)
    expected = {
        "V2-all": 8 / 14, "V1": 8 / 10, "V2": 8 / 14, "V3": 8 / 14, "V4": 8 / 11, "V5": 8 / 12, "V6": 11 / 14,
        "connect": 10 / 14, "connect-24h": 10 / 14,
    }  # fmt: skip
    assert total["ratios"] == pytest.approx(expected)
    assert (total["mean_s"], total["p50_s"], total["p95_s"], total["max_s"]) == (15.0, 15.0, 15.001, 15.001)
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["data"])


def test_numbers_and_intervals_add_up_to_the_whole(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    _, found, _ = reported(capsys, config, "day", DAY)
    for parts in (found["numbers"], found["intervals"]):
        for key in ("offered", "answered", "in_time", "abandoned", "short_abandoned", "waiting"):
            assert sum(part[key] for part in parts) == found["total"][key], key
    assert [part["from"] for part in found["intervals"]] == ["2023-11-15T06:00:00+08:00", "2023-11-15T06:15:00+08:00"]


def test_who_was_there(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    _, found, _ = reported(capsys, config, "day", DAY)
    assert found["people"]["agents"] == 1
    assert found["people"]["occupancy"] == pytest.approx(600 / 1200)
    assert found["people"]["handle_s"] == pytest.approx(600)
    assert sum(step["seats"] for step in found["there"]) == pytest.approx(1200 / 900, abs=0.02)
    (agent,) = json.loads(run(capsys, "report", "agents", "--from", DAY, "--config", str(config), "--json")[1])
    assert (agent["agent"], agent["talks"], agent["answered"], agent["missed"]) == ("1001", 1, 0, 0)


def test_who_was_there_is_told_of_a_year_as_of_a_day(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """By the hour then."""
    _, day, _ = reported(capsys, config, "day", DAY)
    _, year, _ = reported(capsys, config, "interval", "--from", "2022-11-16", "--to", DAY)
    assert year["people"] == day["people"]
    assert len(year["there"]) == 365 * 24
    hours = {step["from"]: step["seats"] for step in year["there"] if step["seats"]}
    assert hours == {f"{DAY}T06:00:00+08:00": pytest.approx(1200 / 3600, abs=0.01)}


def test_a_page_of_a_year_has_its_people(capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path) -> None:
    file = tmp_path / "year.html"
    words = ("interval", "--from", "2022-11-16", "--to", DAY, "--table", "days", "--html", str(file))
    assert run(capsys, "report", *words, "--config", str(config))[0] == 1
    assert "occupancy" in file.read_text().lower()


def test_seats_needed_stand_beside_those_that_were_there(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    _, found, _ = reported(capsys, config, "day", DAY)
    needed = {step["from"][11:16]: step["needed"] for step in found["there"]}
    usual = load(config, check_secrets=False).staffing
    calls = {step["from"][11:16]: step["offered"] for step in found["intervals"]}
    assert needed["06:00"] == seats_needed(calls["06:00"] / 900, usual.handle_s, usual.patience_s, 15.0, 0.95)
    assert (needed["06:15"] >= needed["06:00"] > 0, needed["12:00"]) == (True, 0)
    _, found, _ = reported(capsys, config, "month", "2023-11")
    assert {step["needed"] for step in found["there"]} == {None}


def test_another_target_and_one_line(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, found, _ = reported(capsys, config, "day", DAY, "--within", "15.001", "--line", "12345")
    assert (code, found["total"]["in_time"], found["calls"]) == (0, 10, 10)
    assert [one["number"] for one in found["numbers"]] == ["12345"]


def test_tables_are_csv_and_chinese(capsysbinary: pytest.CaptureFixture[bytes], config: Path) -> None:
    words = ["report", "day", DAY, "--config", str(config), "--csv", "--lang", "zh"]
    out = run(capsysbinary, *words)[1]  # type: ignore[arg-type]
    rows = list(csv.DictReader(io.StringIO(out.decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert rows[-1]["号码"] == "合计"
    assert (rows[-1]["呼入"], rows[-1]["15秒接通率"], rows[-1]["接通率"]) == ("14", "57.14 %", "71.42 %")


@pytest.mark.parametrize("table", ["numbers", "zones", "intervals", "days", "bands", "formulas"])
def test_every_table_is_printed(capsys: pytest.CaptureFixture[str], config: Path, table: str) -> None:
    words = ["report", "interval", "--from", "2023-11-14", "--to", DAY, "--table", table, "--config", str(config)]
    code, out, err = run(capsys, *words)
    assert (code, "14 calls" in err) == (1, True)
    assert out.count("\n") > 3 or table == "zones"


def test_a_page_needs_nothing_else(capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path) -> None:
    for language, title in (("en", "Figures of 2023-11-15"), ("zh", "2023-11-15 运行报表")):
        file = tmp_path / f"{language}.html"
        assert reported(capsys, config, "day", DAY, "--html", str(file), "--lang", language)[0] == 1
        page = file.read_text()
        assert f"<title>{title}</title>" in page
        assert "57.14 %" in page
        assert page.count("<img ") == 3
        assert not re.search(r"https?://(?!www\.w3\.org)", page)
        assert "<script" not in page


def test_what_people_wrote_is_text_on_the_page(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    _, found, _ = reported(capsys, config, "day", DAY)
    found["numbers"][0]["name"] = found["title"] = "<img src=x onerror=1>"
    made = page(found, load(config, check_secrets=False).rules(), Language.EN)
    assert "<img src=x" not in made
    assert made.count("&lt;img src=x onerror=1&gt;") == 3


def test_a_period_without_calls_has_no_ratio_and_is_no_failure(
    capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    code, found, _ = reported(capsys, config, "day", "2023-11-14")
    assert (code, found["calls"], found["total"]["ratios"]["V2-all"], found["total"]["p95_s"]) == (0, 0, None, None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("day", "2023-11-17"), "has not begun: reports go up to today, 2023-11-15"),
        (("interval", "--from", "2023-11-15", "--to", "2023-11-14"), "is not after 2023-11-15"),
        (("day", DAY, "--line", "99999"), "no line 99999: there are 12312, 12329, 12333"),
        (("day", DAY, "--html", "/nonexistent/r.html"), "cannot be written"),
        (("agents", "--from", "yesterday"), "is no day: write it like 2026-11-20"),
    ],
)
def test_what_cannot_be_reported_is_told_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str], config: Path, words: tuple[str, ...], told: str
) -> None:
    code, out, err = run(capsys, "report", *words, "--config", str(config))
    assert (code, out) == (2, "")
    assert told in err


FUTURE: dict[str, tuple[str, ...]] = {
    "report day": ("2023-11-16",),
    "report week": ("2023-W47",),
    "report month": ("2023-12",),
    "report interval": ("--from", "2023-11-16", "--to", "2023-11-20"),
    "report agents": ("--from", "2023-11-16",),
    "report lost": ("--from", "2023-11-16",),
    "report departments": ("--from", "2023-11-16",),
    "report emergency": ("--month", "2023-12"),
    "report shadow": ("rules.toml", "--day", "2023-11-16"),
    "audit": ("2023-11-16",),
}  # fmt: skip
REVERSED = ("report interval", "report agents", "report lost", "report departments")
NO_SUCH_DAY: dict[str, tuple[str, ...]] = {
    "report day": ("2023-02-30",),
    "report week": ("2023-W60",),
    "report month": ("2023-13",),
    "report interval": ("--from", "today", "--to", "tomorrow"),
    "report agents": ("--from", "15.11.2023"),
    "report lost": ("--to", "2023-11-31"),
    "report departments": ("--to", "20231199"),
    "report emergency": ("--month", "2023-13"),
    "report shadow": ("rules.toml", "--day", "yesterday"),
    "audit": ("-",),
}
WITH_LINES = {"report day": (DAY,), "report week": (DAY,), "report month": ("2023-11",),
              "report interval": ("--from", DAY, "--to", DAY)}  # fmt: skip
UNKNOWN_LINES = ("99999", " ", "12345'; --", "总机", "1" * 300)


def refused(capsys: pytest.CaptureFixture[str], config: Path, command: str, *words: str) -> str:
    """The one sentence; nothing else was said."""
    config.with_name("rules.toml").write_text(config.read_text())
    words = tuple(str(config.with_name(word)) if word == "rules.toml" else word for word in words)
    code, out, err = run(capsys, *command.split(), *words, "--config", str(config))
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("command", FUTURE)
def test_what_has_not_begun_is_2_and_says_up_to_when(
    capsys: pytest.CaptureFixture[str], config: Path, command: str
) -> None:
    told = refused(capsys, config, command, *FUTURE[command])
    assert "has not begun: reports go up to today, 2023-11-15" in told


@pytest.mark.parametrize("command", REVERSED)
def test_a_reversed_range_is_2_and_says_how_to_write_it(
    capsys: pytest.CaptureFixture[str], config: Path, command: str
) -> None:
    told = refused(capsys, config, command, "--from", DAY, "--to", "2023-11-14")
    assert re.search(f"2023-11-14 is (not after|before) {DAY}: write the earlier (one|day) with --from", told)


@pytest.mark.parametrize("command", NO_SUCH_DAY)
def test_what_is_no_day_is_2_and_says_how_to_write_one(
    capsys: pytest.CaptureFixture[str], config: Path, command: str
) -> None:
    assert "write it like 20" in refused(capsys, config, command, *NO_SUCH_DAY[command])


@pytest.mark.parametrize("command", WITH_LINES)
@pytest.mark.parametrize("line", UNKNOWN_LINES)
def test_an_unknown_line_is_2_and_the_known_ones_are_named(
    capsys: pytest.CaptureFixture[str], config: Path, command: str, line: str
) -> None:
    told = refused(capsys, config, command, *WITH_LINES[command], "--line", line)
    assert f"no line {line[:20]}" in told
    assert "there are 12312, 12329, 12333" in told
    assert len(told) < 150


def test_every_report_is_among_those_whose_bad_input_is_tried() -> None:
    commands = typer.main.get_group(report.app).commands
    every = {f"report {name}" for name in commands} | {"audit"}
    assert every == set(FUTURE) == set(NO_SUCH_DAY)


def test_without_a_database_it_says_what_to_start_and_makes_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_starter(tmp_path / "new", seats=2)
    code, _, err = run(capsys, "report", "day", "--config", str(tmp_path / "new/hotline.toml"))
    assert (code, "start the service once with `hotline serve`" in err) == (2, True)
    assert not list(tmp_path.rglob("new/**/*.db"))


# -- audit -------------------------------------------------------------------------------------------------------------


def tamper(config: Path, statement: str) -> None:
    with closing(sqlite3.connect(config.parent / "var/hotline.db")) as database, database:
        assert database.execute(statement).rowcount == 1


def test_report_and_audit_agree_to_the_last_call(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    _, report, _ = reported(capsys, config, "day", DAY)
    code, out, _ = run(capsys, "audit", DAY, "--config", str(config), "--json")
    found = json.loads(out)
    assert (code, found["agrees"], found["calls"], found["differences"]) == (0, True, 14, [])
    assert found["recounted"]["data"] == found["recorded"]["data"] == report["data"]
    assert found["recounted"]["total"]["ratios"]["V2-all"] == report["total"]["ratios"]["V2-all"]
    assert run(capsys, "audit", DAY, "--expect", report["data"][:23], "--config", str(config))[0] == 0


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("UPDATE calls SET wait_ms = 14999 WHERE wait_ms = 15001 AND judged = 'late' LIMIT 1", "wait_ms"),
        ("UPDATE calls SET judged = 'test' WHERE wait_ms = 40000", "judged"),
        ("DELETE FROM calls WHERE wait_ms = 40000", ""),
        ("DELETE FROM call_steps WHERE kind = 'judged' AND json_extract(data, '$.wait_s') = 40.0", "judged"),
    ],
)
def test_whatever_was_changed_behind_our_back_is_found(
    capsys: pytest.CaptureFixture[str], config: Path, statement: str, field: str
) -> None:
    before = json.loads(run(capsys, "audit", DAY, "--config", str(config), "--json")[1])["recorded"]["data"]
    tamper(
        config, statement.replace(" LIMIT 1", " AND call_id = (SELECT max(call_id) FROM calls WHERE wait_ms = 15001)")
    )
    code, out, err = run(capsys, "audit", DAY, "--config", str(config), "--json")
    found = json.loads(out)
    assert (code, found["agrees"], found["differing"]) == (1, False, 1)
    assert field in [one["field"] for one in found["differences"]]
    assert run(capsys, "audit", DAY, "--config", str(config))[0] == 1
    if not statement.startswith("DELETE FROM call_steps"):
        _, _, err = run(capsys, "audit", DAY, "--expect", before, "--config", str(config))
        assert "not those of the report" in err


def test_all_steps_of_a_call_gone_are_found(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    gone = abandoned_call(3 * MINUTE + 1)[0].call_id
    with closing(sqlite3.connect(config.parent / "var/hotline.db")) as database, database:
        database.execute("DELETE FROM call_steps WHERE call_id = ?", (gone,))
    code, _, err = run(capsys, "audit", DAY, "--config", str(config))
    assert (code, f"{gone}: the call is there in the records, missing by the steps" in err) == (1, True)


def test_a_call_whose_id_is_of_another_day_is_audited_on_the_day_of_its_arrival(
    capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    first, *rest = abandoned_call(-30 * 86_400_000)  # its stamp: the clock was wrong
    arrived = {**first.data, "arrived_at": FIRST_MS / 1000 + 5}
    asyncio.run(kept(config.parent, [[Step(first.call_id, first.seq, first.at, first.kind, arrived), *rest]]))
    code, out, _ = run(capsys, "audit", DAY, "--config", str(config), "--json")
    assert (code, json.loads(out)["calls"], json.loads(out)["agrees"]) == (0, 15, True)


def test_a_sum_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, _, err = run(capsys, "audit", DAY, "--expect", "sha256:", "--config", str(config))
    assert (code, "write at least 12 digits" in err) == (2, True)


# -- lost calls --------------------------------------------------------------------------------------------------------


def test_lost_calls_are_open_until_their_callers_were_served(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, out, _ = run(capsys, "report", "lost", "--from", DAY, "--config", str(config), "--json")
    found = json.loads(out)
    assert (code, found["lost"], found["called_again"], found["not_served"], found["withheld"]) == (1, 4, 0, 4, 0)
    asyncio.run(served_again(config.parent))
    code, out, _ = run(capsys, "report", "lost", "--from", DAY, "--config", str(config), "--json")
    found = json.loads(out)
    assert (code, found["called_again"], found["not_served"]) == (1, 1, 3)
    shown = run(capsys, "report", "lost", "--from", DAY, "--open", "--config", str(config))[1]
    assert "called again" not in shown


async def served_again(folder: Path) -> None:
    """The first who gave up calls again, and is answered."""
    ref = abandoned_call(1)[0].data["caller_ref"]
    first, *rest = answered_call(60 * MINUTE)
    assert first.kind is StepKind.OFFERED
    await kept(
        folder, [[Step(first.call_id, first.seq, first.at, first.kind, {**first.data, "caller_ref": ref}), *rest]]
    )


# -- third parties -----------------------------------------------------------------------------------------------------


def test_how_departments_answered_is_known_without_a_service(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    asyncio.run(kept(config.parent, [consulted_call(90 * MINUTE)]))
    words = ["report", "departments", "--from", DAY, "--to", DAY, "--config", str(config), "--json"]
    code, out, _ = run(capsys, *words)
    (one,) = json.loads(out)["departments"]
    assert (code, one["id"], one["asked"], one["reached"], one["busy"]) == (0, "zjj", 1, 1, 1)
    code, _, err = run(capsys, "report", "departments", "--from", DAY, "--to", "2023-11-01", "--config", str(config))
    assert (code, "write the earlier day with --from" in err) == (2, True)


def test_emergencies_are_known_without_a_service(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, out, _ = run(capsys, "report", "emergency", "--month", "2023-11", "--config", str(config), "--json")
    assert (code, json.loads(out)["month"], json.loads(out)["acts"]) == (0, "2023-11", [])
    code, _, err = run(capsys, "report", "emergency", "--month", "11", "--config", str(config))
    assert (code, "is no month: write it like 2026-11" in err) == (2, True)
