"""Numbers and names in clear: each reading is a row of the audit first. No row, no number.

Who may read is told by the role (`console.sight`); of hidden callers also a reason is needed. Everything that gives a
number in clear asks `Readings`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog

from console.deps import Reading, Refused
from console.sight import masked
from service import clock
from service.hidden import Hidden, checked_reason
from storage.audit import Act, AuditRow
from storage.errors import StorageError, StorageUnavailable
from storage.intake import in_force
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.records import Records
from storage.sealing import intake_seal

log = structlog.get_logger("hotline")
T = TypeVar("T")

WRITTEN_S: Final = 1.0  # the record of a call that began a moment ago
AWAY: Final = "The database does not answer: a reading cannot be told in the audit, so no number is given."


class Readings:
    """One per service."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def tell(
        self, how: Reading, kind: str, id_: str, *, hidden: bool, details: Mapping[str, Any] | None = None
    ) -> None:
        """Keeps the row; only then may the number be given. `hidden`: one of a hidden caller is among what is read.

        Raises Refused: his role may not, there is no reason for a hidden one, or the row cannot be kept.
        """
        if hidden and not how.hidden:
            log.warning("reading refused", subject=kind, id=id_, by=how.by, role=how.role)
            raise Refused(403, f"The caller is hidden; the role {how.role} may not read his number.")
        reason = checked_reason(how.reason) if hidden or how.reason else ""
        row = AuditRow(
            round(clock.wall() * 1000), how.by, how.role, Act.READ, kind, id_, reason,
            {"hidden": hidden, **(details or {})},
        )  # fmt: skip
        try:
            await self._records.append_audit(row)
        except StorageUnavailable:
            raise Refused(503, AWAY) from None
        log.info("audit", what="number read", subject=kind, id=id_, by=how.by)


class CallerData:
    """One per service; implements `console.deps.CallerData`."""

    def __init__(self, records: Records, hidden: Hidden, readings: Readings, keyring: Keyring) -> None:
        self._records, self._hidden, self._readings = records, hidden, readings
        self._vault, self._names = NumberVault(keyring), intake_seal(keyring)

    async def shown(self, call_id: str, by: str, role: str) -> Mapping[str, Any]:
        """Masked."""
        ref, number = await self._caller(call_id, by, role)
        hidden = self._hidden.covers(call_id, ref)
        return _told(call_id, "" if hidden or number is None else masked(number), ref, hidden=hidden)

    async def read(self, call_id: str, how: Reading) -> Mapping[str, Any]:
        """In clear."""
        ref, number = await self._caller(call_id, how.by, how.role)
        names = await self._read_names(call_id)
        hidden = self._hidden.covers(call_id, ref)
        what = [word for word, there in (("number", number), ("name", names)) if there]
        await self._readings.tell(how, "call", call_id, hidden=hidden, details={"what": what})
        return _told(call_id, number or "", ref, hidden=hidden) | {"names": names}

    async def audit(self, which: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        try:
            rows = await self._records.audit_rows(**which)
        except StorageUnavailable:
            raise Refused(503, "The database does not answer; the audit cannot be read now.") from None
        return [
            {
                "id": row.id, "at": row.at_ms / 1000, "actor": row.actor, "role": row.role, "act": row.act,
                "subject_kind": row.subject_kind, "subject_id": row.subject_id, "reason": row.reason,
                "details": row.details,
            }
            for row in rows
        ]  # fmt: skip

    async def _caller(self, call_id: str, by: str, role: str) -> tuple[str | None, str | None]:
        """(reference, number) of the caller; both None when he withheld it. Raises Refused."""
        await self._hidden.check_own(call_id, by, role)
        await self._records.flush(WRITTEN_S)
        found = await self._asked(self._records.caller_of(call_id))
        if found is None:
            return None, None
        try:
            return found[0], self._vault.open_sealed(found[1])
        except StorageError as error:
            raise Refused(409, f"{str(error)[:1].upper()}{str(error)[1:]}.") from None

    async def _read_names(self, call_id: str) -> list[str]:
        rows = in_force(await self._asked(self._records.intakes_of(call_id))).values()
        sealed = [row.name_sealed for row in rows if row.name_sealed is not None]
        try:
            return sorted({self._names.open_sealed(name, call_id) for name in sealed})
        except StorageError as error:
            raise Refused(409, f"{str(error)[:1].upper()}{str(error)[1:]}.") from None

    async def _asked(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            raise Refused(503, AWAY) from None


def _told(call_id: str, number: str, ref: str | None, *, hidden: bool) -> dict[str, Any]:
    """By the keys of `console.privacy_schemas.CallerOut`."""
    return {"call": call_id, "number": number, "withheld": ref is None, "hidden": hidden, "names": []}
