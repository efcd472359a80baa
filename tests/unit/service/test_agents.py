"""Which agents are in force: file and database, changes, restarts, and a database that is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog.testing

from console.deps import Refused
from routing.model import SignIn
from service.agents import Agents
from service.settings import Settings, load
from storage.errors import StorageUnavailable
from storage.records import Records

CSV = "id,name,skills,sign_in\n"


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Agents]:
    """From start to stop of a service, as far as agents go."""
    records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    try:
        yield await Agents.open(records, settings)
    finally:
        await records.close()


async def test_the_first_start_takes_the_agents_of_the_file(settings: Settings) -> None:
    async with running(settings) as agents:
        assert agents.rules(settings.rules()) == settings.rules()
        assert agents.current


async def test_a_change_is_in_force_at_once_and_after_a_restart(settings: Settings) -> None:
    async with running(settings) as agents:
        told: list[object] = []
        agents.on_change = lambda: told.append(agents.rules(settings.rules()).agents["1001"].skills)
        row = await agents.change("1001", {"skills": {"hrss": 0, "tax": 4}, "name": "改"}, "chief", None)
        assert told == [{"general": 5, "tax": 4}]
        assert row.revision == 2
    async with running(settings) as agents:
        profile = agents.rules(settings.rules()).agents["1001"]
        assert (profile.name, profile.skills) == ("改", {"general": 5, "tax": 4})
        assert agents.differing() == ["1001"]


async def test_file_and_database_that_differ_are_said_with_the_command_to_type(settings: Settings) -> None:
    async with running(settings) as agents:
        await agents.change("1001", {"zone": "tax"}, "chief", None)
        with structlog.testing.capture_logs() as logs:
            await agents.follow(settings)
        (warning,) = [line for line in logs if line["event"] == "agents differ"]
        assert "hotline agents import --from-config --agent 1001" in warning["hint"]
        assert await agents.from_file(["1001"], "chief", dry_run=False) == {
            "added": [], "changed": ["1001"], "unchanged": 0, "dry_run": False,
        }  # fmt: skip
        assert agents.differing() == []


async def test_a_new_agent_of_the_file_comes_with_a_reload(settings: Settings, folder: Path) -> None:
    async with running(settings) as agents:
        await agents.change("1001", {"zone": "tax"}, "chief", None)
        text = (folder / "hotline.toml").read_text()
        (folder / "hotline.toml").write_text(text + '\n[[agent]]\nid = "7001"\nsign_in = "agent"\n')
        await agents.follow(load(folder / "hotline.toml"))
        assert agents.rows["7001"].sign_in == "agent"
        assert agents.rows["1001"].zone == "tax"


async def test_a_disabled_agent_is_not_in_the_rules_and_comes_back(settings: Settings) -> None:
    async with running(settings) as agents:
        await agents.change("1001", {"disabled": True}, "chief", None)
        assert "1001" not in agents.rules(settings.rules()).agents
        await agents.change("1001", {"disabled": False}, "chief", None)
        assert "1001" in agents.rules(settings.rules()).agents


async def test_with_one_mistake_in_the_file_nothing_is_imported(settings: Settings) -> None:
    async with running(settings) as agents:
        with pytest.raises(Refused) as refused:
            await agents.take_csv(f"{CSV}7001,新,general=1,agent\n7002,错,nope=1,phone\n".encode(), "a", dry_run=False)
        assert refused.value.status == 422
        assert [(error["row"], error["column"]) for error in refused.value.errors] == [(3, "skills"), (3, "sign_in")]
        assert "7001" not in agents.rows


async def test_a_dry_run_tells_all_and_changes_nothing(settings: Settings) -> None:
    async with running(settings) as agents:
        before = dict(agents.rows)
        data = f"{CSV}7001,新,general=1,agent\n1001,改名,general=1,phone\n".encode()
        told = await agents.take_csv(data, "a", dry_run=True)
        assert told == {"added": ["7001"], "changed": ["1001"], "unchanged": 0, "dry_run": True}
        assert agents.rows == before
        assert (await agents.take_csv(data, "a", dry_run=False)) == told | {"dry_run": False}
        assert (await agents.take_csv(data, "a", dry_run=False))["unchanged"] == 2


async def test_every_change_leaves_a_line_who_and_what(settings: Settings) -> None:
    async with running(settings) as agents:
        with structlog.testing.capture_logs() as logs:
            await agents.add({"id": "7001", "sign_in": "agent", "skills": {"tax": 2}}, "chief")
            await agents.change("7001", {"skills": {"tax": 3}}, "chief", None)
        lines = [line for line in logs if line["event"] == "audit"]
        assert [(line["what"], line["agent"], line["by"]) for line in lines] == [
            ("agent added", "7001", "chief"),
            ("agent changed", "7001", "chief"),
        ]
        assert lines[1]["changes"] == {"skills": [{"tax": 2}, {"tax": 3}]}


@pytest.mark.parametrize(
    ("values", "status", "column"),
    [
        ({"id": "1001"}, 409, None),
        ({"id": "7 1", "sign_in": "agent"}, 422, "id"),
        ({"id": "7001"}, 422, "sign_in"),
        ({"id": "7001", "sign_in": "agent", "skills": {"nope": 1}}, 422, "skills"),
    ],
)
async def test_who_cannot_be_added_is_refused_with_the_reason(
    settings: Settings, values: dict[str, object], status: int, column: str | None
) -> None:
    async with running(settings) as agents:
        with pytest.raises(Refused) as refused:
            await agents.add(values, "chief")
        assert refused.value.status == status
        assert [error["column"] for error in refused.value.errors] == ([column] if column else [])


async def test_a_change_of_what_somebody_else_changed_is_refused(settings: Settings) -> None:
    async with running(settings) as agents:
        await agents.change("1001", {"zone": "tax"}, "one", 1)
        with pytest.raises(Refused) as refused:
            await agents.change("1001", {"zone": "fund"}, "two", 1)
        assert refused.value.status == 409
        assert agents.rows["1001"].zone == "tax"


async def test_without_database_a_first_start_takes_the_file_and_changes_nobody(settings: Settings) -> None:
    with structlog.testing.capture_logs() as logs:
        agents = await Agents.open(await away(settings), settings)
    assert agents.rules(settings.rules()) == settings.rules()
    assert not agents.current
    assert [line["state"] for line in logs if line["log_level"] == "error"] == ["from the file"]
    with pytest.raises(Refused) as refused:
        await agents.change("1001", {"zone": "tax"}, "chief", None)
    assert refused.value.status == 503
    await agents._records.close()


async def test_without_database_a_later_start_takes_the_agents_as_they_were(settings: Settings) -> None:
    async with running(settings) as agents:
        await agents.add({"id": "7001", "sign_in": "agent"}, "chief")
    agents = await Agents.open(await away(settings), settings)
    assert agents.rules(settings.rules()).agents["7001"].sign_in is SignIn.AGENT
    await agents._records.close()


async def test_a_database_that_fails_in_a_change_leaves_everything_as_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings) as agents:

        async def fail(rows: object) -> None:
            raise StorageUnavailable("the database does not take records")

        monkeypatch.setattr(agents._records, "write_agents", fail)
        with pytest.raises(Refused) as refused:
            await agents.change("1001", {"zone": "tax"}, "chief", None)
        assert refused.value.status == 503
        assert agents.rows["1001"].zone != "tax"


async def test_a_database_that_comes_back_rules_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings) as agents:
        await agents.add({"id": "7001", "sign_in": "agent"}, "chief")
    monkeypatch.setattr("service.seeded.AGAIN_S", 0.01)
    (settings.data_dir / "agents.json").unlink()
    records = await away(settings)
    agents = await Agents.open(records, settings)
    assert "7001" not in agents.rows
    again = asyncio.Event()
    agents.on_change = again.set
    keeper = asyncio.create_task(agents.keep())
    records.there = True
    async with asyncio.timeout(20):
        await again.wait()
    keeper.cancel()
    assert "7001" in agents.rows
    await records.close()


class Away(Records):
    """A database that answers only once it is `there`."""

    there = False

    @property
    def reachable(self) -> bool:
        return self.there


async def away(settings: Settings) -> Away:
    records = await Away.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    assert isinstance(records, Away)
    return records
