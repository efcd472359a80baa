"""Citizens who are to be called back (T9): within one working day, with their consent. Debts: `service.debts`.

The table is asked each time; only numbers are opened here, and only to be dialled or masked. What a call makes of an entry
is written with the call (`storage.outbound`), so it is true after any restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog

from console.deps import Refused
from console.sight import masked
from routing.model import Rules
from routing.pacing import next_try_at
from routing.workdays import Workdays, within_workdays
from service import clock
from service.citizens import way_to
from service.hidden import Hidden
from service.settings import Settings
from storage.callbacks import STATES, CallbackRow
from storage.errors import StorageError, StorageUnavailable
from storage.keys import Keyring
from storage.numbers import NumberVault, normalise
from storage.outbound import CLOSED
from storage.records import Records

log = structlog.get_logger("hotline")
T = TypeVar("T")

AWAY: Final = "The database does not answer; call-backs cannot be read or changed now. Calls go on."
DUE_DAYS: Final = 1  # T9: within one working day
COUNT_EVERY_S: Final = 5.0
BY_HAND: Final = ("open", "given_up", "done")  # states that people set; the others are what calls make of an entry
_LIKE_A_NUMBER: Final = re.compile(r"\d{7}")


class Callbacks:
    """One per service; implements `console.deps.Callbacks`."""

    def __init__(
        self,
        records: Records,
        settings: Callable[[], Settings],
        rules: Callable[[], Rules],
        workdays: Callable[[], Workdays],
        first_line: Callable[[Rules], str],
        keyring: Keyring,
        hidden: Hidden,
    ) -> None:
        self._records, self._settings, self._rules, self._workdays = records, settings, rules, workdays
        self._first_line = first_line
        self._vault, self._hidden = NumberVault(keyring), hidden
        self.count: Callable[[Mapping[str, int], int], None] = lambda states, overdue: None

    async def keep(self) -> None:
        """Counts the entries for the metrics, as long as the database answers."""
        while True:
            if self._records.reachable:
                with contextlib.suppress(StorageUnavailable):  # told elsewhere: the records are degraded
                    self.count(*await self._records.count_callbacks(_ms(clock.wall())))
            await asyncio.sleep(COUNT_EVERY_S)

    # -- for console and commands --------------------------------------------------------------------------------------

    async def listed(
        self, *, state: Sequence[str] = (), due_s: float | None = None, overdue: bool = False
    ) -> Sequence[Mapping[str, Any]]:
        """Who is due first comes first. `due_s`: still to be called and due within so long; `overdue`: past their time."""
        if strange := [word for word in state if word not in STATES]:
            raise Refused(422, f"{strange[0][:20]} is no state; they are {', '.join(STATES)}")
        within = 0.0 if overdue else due_s
        before = None if within is None else _ms(clock.wall() + within)
        rows = await self._asked(self._records.callbacks(states=tuple(state), due_before_ms=before))
        return [self._told(row) for row in rows]

    async def shown(self, entry_id: int) -> Mapping[str, Any]:
        return self._told(await self.row(entry_id))

    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        """Raises Refused with every mistake at once."""
        mistakes: list[tuple[str, str]] = []
        if not values.get("consent"):
            mistakes.append(("consent", "somebody is called back who agreed to it; say consent: true when he did"))
        if bool(values.get("number")) == bool(values.get("call")):
            mistakes.append(("number", "name either the number or the call in which it was asked for"))
        mistakes += _note_mistakes(values.get("note") or "")
        line, sealed = await self._whom(values, mistakes)
        if mistakes or sealed is None:
            raise Refused(422, "Nothing is added.", [{"where": key, "why": why} for key, why in mistakes])
        now, wanted = clock.wall(), values.get("wanted_at")
        row = CallbackRow(
            ref=sealed[0], sealed=sealed[1], line=line, due_ms=self.due_ms(now, wanted), added_by=by, added_ms=_ms(now),
            wanted_ms=None if wanted is None else _ms(wanted), note=(values.get("note") or "").strip(),
            case_id=values.get("case") or "", call_id=values.get("call") or "",
        )  # fmt: skip
        added = await self._asked(self._records.add_callback(row))
        log.info("audit", what="call-back added", callback=added.id, line=line, due=added.due_ms / 1000, by=by)
        return self._told(added)

    async def change(self, entry_id: int, changes: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        """State (by hand: open, given_up, done), note, wanted_at."""
        row = await self.row(entry_id)
        values: dict[str, Any] = {}
        if (state := changes.get("state")) is not None:
            if state not in BY_HAND:
                raise Refused(422, f"a person sets {', '.join(BY_HAND)}; the other states are what calls make of it")
            if row.state == "placed":
                raise Refused(409, f"call-back {entry_id} is being called; wait until that call is over")
            if row.state == "served":
                raise Refused(409, f"call-back {entry_id} is served: the citizen has spoken to a person; add a new one")
            closed = state in CLOSED
            values = {"state": state, "closed_by": by if closed else None, "reason": ""}
            values["closed_ms"] = _ms(clock.wall()) if closed else None
        if (note := changes.get("note")) is not None:
            if mistakes := _note_mistakes(note):
                raise Refused(422, "Nothing is changed.", [{"where": key, "why": why} for key, why in mistakes])
            values["note"] = note.strip()
        if (wanted := changes.get("wanted_at")) is not None:
            values |= {"wanted_ms": _ms(wanted), "due_ms": self.due_ms(row.added_ms / 1000, wanted)}
        if not values:
            raise Refused(422, "name what changes: state, note or wanted_at")
        changed = await self._asked(self._records.change_callback(entry_id, values))
        assert changed is not None
        log.info("audit", what="call-back changed", callback=entry_id, state=changed.state, by=by)
        return self._told(changed)

    # -- for whoever places the call -----------------------------------------------------------------------------------

    async def fresh(self, entry_id: int) -> CallbackRow:
        """As of now: a debt whose citizen has called again is `served`."""
        await self._asked(self._records.settle_debts())
        return await self.row(entry_id)

    async def row(self, entry_id: int) -> CallbackRow:
        found = await self._asked(self._records.callback(entry_id))
        if found is None:
            raise Refused(404, f"There is no call-back {entry_id}; hotline callbacks list shows them.")
        return found

    def number(self, row: CallbackRow) -> str:
        if not row.sealed:
            raise Refused(409, f"The number of call-back {row.id} is forgotten.")
        try:
            return self._vault.open_sealed(row.sealed)
        except StorageError:
            raise Refused(409, f"The number of call-back {row.id} was sealed under another number key.") from None

    # -- parts ---------------------------------------------------------------------------------------------------------

    async def _whom(
        self, values: Mapping[str, Any], mistakes: list[tuple[str, str]]
    ) -> tuple[str, tuple[str, str] | None]:
        """The line, and reference and sealed number; what is wrong with them goes to `mistakes`."""
        line, sealed, raw = values.get("line") or "", None, values.get("number") or ""
        if values.get("call") and not raw:
            call = await self._asked(self._records.call(values["call"]))
            sealed = None if call is None else await self._asked(self._records.caller_of(call.call_id))
            if call is None:
                mistakes.append(("call", "there is no such call; hotline calls lists the last ones"))
            elif sealed is None:
                mistakes.append(("call", "the caller of this call withheld his number"))
            else:
                line, raw = line or call.number, self._vault.open_sealed(sealed[1])
        if raw:
            _, refused = way_to(raw, self._settings())
            if refused is not None:
                mistakes.append(("call" if values.get("call") else "number", refused))
            elif sealed is None:
                number = normalise(raw, area_code=self._settings().service.area_code) or ""
                sealed = self._vault.caller_ref(number), self._vault.seal(number)
        if line and line not in self._rules().lines:
            mistakes.append(("line", f"there is no line {line}"))
        return line or self._first_line(self._rules()), sealed

    def due_ms(self, added: float, wanted: float | None) -> int:
        """One working day after it was added, or after the citizen wants it when that is later."""
        zone = self._settings().zone_info
        since = datetime.fromtimestamp(added if wanted is None else max(added, wanted), zone)
        return _ms(within_workdays(since, DUE_DAYS, self._workdays()).timestamp())

    def _told(self, row: CallbackRow) -> dict[str, Any]:
        """By the keys of `schemas.CallbackOut`."""
        hidden = self._hidden.covers(row.call_id or None, row.ref)
        try:
            number = "" if hidden else masked(self._vault.open_sealed(row.sealed))
        except StorageError:
            number = ""
        to_be_called = row.state not in CLOSED | {"reached"}
        overdue = to_be_called and row.due_ms < _ms(clock.wall())
        tried_at, pacing = _s(row.tried_ms), self._rules().pacing
        next_at = next_try_at(row.attempts, tried_at, pacing) if to_be_called and pacing.offers else None
        return {
            "id": row.id, "number": number, "hidden": hidden, "line": row.line,
            "wanted_at": _s(row.wanted_ms), "due_at": row.due_ms / 1000,
            "overdue": overdue, "consent": row.consent, "note": row.note, "case": row.case_id, "call": row.call_id,
            "state": row.state, "attempts": row.attempts, "last_at": _s(row.last_ms), "added_by": row.added_by,
            "added_at": row.added_ms / 1000, "closed_by": row.closed_by, "closed_at": _s(row.closed_ms),
            "lost": row.owed_ms is not None, "owed_at": _s(row.owed_ms), "reason": row.reason,
            "next_try_at": None if next_at is None else max(next_at, (row.wanted_ms or row.added_ms) / 1000),
        }  # fmt: skip

    async def _asked(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            raise Refused(503, AWAY) from None


def _note_mistakes(note: str) -> list[tuple[str, str]]:
    if len(note) > 500 or not note.replace("\n", "").isprintable():
        return [("note", "has at most 500 characters")]
    if _LIKE_A_NUMBER.search(note):
        return [("note", "looks as if it held a number; the number is kept by itself, sealed")]
    return []


def _ms(at: float) -> int:
    return round(at * 1000)


def _s(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
