"""The restrictions in force: the table `restrictions`, a copy of it in the engine, a copy of the copy in a file.

* Every change is one transaction first, in force at once after it, and an audit line that says who did it. No line of the
  log names a number.
* A block of numbers is in force only when somebody else than who added it has approved it.
* While the database is away nothing is changed; a start meanwhile takes the file, in which numbers are sealed like in
  the table.
* Entries expire in the engine, at their moment; what is told here of them is looked at every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import structlog

from console.deps import Reading, Refused
from console.sight import masked
from routing.restrictions import Afterwards, Kind, Restriction
from service import clock
from service.caller_data import Readings
from service.copies import save
from service.hidden import Hidden
from service.restriction_rows import Terms, Whom, checked, from_csv, in_words, status, to_csv, told, whom
from service.settings import Settings
from storage.errors import StorageError, StorageUnavailable
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.records import Records
from storage.restrictions import RestrictionRow, Use

log = structlog.get_logger("hotline")

COPY_FILE: Final = "restrictions.json"
AGAIN_S: Final = 5.0
AWAY: Final = "The database does not answer; restrictions cannot be changed now. Calls go on."


class Restrictions:
    """One per service; implements `console.deps.Restrictions`."""

    def __init__(self, records: Records, settings: Settings, keyring: Keyring, hidden: Hidden) -> None:
        self.rows: dict[int, RestrictionRow] = {}
        self.current = False
        self.on_change: Callable[[], None] = lambda: None
        self._records = records
        self._vault = NumberVault(keyring)
        self._hidden, self._readings = hidden, Readings(records)
        self._copy = settings.data_dir / COPY_FILE
        self._lock = asyncio.Lock()
        self._were: dict[int, str] = {}  # what was told of each last
        self.follow(settings)

    @classmethod
    async def open(cls, records: Records, settings: Settings, keyring: Keyring, hidden: Hidden) -> Restrictions:
        """Never fails: without a database the copy serves."""
        restrictions = cls(records, settings, keyring, hidden)
        async with restrictions._lock:
            await restrictions._read()
        return restrictions

    def follow(self, settings: Settings) -> None:
        """The configuration was read."""
        self._terms = Terms(
            self._vault, settings.service.area_code, settings.emergency_numbers, settings.voice_notice is not None,
            settings.zone_info,
        )  # fmt: skip

    async def keep(self) -> None:
        """Asks a database that was away again, and tells of entries that expired."""
        while True:
            await asyncio.sleep(AGAIN_S)
            if not self.current and self._records.reachable:
                async with self._lock:
                    await self._read()
            self._tell_expired()

    async def again(self) -> None:
        """The table was written by somebody else."""
        async with self._lock:
            await self._read()

    def in_force(self) -> tuple[Restriction, ...]:
        """For the engine, which knows by itself when one expires."""
        now = clock.wall()
        return tuple(
            _entry(row) for row in self.rows.values() if status(row, now) == "in_force" and self._harmless(row)
        )

    def _harmless(self, row: RestrictionRow) -> bool:
        """An emergency number may have come into the configuration after the entry."""
        return row.block or self._number(row) not in self._terms.emergency_numbers

    # -- for console and commands --

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        """Those in force or pending, or all that there ever were; numbers masked."""
        now, uses = clock.wall(), await self._uses()
        rows = [row for row in self.rows.values() if every or status(row, now) in ("in_force", "pending")]
        return [self._told(row, uses) for row in rows]

    async def shown(self, entry_id: int, reading: Reading | None) -> Mapping[str, Any]:
        """One entry. `reading`: its number in clear, which is told in the audit first."""
        row = self._known(entry_id)
        if reading is not None:
            hidden = self._is_hidden(row)
            await self._readings.tell(reading, "restriction", str(entry_id), hidden=hidden)
        return self._told(row, await self._uses(), clear=reading is not None)

    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        async with self._changing():
            who = await self._caller(values["call"]) if values.get("call") else whom(values, self._terms)
            row, mistakes = checked(values, who, by, clock.wall(), self._terms)
            if row is None:
                raise Refused(422, "Nothing is added.", in_words(mistakes))
            if (other := self._of(row.ref)) is not None:
                raise Refused(409, f"Restriction {other.id} is on this number already; end it first.")
            (added,) = await self._add([row])
            return self._told(added, {})

    async def approve(self, entry_id: int, by: str) -> Mapping[str, Any]:
        """The second approval of a block; by somebody who neither added nor approved it."""
        async with self._changing():
            row = self._known(entry_id)
            if status(row, clock.wall()) != "pending":
                raise Refused(409, f"Restriction {entry_id} needs no approval: it is {_in_words(row)}.")
            if by in (row.added_by, row.approver):
                raise Refused(409, f"{by} has approved restriction {entry_id} already; it needs somebody else.")
            await self._write(self._records.approve_restriction(entry_id, by))
            log.info("audit", what="restriction approved", restriction=entry_id, by=by)
            await self._changed()
            return self._told(self.rows[entry_id], {})

    async def end(self, entry_id: int, by: str) -> Mapping[str, Any]:
        async with self._changing():
            row = self._known(entry_id)
            if status(row, clock.wall()) not in ("in_force", "pending"):
                raise Refused(409, f"Restriction {entry_id} is over: it is {_in_words(row)}.")
            await self._write(self._records.end_restriction(entry_id, by, round(clock.wall() * 1000)))
            log.info("audit", what="restriction ended", restriction=entry_id, by=by)
            await self._changed()
            return self._told(self.rows[entry_id], await self._uses())

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        """All entries of the file, or with any mistake none. Numbers that have an entry in force are left as they are."""
        async with self._changing():
            given, unreadable = from_csv(data, self._terms.zone)
            if unreadable is not None:
                raise Refused(422, "Nothing is imported.", in_words([("", unreadable)]))
            rows: dict[str, RestrictionRow] = {}
            errors: list[dict[str, Any]] = []
            for line, values in given:
                row, mistakes = checked(values, whom(values, self._terms), by, clock.wall(), self._terms)
                if row is not None and row.ref in rows:
                    mistakes = [("number", "stands there twice")]
                elif row is not None:
                    rows[row.ref] = row
                errors += in_words(mistakes, line)
            if errors:
                raise Refused(422, "Nothing is imported.", errors)
            new = [row for row in rows.values() if self._of(row.ref) is None]
            added = await self._add(new) if new and not dry_run else []
            counts = {"added": len(new), "unchanged": len(rows) - len(new)}
            return {**counts, "ids": [row.id for row in added], "dry_run": dry_run}

    async def csv(self, reading: Reading | None, *, masked: bool) -> bytes:
        """All entries. `reading`: in clear, for another hotline; told in the audit first, and hidden ones are left out.
        Without `masked` no number at all."""
        uses, rows = await self._uses(), list(self.rows.values())
        if reading is not None:
            details = {"entries": len(rows)}
            await self._readings.tell(reading, "restriction", "all", hidden=False, details=details)
        lines = [self._told(row, uses, clear=reading is not None and not self._is_hidden(row)) for row in rows]
        return to_csv(lines if masked else ({**line, "number": ""} for line in lines), self._terms.zone)

    async def forget(self, ref: str) -> tuple[int, int]:
        """A citizen's number out of his entries that are over, and how many are still in force: these stay, for somebody
        approved them and they protect others. Raises Refused."""
        async with self._changing():
            now = clock.wall()
            his = [row for row in self.rows.values() if row.ref == ref and not row.block]
            over = [row for row in his if status(row, now) in ("expired", "ended")]
            if over:
                await self._write(self._records.forget_restrictions(ref, round(now * 1000)))
                await self._changed()
            return len(over), len(his) - len(over)

    # -- parts --

    def _told(self, row: RestrictionRow, uses: Mapping[int, Use] | None, *, clear: bool = False) -> dict[str, Any]:
        number, hidden = self._number(row), self._is_hidden(row)
        shown = "" if number is None else number if clear else "" if hidden else masked(number, block=row.block)
        use = None if uses is None else uses.get(row.id, Use(0, 0))
        return told(row, shown, use, clock.wall()) | {"hidden": hidden}

    def _is_hidden(self, row: RestrictionRow) -> bool:
        """A block is nobody's number."""
        return not row.block and self._hidden.covers(None, row.ref)

    def _number(self, row: RestrictionRow) -> str | None:
        """None when it was sealed under another key: the entry matches nobody then."""
        try:
            return self._vault.open_sealed(row.sealed)
        except StorageError:
            return None

    async def _uses(self) -> Mapping[int, Use] | None:
        try:
            return await self._records.restriction_uses() if self._records.reachable else None
        except StorageUnavailable:
            return None

    async def _caller(self, wanted: str) -> Whom | str:
        """Whoever made a call, of which nobody needs to know the number."""
        try:
            ids = await self._records.call_ids(wanted)
            found = await self._records.caller_of(ids[0]) if len(ids) == 1 else None
        except StorageUnavailable:
            raise Refused(503, AWAY) from None
        if len(ids) != 1:
            return "no call begins so, or several do; hotline calls lists the last ones"
        if found is None:
            return "the caller of this call withheld his number"
        ref, sealed = found
        emergency = self._vault.open_sealed(sealed) in self._terms.emergency_numbers
        return "is an emergency number, which is never restricted" if emergency else Whom(ref, sealed, False)

    def _of(self, ref: str) -> RestrictionRow | None:
        now = clock.wall()
        same = (row for row in self.rows.values() if row.ref == ref)
        return next((row for row in same if status(row, now) in ("in_force", "pending")), None)

    def _known(self, entry_id: int) -> RestrictionRow:
        try:
            return self.rows[entry_id]
        except KeyError:
            raise Refused(404, f"There is no restriction {entry_id}; hotline restrictions list shows them.") from None

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """One change at a time, on what the database says."""
        async with self._lock:
            if not self.current and self._records.reachable:
                await self._read()
            if not self.current:
                raise Refused(503, AWAY)
            yield

    async def _add(self, rows: Sequence[RestrictionRow]) -> list[RestrictionRow]:
        before = self.rows.keys()
        await self._write(self._records.add_restrictions(rows))
        added = [row for entry_id, row in self.rows.items() if entry_id not in before]
        for row in added:
            log.info(
                "audit", what="restriction added", restriction=row.id, kind=row.kind, afterwards=row.afterwards,
                block=row.block, reason=row.reason, approver=row.approver, until=row.until_ms / 1000, by=row.added_by,
            )  # fmt: skip
        await self._changed()
        return added

    async def _write(self, change: Any) -> None:
        try:
            self._take(await change)
        except StorageUnavailable as error:
            self.current = False  # it may have been written all the same: asked again soon
            raise Refused(503, f"{AWAY} ({error})") from None

    async def _read(self) -> None:
        try:
            if not self._records.reachable:
                raise StorageUnavailable("the database does not answer")
            self._take(await self._records.restrictions())
            self.current = True
        except StorageUnavailable as error:
            self.current = False
            self._take(_copied(self._copy) if not self.rows else list(self.rows.values()))
            log.error("restrictions", state="from the copy", entries=len(self.rows), reason=str(error))
        await self._changed()

    def _take(self, rows: Sequence[RestrictionRow]) -> None:
        self.rows = {row.id: row for row in rows}

    async def _changed(self) -> None:
        self._were = {row.id: status(row, clock.wall()) for row in self.rows.values()}
        strange = [
            row.id for row in self.rows.values() if self._were[row.id] == "in_force" and self._number(row) is None
        ]
        if strange:
            log.error("restrictions match nobody", restrictions=strange, reason="sealed under another number key")
        self.on_change()
        if self.current:
            await asyncio.to_thread(save, self._copy, [asdict(row) for row in self.rows.values()])

    def _tell_expired(self) -> None:
        for row in self.rows.values():
            now = status(row, clock.wall())
            if now == "expired" and self._were.get(row.id) != now:
                log.info("audit", what="restriction expired", restriction=row.id, by="expiry")
            self._were[row.id] = now


def _entry(row: RestrictionRow) -> Restriction:
    talk_s = None if row.talk_ms is None else row.talk_ms / 1000
    return Restriction(
        row.id, row.ref, Kind(row.kind), row.until_ms / 1000, row.reason, Afterwards(row.afterwards), talk_s
    )


def _in_words(row: RestrictionRow) -> str:
    return status(row, clock.wall()).replace("_", " ")


def _copied(path: Path) -> list[RestrictionRow]:
    """The copy; empty when there is none that can be read."""
    try:
        return [RestrictionRow(**values) for values in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
