"""The directory in force: file and database, changes, targets, and a database that is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import structlog.testing

from console.deps import Refused
from routing.targets import Route, Target, TargetKind
from service.directory import Directory
from service.settings import Settings, load
from storage.records import Records
from tests.unit.service.cli.test_commands import run

TABLES = """
[[department]]
id = "water"
name = "市供水公司"
level = 1
numbers = ["80001", "051985680000@police"]

[[department]]
id = "zjj"
name = "市住房和城乡建设局"
numbers = ["80002"]
note = "值班室在后"
"""
CSV = "id,name,numbers\n"


@pytest.fixture
def settings(folder: Path) -> Settings:
    file = folder / "hotline.toml"
    file.write_text(file.read_text() + TABLES)
    return load(file)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Directory]:
    records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    try:
        yield await Directory.open(records, settings)
    finally:
        await records.close()


def at(settings: Settings, text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=settings.zone_info).timestamp()


async def test_a_department_is_a_target_with_dial_strings(settings: Settings) -> None:
    async with running(settings) as directory:
        target = directory.target("water", at(settings, "2026-11-22 03:00"))
        routes = (
            Route("PJSIP/80001@carrier", "80001@carrier"),
            Route("PJSIP/051985680000@police", "051985680000@police"),
        )
        assert target == Target(TargetKind.DEPARTMENT, "water", "市供水公司", routes, 30.0)


async def test_level_three_is_refused_out_of_hours_and_says_when_it_opens(settings: Settings) -> None:
    async with running(settings) as directory:
        assert isinstance(directory.target("zjj", at(settings, "2026-11-20 10:00")), Target)
        assert directory.target("zjj", at(settings, "2026-11-20 17:00")) == (
            "市住房和城乡建设局 is closed now (level 3, workday 09:00-17:00); it opens again on 2026-11-23 (mon) at 09:00."
        )


async def test_short_number_and_id_mean_a_department_while_it_works(settings: Settings) -> None:
    async with running(settings) as directory:
        await directory.take_csv(b"id,code\nwater,31\n", "chief", dry_run=False)
        assert (directory.meant("31"), directory.meant("water"), directory.meant("32")) == (["water"], ["water"], [])
        assert directory.shown("water")["code"] == "31"
        await directory.take_csv(b"id,disabled\nwater,yes\n", "chief", dry_run=False)
        assert directory.meant("31") == []


async def test_short_number_that_somebody_has_is_refused_from_file_and_csv(settings: Settings) -> None:
    settings.file.write_text(settings.file.read_text().replace('id = "zjj"', 'id = "zjj"\ncode = "31"'))
    async with running(settings) as directory:
        await directory.take_csv(b"id,code\nwater,31\n", "chief", dry_run=False)
        await directory.follow(load(settings.file))
        with pytest.raises(Refused) as refused:
            await directory.from_file(["zjj"], "chief", dry_run=True)
        assert refused.value.errors == [{"row": None, "column": "code", "why": "31 means department water too"}]
        directory.agents = lambda: {"1001"}
        with pytest.raises(Refused):
            await directory.take_csv(b"id,code\nwater,1001\n", "chief", dry_run=False)


async def test_short_number_that_means_two_is_shown_as_a_problem(settings: Settings) -> None:
    async with running(settings) as directory:
        directory.rows = {id_: replace(row, code="31") for id_, row in directory.rows.items()}
        assert {one["id"]: one["problems"] for one in directory.listed()} == {
            "water": ["31 means department zjj too"],
            "zjj": ["31 means department water too"],
        }
        assert sorted(directory.meant("31")) == ["water", "zjj"]


async def test_an_unknown_or_disabled_department_is_refused_with_a_hint(settings: Settings) -> None:
    async with running(settings) as directory:
        assert directory.target("watr", 0.0) == 'There is no department "watr" (did you mean "water"?).'
        await directory.take_csv(b"id,disabled\nwater,yes\n", "chief", dry_run=False)
        assert directory.target("water", 0.0) == 'There is no department "water".'
        assert directory.find("供水") == []
        assert [row["id"] for row in directory.listed()] == ["zjj"]
        assert [row["id"] for row in directory.listed(every=True)] == ["zjj", "water"]


async def test_the_database_rules_after_the_first_start(settings: Settings, folder: Path) -> None:
    async with running(settings) as directory:
        told: list[str] = []
        directory.on_change = lambda: told.append(directory.rows["water"].name)
        await directory.take_csv(f"{CSV}water,新名,80009\n".encode(), "chief", dry_run=False)
        assert told == ["新名"]
    async with running(settings) as directory:
        assert directory.rows["water"].numbers == ("80009",)
        assert directory.differing() == ["water"]
        with structlog.testing.capture_logs() as logs:
            await directory.follow(settings)
        (warning,) = [line for line in logs if line["event"] == "departments differ"]
        assert "hotline departments import --from-config --department water" in warning["hint"]
        await directory.from_file(["water"], "chief", dry_run=False)
        assert directory.differing() == []


async def test_an_import_is_all_or_nothing_and_a_dry_run_only_tells(settings: Settings) -> None:
    async with running(settings) as directory:
        before = dict(directory.rows)
        with pytest.raises(Refused) as refused:
            await directory.take_csv(f"{CSV}gas,燃气,80003\ntv,电视,16812345\n".encode(), "chief", dry_run=False)
        assert [(error["row"], error["column"]) for error in refused.value.errors] == [(3, "numbers")]
        data = f"{CSV}gas,燃气,80003\nwater,改名,80001\n".encode()
        told = await directory.take_csv(data, "chief", dry_run=True)
        assert told == {"added": ["gas"], "changed": ["water"], "unchanged": 0, "dry_run": True}
        assert directory.rows == before
        assert await directory.take_csv(data, "chief", dry_run=False) == told | {"dry_run": False}
        assert (await directory.take_csv(data, "chief", dry_run=False))["unchanged"] == 2
        with pytest.raises(Refused):
            await directory.from_file(["nobody"], "chief", dry_run=False)


async def test_numbers_that_the_configuration_forbids_meanwhile_are_not_dialled(
    settings: Settings, folder: Path
) -> None:
    file = folder / "hotline.toml"
    async with running(settings) as directory:
        file.write_text(file.read_text().split("\n[[department]]")[0] + '\n[dialing]\nforbidden = ["800"]\n')
        await directory.follow(load(file))
        target = directory.target("water", at(settings, "2026-11-22 03:00"))
        assert isinstance(target, Target)
        assert [route.name for route in target.routes] == ["051985680000@police"]
        assert "no number that can be dialled" in str(directory.target("zjj", at(settings, "2026-11-20 10:00")))
        (problem,) = directory.shown("zjj")["problems"]
        assert problem.startswith("80002 is not permitted: numbers that begin with 800")


async def test_without_a_database_the_copy_serves_and_nothing_is_changed(settings: Settings) -> None:
    async with running(settings) as directory:
        await directory.take_csv(f"{CSV}gas,燃气,80003\n".encode(), "chief", dry_run=False)
        kept = dict(directory.rows)
    directory = Directory(_Away(), settings)  # type: ignore[arg-type]
    await directory.follow(settings)
    assert not directory.current
    assert directory.rows == kept
    assert directory.differing() == []
    with pytest.raises(Refused) as refused:
        await directory.take_csv(f"{CSV}gas,新,80003\n".encode(), "chief", dry_run=False)
    assert refused.value.status == 503


async def test_another_configuration_counts_also_while_the_database_is_away(settings: Settings, folder: Path) -> None:
    directory = Directory(_Away(), settings)  # type: ignore[arg-type]
    await directory.follow(settings)
    now = at(settings, "2026-11-22 03:00")
    assert len(directory.find("供水")[0].routes) == 2
    file = folder / "hotline.toml"
    file.write_text(file.read_text().split("\n[[department]]")[0] + '\n[dialing]\nforbidden = ["800"]\n')
    await directory.follow(load(file))
    target = directory.target("water", now)
    assert isinstance(target, Target)
    assert [route.name for route in target.routes] == ["051985680000@police"]


class _Away:
    """Records whose database does not answer."""

    reachable = False


async def test_a_list_tells_who_is_open_until_when(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.clock.wall", lambda: at(settings, "2026-11-21 10:00"))
    async with running(settings) as directory:
        housing, water = directory.listed()
        assert (water["id"], water["open"], water["until"], water["hours"]) == (
            "water",
            True,
            None,
            "daily 00:00-24:00",
        )
        assert (housing["open"], housing["until"]) == (False, at(settings, "2026-11-23 09:00"))
        assert (housing["hours"], housing["own_hours"], housing["note"]) == ("workday 09:00-17:00", False, "值班室在后")
        assert [row["id"] for row in directory.listed("供水")] == ["water"]
        with pytest.raises(Refused) as refused:
            directory.shown("watr")
        assert 'did you mean "water"' in refused.value.detail


async def test_check_tells_what_differs_and_which_numbers_are_not_dialled(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(settings) as directory:
        await directory.take_csv(f"{CSV}water,新名,80001\n".encode(), "chief", dry_run=False)
    file = folder / "hotline.toml"
    file.write_text(file.read_text().replace('numbers = ["80002"]', 'numbers = ["85680000"]'))
    file.write_text(file.read_text() + '\n[dialing]\nforbidden = ["80002"]\n')
    code, out, _ = await asyncio.to_thread(run, capsys, "check", "--config", str(file))
    assert code == 0
    assert "warning: department water, zjj: file and database differ" in out
    assert "hotline departments import --from-config --department water --department zjj" in out
    assert "zjj in the database: 80002 is not permitted" in out
