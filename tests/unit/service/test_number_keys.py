"""Number keys beside a running service: taken at once, never lost while needed, gone when nothing needs them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from service.number_keys import missing
from service.numbers import Numbers
from service.settings import SecretError, Settings, load
from service.settings_secrets import NUMBER_KEY_VARIABLE, write_number_keys
from storage.audit import Act, AuditRow
from storage.keys import KeySet, key_id
from tests.unit.service.privacy_world import NUMBER, WHOLE, World, away, refused, running

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


def renew(settings: Settings, key: bytes = NEW) -> KeySet:
    keys = settings.number_keys().renewed(key)
    write_number_keys(settings.number_key_file, keys)
    return keys


async def resealed(world: World) -> int:
    done, after = 0, ""
    while True:
        found = await world.keys.reseal(after, "cli", "engineer")
        done, after = done + found["resealed"], found["after"] or ""
        if not after:
            return done


async def test_a_new_key_seals_at_once_and_old_numbers_stay_readable(settings: Settings) -> None:
    async with running(settings) as world:
        numbers = Numbers(world.ring, "")
        ref, before = numbers.sealed(NUMBER)
        renew(settings)
        standing = await world.keys.take("cli", "engineer")
        assert standing["newest"] == key_id(NEW)
        assert standing["keys"] == [key_id(NEW), key_id(OLD)]
        again, after = numbers.sealed(NUMBER)
        assert again == ref
        assert before is not None
        assert after is not None
        assert key_id(NEW) in after
        assert [world.vault.open_sealed(sealed) for sealed in (before, after)] == [WHOLE, WHOLE]
        told = [(row.act, row.actor, row.subject_id) for row in await world.audit()]
        assert told == [("key_renewed", "cli", key_id(NEW))]
    async with running(settings) as world:
        assert world.ring.newest == key_id(NEW)


async def test_an_old_key_goes_only_when_nothing_needs_it(settings: Settings) -> None:
    async with running(settings) as world:
        await world.call(1)
        entry = {"number": NUMBER, "kind": "reject", "reason": "abuse", "evidence": "x", "until": time.time() + 86_400}
        await world.restrictions.add(entry, "chief")
        keys = renew(settings)
        standing = await world.keys.take("cli", "engineer")
        assert (standing["may_go"], standing["old"]) == (False, 2)
        assert "may not be deleted" in standing["why"]
        write_number_keys(settings.number_key_file, keys.newest_alone())
        for refusal in ((await refused(world.keys.take("cli", "engineer"))).detail, await world.keys.follow()):
            assert refusal is not None
            assert "2 texts were sealed under it" in refusal
        assert list(world.ring.ids) == list(keys.ids), "the keys in force are as they were"
        write_number_keys(settings.number_key_file, keys)
        assert await resealed(world) == 2
        standing = await world.keys.standing()
        assert (standing["may_go"], standing["old"]) == (True, 0)
        assert "may be deleted" in standing["why"]
        write_number_keys(settings.number_key_file, keys.newest_alone())
        assert (await world.keys.take("cli", "engineer"))["keys"] == [key_id(NEW)]
        (shown,) = await world.restrictions.listed(every=True)
        assert shown["number"] == "138****1000", "also what is kept in memory is under the new key"
        acts = [row.act for row in await world.audit()]
        assert acts == ["key_renewed", "resealed", "key_retired"]
    async with running(settings) as world:
        (shown,) = await world.restrictions.listed(every=True)
        assert shown["number"] == "138****1000"
        assert (await world.keys.standing())["may_go"] is False, "there is one key"


async def test_records_that_are_not_in_the_database_yet_hold_the_old_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings) as world:
        keys = renew(settings)
        await world.keys.take("cli", "engineer")
        assert (await world.keys.standing())["may_go"] is True
        monkeypatch.setattr(type(world.records), "spooled", 3)
        standing = await world.keys.standing()
        assert (standing["may_go"], standing["waiting"]) == (False, 3)
        write_number_keys(settings.number_key_file, keys.newest_alone())
        assert "3 records" in (await refused(world.keys.take("cli", "engineer"))).detail
        monkeypatch.undo()


async def test_a_file_that_would_lose_the_callers_or_the_numbers_is_refused(settings: Settings) -> None:
    async with running(settings) as world:
        await world.call(1)
        file, old = settings.number_key_file, settings.number_keys()
        write_number_keys(file, KeySet.of(NEW))
        assert "no caller would be recognised" in (await refused(world.keys.take("cli", "engineer"))).detail
        write_number_keys(file, KeySet.of(NEW, refs=old.refs))
        assert "still needed" in (await refused(world.keys.take("cli", "engineer"))).detail
        file.chmod(0o644)
        assert "chmod 600" in (await refused(world.keys.take("cli", "engineer"))).detail
        file.unlink()
        assert "does not exist" in (await refused(world.keys.take("cli", "engineer"))).detail
        assert world.ring.keys == old
        assert await world.audit() == []


async def test_without_a_database_the_keys_in_force_stay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings) as world:
        renew(settings)
        away(monkeypatch, world.records, "append_audit")
        assert (await refused(world.keys.take("cli", "engineer"))).status == 503
        assert world.ring.newest == key_id(OLD)


async def test_a_key_that_a_start_found_is_told_once(settings: Settings) -> None:
    for _ in range(2):
        async with running(settings) as world:
            assert await world.keys._told_of_newest()
            rows = await world.audit()
    assert [(row.act, row.actor, row.subject_id) for row in rows] == [("key_renewed", "service", key_id(OLD))]


@pytest.mark.parametrize("after", ["9:", "0:x:1", "0:n:a", "x", "0:t", "²:"])
async def test_a_place_that_no_answer_named_is_refused(settings: Settings, after: str) -> None:
    async with running(settings) as world:
        if after == "0:t":  # an empty key: before the first
            assert (await world.keys.reseal(after, "cli", "engineer"))["resealed"] == 0
        else:
            assert (await refused(world.keys.reseal(after, "cli", "engineer"))).status == 422


def test_the_key_file_is_replaced_as_a_whole_and_for_its_owner_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = renew(settings)
    file = settings.number_key_file
    assert file.stat().st_mode & 0o777 == 0o600
    assert settings.number_keys() == keys

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.settings_secrets.os.fsync", full)
    with pytest.raises(SecretError, match="cannot be written"):
        write_number_keys(file, keys.newest_alone())
    assert settings.number_keys() == keys
    monkeypatch.setenv(NUMBER_KEY_VARIABLE, keys.text())
    assert settings.number_keys() == keys, "the environment holds what the file holds"
    with pytest.raises(SecretError, match="goes before the file"):
        write_number_keys(file, keys)


def test_keys_that_came_and_never_went_must_be_there() -> None:
    def row(act: Act, id_: str) -> AuditRow:
        return AuditRow(1, "cli", "engineer", act, "number_key", id_)

    rows = [row(Act.KEY_RENEWED, key_id(OLD)), row(Act.KEY_RENEWED, "aa"), row(Act.KEY_RENEWED, key_id(NEW))]
    keys = KeySet.of(OLD).renewed(NEW)
    assert missing(rows, keys) == ["aa"]
    assert missing([*rows, row(Act.KEY_RETIRED, "aa")], keys) == []
    assert missing(rows[:1], keys.newest_alone()) == [key_id(OLD)]
