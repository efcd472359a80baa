"""The number keys while the service runs: a new one comes into force, old rows are sealed anew, old keys go (T15).

* The file says which keys there are; it is written by `hotline number-key`, never here. `take` reads it again. A new
  newest key seals everything from that moment on; nobody waits for it.
* A key goes only when nothing needs it: as long as one row was sealed under it, or a record is not in the database
  yet, a file without it is refused and the keys stay as they are.
* Each key that came into force, and each that went, is a row of the audit; by these `hotline check` knows which keys
  must be there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog

from console.deps import Refused
from service import clock
from service.settings import SecretError, Settings
from storage.audit import BY_ITSELF, Act, AuditRow
from storage.errors import StorageUnavailable
from storage.keys import Keyring, KeySet
from storage.records import Records
from storage.resealing import PLACES, Cursor

log = structlog.get_logger("hotline")
T = TypeVar("T")

AGAIN_S: Final = 5.0
AWAY: Final = "The database does not answer; keys cannot be changed now. The keys in force stay so. Calls go on."
KIND: Final = "number_key"


class NumberKeys:
    """One per service; implements `console.deps.NumberKeys`. `resealed`: rows changed, so copies of them are old."""

    def __init__(self, records: Records, settings: Callable[[], Settings], keyring: Keyring) -> None:
        self.keyring = keyring
        self.resealed: Callable[[], Awaitable[None]] = _nothing
        self._records, self._settings = records, settings
        self._lock = asyncio.Lock()

    async def keep(self) -> None:
        """The first key, or one that a start found, is told in the audit as soon as the database answers."""
        told = False
        while True:
            told = told or await self._told_of_newest()
            await asyncio.sleep(AGAIN_S)

    async def _told_of_newest(self) -> bool:
        if not self._records.reachable:
            return False
        try:
            async with self._lock:
                newest = self.keyring.newest
                if not await self._records.audit_rows(act=Act.KEY_RENEWED, subject_id=newest, limit=1):
                    await self._tell(Act.KEY_RENEWED, newest, BY_ITSELF, BY_ITSELF)
        except StorageUnavailable:
            return False
        return True

    # -- for console and commands --------------------------------------------------------------------------------------

    async def standing(self) -> Mapping[str, Any]:
        """By the keys of `console.privacy_schemas.KeysOut`."""
        sealed = await self._asked(self._records.sealed_by_key())
        old, lost = sealed.old(self.keyring.newest), 0
        if old:
            found = await self._asked(self._records.unreadable(self.keyring))
            lost = 0 if found is None else found
        waiting, ids = self._records.spooled, list(self.keyring.ids)
        why = _why_not(ids, old - lost, waiting)
        return {
            "newest": ids[0], "keys": ids, "sealed": sealed.by_key, "old": old, "unreadable": lost, "waiting": waiting,
            "may_go": why is None and len(ids) > 1, "why": why or _may_go(ids, lost),
        }  # fmt: skip

    async def take(self, by: str, role: str) -> Mapping[str, Any]:
        """Those of the file, from now on. Raises Refused, and the keys are as they were."""
        async with self._lock:
            found = self._from_file()
            if found != self.keyring.keys:
                await self._take(found, by, str(role))
        return await self.standing()

    async def follow(self) -> str | None:
        """The configuration was read again: None, or why the keys of the file are not taken."""
        try:
            async with self._lock:
                found = self._from_file()
                if found != self.keyring.keys:
                    await self._take(found, BY_ITSELF, BY_ITSELF)
        except Refused as refused:
            return refused.detail
        return None

    async def reseal(self, after: str, by: str, role: str) -> Mapping[str, Any]:
        """By the keys of `console.privacy_schemas.ResealedOut`."""
        batch = await self._asked(self._records.reseal(self.keyring, _cursor(after)))
        if batch.after is None:
            await self._asked(self._tell(Act.RESEALED, self.keyring.newest, by, str(role)))
            await self.resealed()
        return {
            "resealed": batch.resealed,
            "unreadable": batch.unreadable,
            "after": None if batch.after is None else _text(batch.after),
        }

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _from_file(self) -> KeySet:
        try:
            return self._settings().number_keys()
        except SecretError as error:
            raise Refused(409, f"The key file cannot be used: {error}.") from None

    async def _take(self, found: KeySet, by: str, role: str) -> None:
        if found.refs != self.keyring.keys.refs:
            raise Refused(409, "The line refs: of the key file is another one; no caller would be recognised again.")
        gone = [id_ for id_ in self.keyring.ids if id_ not in found.ids]
        if gone:
            await self._check_not_needed(gone, found)
        if found.ids[0] != self.keyring.newest:
            await self._asked(self._tell(Act.KEY_RENEWED, found.ids[0], by, role))
        for id_ in gone:
            await self._asked(self._tell(Act.KEY_RETIRED, id_, by, role))
        self.keyring.take(found)
        log.info("audit", what="number keys taken", newest=self.keyring.newest, keys=len(found.keys), by=by)

    async def _check_not_needed(self, gone: Sequence[str], found: KeySet) -> None:
        """Raises Refused while something was sealed under a key that is to go."""
        needed = f"Key {' and '.join(gone)} is still needed and may not be deleted"
        if self._records.spooled:
            raise Refused(409, f"{needed}: {self._records.spooled} records are not in the database yet.")
        sealed = await self._asked(self._records.sealed_by_key())
        under = sum(sealed.by_key.get(id_, 0) for id_ in gone)
        if not under and sealed.by_key.get("") and await self._asked(self._records.unreadable(self.keyring)) is None:
            under = sealed.by_key[""]  # these do not say their key, and it may be this one
        if under:
            raise Refused(409, f"{needed}: {under} texts were sealed under it; type: hotline number-key reseal.")
        if found.ids[0] not in self.keyring.ids:
            raise Refused(409, f"{needed}: a new key comes first; take it, and let the old one go after the resealing.")

    async def _tell(self, act: Act, id_: str, by: str, role: str) -> None:
        await self._records.append_audit(AuditRow(round(clock.wall() * 1000), by, role, act, KIND, id_))

    async def _asked(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            raise Refused(503, AWAY) from None


def missing(rows: Sequence[AuditRow], keys: KeySet) -> list[str]:
    """Ids of keys that came into force, never went, and are not in the file: numbers may be sealed under them."""
    needed: dict[str, None] = {}
    for row in rows:
        if row.act == Act.KEY_RENEWED:
            needed[row.subject_id] = None
        elif row.act == Act.KEY_RETIRED:
            needed.pop(row.subject_id, None)
    return [id_ for id_ in needed if id_ not in keys.ids]


def _why_not(ids: Sequence[str], old: int, waiting: int) -> str | None:
    """Why no key may be deleted."""
    if old:
        return f"{old} texts are sealed under older keys, which may not be deleted; type: hotline number-key reseal"
    if waiting and len(ids) > 1:
        return f"{waiting} records are not in the database yet; no key may be deleted before"
    return None


def _may_go(ids: Sequence[str], lost: int) -> str:
    if len(ids) == 1:
        return "there is one key, and everything is sealed under it" if not lost else f"{lost} texts open with no key"
    old = ", ".join(ids[1:])
    unread = f"; {lost} texts open with none of the keys" if lost else ""
    return f"the old keys {old} may be deleted: hotline number-key retire; keep them with older backups{unread}"


def _cursor(text: str) -> Cursor | None:
    """Raises Refused for what `_text` has not made."""
    if not text:
        return None
    place, _, key = text.partition(":")
    kind, _, value = key.partition(":")
    known = place.isascii() and place.isdecimal() and int(place) < len(PLACES)
    if not known or kind not in ("", "n", "t") or (kind == "n" and not value.isdecimal()):
        raise Refused(422, "after is what the last answer said.")
    return Cursor(int(place), None if not kind else int(value) if kind == "n" else value)


def _text(cursor: Cursor) -> str:
    if cursor.key is None:
        return f"{cursor.place}:"
    return f"{cursor.place}:{'n' if isinstance(cursor.key, int) else 't'}:{cursor.key}"


async def _nothing() -> None:
    pass
