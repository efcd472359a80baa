"""Callers who are hidden: the table `hidden`, what intakes say, a copy of both in memory, and a copy of that in a file.

* The one rule: hidden is who asked for it in this call (an entry, or an intake as corrected last), or whose number
  has an entry for all of its calls. `covers` is asked wherever a number, a reference or a name would leave this
  service.
* Every change is one transaction with its audit row, in force at once after it.
* While the database is away nothing is changed; a start meanwhile takes the file. When there is no file either,
  nobody knows who is hidden: then everybody is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar

import structlog

from console.deps import Refused
from service import clock
from service.copies import save
from service.settings import Settings
from storage.audit import Act, AuditRow
from storage.errors import StorageUnavailable
from storage.hidden import HiddenRow
from storage.intake import in_force
from storage.keys import Keyring
from storage.numbers import NumberVault, normalise
from storage.records import Records

log = structlog.get_logger("hotline")
T = TypeVar("T")

COPY_FILE: Final = "hidden.json"
AGAIN_S: Final = 5.0
AWAY: Final = "The database does not answer; who is hidden cannot be changed now. Who is hidden stays so. Calls go on."
_LIKE_A_NUMBER: Final = re.compile(r"\d{7}")


class Hidden:
    """One per service; implements `console.deps.Hidden`."""

    def __init__(self, records: Records, settings: Settings, keyring: Keyring) -> None:
        self.rows: dict[int, HiddenRow] = {}
        self.current = False
        self.ref_of: Callable[[str], str | None] = lambda call_id: None  # of a call in progress
        self.check_own: Callable[[str, str, str], Awaitable[None]] = _nobodys
        self._known = False  # anything at all: from the database, or from the copy
        self._intakes: set[str] = set()  # calls
        self._refs: frozenset[str] = frozenset()
        self._calls: frozenset[str] = frozenset()
        self._records, self._vault = records, NumberVault(keyring)
        self._copy = settings.data_dir / COPY_FILE
        self._lock = asyncio.Lock()
        self.follow(settings)

    @classmethod
    async def open(cls, records: Records, settings: Settings, keyring: Keyring) -> Hidden:
        """Never fails: without a database the copy serves."""
        hidden = cls(records, settings, keyring)
        await hidden.again()
        return hidden

    def follow(self, settings: Settings) -> None:
        """The configuration was read."""
        self._area_code = settings.service.area_code

    async def keep(self) -> None:
        """Asks a database that was away again."""
        while True:
            await asyncio.sleep(AGAIN_S)
            if not self.current and self._records.reachable:
                async with self._lock:
                    await self._read()

    async def again(self) -> None:
        """Reads the table."""
        async with self._lock:
            await self._read()

    # -- the rule ------------------------------------------------------------------------------------------------------

    def covers(self, call_id: str | None, ref: str | None) -> bool:
        """Whether the caller of this call, or of this reference, is hidden."""
        if not self._known:
            return True
        return call_id in self._calls or call_id in self._intakes or (ref is not None and ref in self._refs)

    def covers_live(self, call_id: str) -> bool:
        """Of a call in progress."""
        return self.covers(call_id, self.ref_of(call_id))

    async def covers_call(self, call_id: str) -> bool:
        """Of any call. Raises StorageUnavailable."""
        if self.covers_live(call_id):
            return True
        if not self._refs or self.ref_of(call_id) is not None:
            return False
        found = await self._records.caller_of(call_id)
        return found is not None and self.covers(call_id, found[0])

    async def intake_written(self, call_id: str, *, hidden: bool) -> None:
        """An agent wrote or corrected an intake of this call."""
        async with self._lock:
            try:
                rows = await self._records.intakes_of(call_id)
                hidden = any(row.hidden for row in in_force(rows).values())
            except StorageUnavailable:
                self.current = False  # what this intake says holds until it can be asked
            if hidden != (call_id in self._intakes):
                self._intakes = self._intakes | {call_id} if hidden else self._intakes - {call_id}
                await self._changed()

    # -- for console and commands --------------------------------------------------------------------------------------

    def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        """Those in force, or all that there ever were."""
        return [told(row) for row in self.rows.values() if every or row.ended_ms is None]

    async def add(self, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        """Agents and experts hide the callers of their own calls."""
        call_id, raw, reason = values.get("call") or "", values.get("number") or "", checked_reason(values["reason"])
        if bool(call_id) == bool(raw):
            raise Refused(422, "Name either the call or the number.")
        if role in ("agent", "expert"):
            if raw:
                raise Refused(403, "An agent hides the caller of a call that he talks in, or talked in last.")
            await self.check_own(call_id, by, role)
        ref = self._ref(raw) if raw else await self._ref_of_call(call_id)
        async with self._changing():
            every = bool(raw) or bool(values.get("every_call"))
            if every and ref is None:
                raise Refused(422, "The caller of this call withheld his number; only this call can be hidden.")
            row = HiddenRow(None if every else call_id, ref if every else None, reason, by, round(clock.wall() * 1000))
            if (other := self._same(row)) is not None:
                raise Refused(409, f"Entry {other.id} hides this already.")
            about = ("caller", "") if every else ("call", call_id)
            details = {"call": call_id} if every and call_id else {}
            told_of = AuditRow(row.at_ms, by, str(role), Act.HIDE, *about, reason, details)
            added = await self._asked(self._records.add_hidden(row, told_of))
            log.info("audit", what="caller hidden", hidden=added.id, every_call=every, by=by)
            self.rows[added.id] = added
            await self._changed()
            return told(added)

    async def end(self, entry_id: int, reason: str, by: str, role: str) -> Mapping[str, Any]:
        reason = checked_reason(reason)
        async with self._changing():
            row = self.rows.get(entry_id)
            if row is None:
                raise Refused(404, f"There is no entry {entry_id}; hotline hidden list shows them.")
            if row.ended_ms is not None:
                raise Refused(409, f"Entry {entry_id} is over already.")
            now = round(clock.wall() * 1000)
            about = ("caller", "") if row.call_id is None else ("call", row.call_id)
            told_of = AuditRow(now, by, str(role), Act.SHOW, *about, reason, {"entry": entry_id})
            values = {"ended_by": by, "ended_ms": now, "ended_reason": reason}
            ended = await self._asked(self._records.end_hidden(entry_id, values, told_of))
            if ended is None:  # by somebody else, at the database
                self.current = False
                raise Refused(409, f"Entry {entry_id} is over already.")
            log.info("audit", what="caller hidden no longer", hidden=entry_id, by=by)
            self.rows[entry_id] = ended
            await self._changed()
            return told(ended)

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _ref(self, raw: str) -> str:
        number = normalise(raw, area_code=self._area_code)
        if number is None:
            raise Refused(422, "This is no telephone number.")
        return self._vault.caller_ref(number)

    async def _ref_of_call(self, call_id: str) -> str | None:
        """Raises Refused when there is no such call."""
        if (ref := self.ref_of(call_id)) is not None:
            return ref
        if await self._asked(self._records.call(call_id)) is None:
            raise Refused(404, "There is no such call; hotline calls lists the last ones.")
        found = await self._asked(self._records.caller_of(call_id))
        return None if found is None else found[0]

    def _same(self, row: HiddenRow) -> HiddenRow | None:
        live = (other for other in self.rows.values() if other.ended_ms is None)
        return next((other for other in live if (other.call_id, other.ref) == (row.call_id, row.ref)), None)

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """One change at a time, on what the database says."""
        async with self._lock:
            if not self.current and self._records.reachable:
                await self._read()
            if not self.current:
                raise Refused(503, AWAY)
            yield

    async def _asked(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            self.current = False  # it may have been written all the same: asked again soon
            raise Refused(503, AWAY) from None

    async def _read(self) -> None:
        try:
            if not self._records.reachable:
                raise StorageUnavailable("the database does not answer")
            rows, self._intakes = await self._records.hidden()
            self.rows = {row.id: row for row in rows}
            self.current = self._known = True
        except StorageUnavailable as error:
            self.current = False
            if not self._known:
                self._known = self._take_copy()
            log.error("hidden callers", state="from the copy" if self._known else "unknown", reason=str(error))
        await self._changed()

    def _take_copy(self) -> bool:
        try:
            copy = json.loads(self._copy.read_text(encoding="utf-8"))
            rows = [HiddenRow(**values) for values in copy["entries"]]
            self._intakes = set(map(str, copy["intakes"]))
        except (OSError, ValueError, TypeError, KeyError):
            return False
        self.rows = {row.id: row for row in rows}
        return True

    async def _changed(self) -> None:
        live = [row for row in self.rows.values() if row.ended_ms is None]
        self._refs = frozenset(row.ref for row in live if row.ref is not None)
        self._calls = frozenset(row.call_id for row in live if row.call_id is not None)
        if self.current:
            copy = {"entries": [asdict(row) for row in self.rows.values()], "intakes": sorted(self._intakes)}
            await asyncio.to_thread(save, self._copy, copy)


def told(row: HiddenRow) -> dict[str, Any]:
    """By the keys of `console.privacy_schemas.HiddenOut`."""
    return {
        "id": row.id, "call": row.call_id, "reason": row.reason, "by": row.by, "at": row.at_ms / 1000,
        "ended_by": row.ended_by, "ended_at": None if row.ended_ms is None else row.ended_ms / 1000,
        "ended_reason": row.ended_reason,
    }  # fmt: skip


def checked_reason(text: str) -> str:
    """Raises Refused for one that says nothing, or holds a number: it is kept in clear."""
    reason = text.strip()
    if not reason:
        raise Refused(422, "A reason is needed.")
    if _LIKE_A_NUMBER.search(reason):
        raise Refused(422, "The reason looks as if it held a number; leave it out.")
    return reason


async def _nobodys(call_id: str, by: str, role: str) -> None:
    raise Refused(403, "This is not a call of yours.")
