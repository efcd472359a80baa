"""Legal holds, as people add, see and lift them. What is held is told in `storage.holds`.

A number is sealed at once, and shown masked; of who asked to be hidden, not at all.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeVar

from console.deps import Refused
from console.sight import masked
from service import clock
from service.hidden import Hidden
from service.settings import Settings
from storage.audit import Act, AuditRow
from storage.errors import StorageError, StorageUnavailable
from storage.faults import LONG_QUESTION_S, QUESTION_S, asked
from storage.holds import HoldKind, HoldRow, add_hold, covered, lift_hold, read_holds
from storage.keys import Keyring
from storage.numbers import NumberVault, normalise
from storage.records import Records

T = TypeVar("T")

AWAY: Final = "The database does not answer; holds cannot be read or changed now. Nothing is forgotten meanwhile."
ONE: Final = "a hold is on one thing: call, number, case, or from with to"
_LIKE_A_NUMBER: Final = re.compile(r"\d{7}")


class Holds:
    """One per service; implements `console.deps.Holds`."""

    def __init__(self, records: Records, settings: Callable[[], Settings], keyring: Keyring, hidden: Hidden) -> None:
        self._records, self._settings = records, settings
        self._vault, self._hidden = NumberVault(keyring), hidden

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        """Those in force, or all that there ever were."""
        rows = await self._asked(read_holds(self._records.engine))
        return [await self._told(row) for row in rows if every or row.lifted_ms is None]

    async def add(self, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        """In force and kept when it returns. Raises Refused with one sentence; then there is none."""
        given = [key for key in ("call", "number", "case", "from") if values.get(key)]
        if len(given) != 1:
            raise Refused(422, f"Nothing is held: {ONE}.")
        reason = str(values.get("reason") or "").strip()
        if _LIKE_A_NUMBER.search(reason):
            raise Refused(422, "Nothing is held: the reason looks as if it held a number; name the file instead.")
        at_ms = round(clock.wall() * 1000)
        of = {"call": self._on_call, "number": self._on_caller, "case": self._on_case, "from": self._on_days}[given[0]]
        row = HoldRow(reason=reason, added_by=by, added_ms=at_ms, **await of(values))
        subject = {"on": row.kind, "call": row.call_id, "case": row.case_id, "days": row.days}
        told = AuditRow(at_ms, by, role, Act.HOLD, "hold", "", reason, {key: it for key, it in subject.items() if it})
        return await self._told(await self._asked(add_hold(self._records.engine, row, told)))

    async def lift(self, hold_id: int, reason: str, by: str, role: str) -> Mapping[str, Any]:
        """Raises Refused: there is none, or it is lifted already."""
        told = AuditRow(round(clock.wall() * 1000), by, role, Act.LIFT, "hold", str(hold_id), reason.strip())
        lifted = await self._asked(lift_hold(self._records.engine, hold_id, told))
        row = next((one for one in await self._asked(read_holds(self._records.engine)) if one.id == hold_id), None)
        if row is None:
            raise Refused(404, f"There is no hold {hold_id}; hotline holds list shows them.")
        if not lifted:
            raise Refused(409, f"Hold {hold_id} is lifted already.")
        return await self._told(row)

    # -- parts ---------------------------------------------------------------------------------------------------------

    async def _on_call(self, values: Mapping[str, Any]) -> dict[str, Any]:
        call_id = str(values["call"])
        arrived = await self._asked(self._records.call(call_id))
        if arrived is None and await self._asked(self._records.outbound(call_id)) is None:
            raise Refused(404, "There is no such call; hotline calls lists the last ones.")
        return {"kind": HoldKind.CALL.value, "call_id": call_id}

    async def _on_caller(self, values: Mapping[str, Any]) -> dict[str, Any]:
        number = normalise(str(values["number"]), area_code=self._settings().service.area_code)
        if number is None:
            raise Refused(422, "This is no telephone number.")
        ref = self._vault.caller_ref(number)
        return {"kind": HoldKind.CALLER.value, "ref": ref, "sealed": self._vault.seal(number)}

    async def _on_case(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": HoldKind.CASE.value, "case_id": str(values["case"]).strip()}

    async def _on_days(self, values: Mapping[str, Any]) -> dict[str, Any]:
        first, last = values["from"], values.get("to") or values["from"]
        if last < first:
            raise Refused(422, f"Nothing is held: {last} is before {first}.")
        days = f"{first}" if first == last else f"{first} to {last}"
        until = self._midnight_ms(last + timedelta(days=1))
        return {"kind": HoldKind.DAYS.value, "since_ms": self._midnight_ms(first), "until_ms": until, "days": days}

    def _midnight_ms(self, day: date) -> int:
        return round(datetime.combine(day, time(), self._settings().zone_info).timestamp() * 1000)

    async def _told(self, row: HoldRow) -> dict[str, Any]:
        """By the keys of `console.retention_schemas.HoldOut`."""
        lifted = row.lifted_ms is not None
        hidden = row.kind == HoldKind.CALLER and self._hidden.covers(None, row.ref)
        calls = None if lifted else await self._asked(covered(self._records.engine, row.id), LONG_QUESTION_S)
        return {
            "id": row.id, "kind": row.kind, "call": row.call_id, "hidden": hidden,
            "number": "" if hidden else self._shown(row), "case": row.case_id,
            "days": row.days, "reason": row.reason, "by": row.added_by, "at": row.added_ms / 1000, "calls": calls,
            "lifted_by": row.lifted_by, "lifted_at": None if row.lifted_ms is None else row.lifted_ms / 1000,
            "lifted_reason": row.lifted_reason,
        }  # fmt: skip

    def _shown(self, row: HoldRow) -> str:
        try:
            return masked(self._vault.open_sealed(row.sealed)) if row.sealed else ""
        except StorageError:
            return ""

    async def _asked(self, question: Awaitable[T], timeout: float = QUESTION_S) -> T:
        try:
            return await asked(question, timeout)
        except StorageUnavailable:
            raise Refused(503, AWAY) from None
