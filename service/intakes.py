"""What agents write down of a call (T20): kind, subject, name or hidden, text, district.

An agent writes for the call that he talks in, or for the last one he talked in: the work after it is his, also when he has
paused to finish it. Names and texts are sealed here and opened for whoever may read them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog

from console.deps import Refused
from console.sight import blanked
from routing.engine import Engine
from routing.steps import Step, StepKind
from service import clock
from service.hidden import Hidden
from storage.errors import StorageError, StorageUnavailable
from storage.intake import IntakeRow, RevisedSince
from storage.records import Records
from storage.sealing import Seal

log = structlog.get_logger("hotline")
T = TypeVar("T")

AWAY: Final = "The database does not answer; nothing is kept. Try again in a moment. Calls go on."
OTHERS: Final = "An agent writes and reads for the call he talks in, or talked in last."
WRITTEN_S: Final = 1.0  # the record of a call that ended a moment ago
_DAY_MS: Final = 86_400_000
_LIKE_A_NUMBER: Final = re.compile(r"\d{7}")


class Intakes:
    """One per service; implements `console.deps.Intakes`. `added`: something is in the outbox."""

    def __init__(self, engine: Engine, records: Records, seal: Seal, hidden: Hidden, added: Callable[[], None]) -> None:
        self._engine, self._records, self._seal, self._hidden, self._added = engine, records, seal, hidden, added
        self._last: dict[str, str] = {}  # agent -> the call he talked in last

    def follow(self, step: Step) -> None:
        """Of every call, as it happens."""
        if step.kind is StepKind.ANSWERED and step.data.get("agent"):
            self._last[str(step.data["agent"])] = step.call_id
        elif step.kind is StepKind.THIRD_JOINED:
            self._last.update(dict.fromkeys(self._colleagues(step.call_id), step.call_id))

    async def add(self, call_id: str, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        """Raises Refused with every mistake at once; then nothing is kept."""
        await self.check(call_id, by, role)
        mistakes = _mistakes(values)
        if mistakes:
            raise Refused(422, "Nothing is kept.", [{"where": key, "why": why} for key, why in mistakes])
        root, revision = await self._corrects(call_id, values.get("corrects"))
        name = str(values.get("name") or "").strip()
        row = IntakeRow(
            call_id=call_id, kind=str(values["kind"]), subject=str(values["subject"]).strip(),
            name_sealed=self._seal.seal(name, call_id) if name else None, hidden=bool(values.get("hidden")),
            text_sealed=self._seal.seal(str(values.get("text") or "").strip(), call_id),
            district=str(values.get("district") or "").strip(), by=by, at_ms=round(clock.wall() * 1000), root=root,
            revision=revision,
        )  # fmt: skip
        try:
            row = await self._asked(self._records.add_intake(row))
        except RevisedSince:
            raise Refused(
                409, "This intake was corrected already; read it again, and correct the newest revision."
            ) from None
        log.info("audit", what="intake", intake=row.id, revision=row.revision, call_id=call_id, by=by)
        await self._hidden.intake_written(call_id, hidden=row.hidden)
        self._added()
        return self._told(row, hidden=await self._is_hidden(call_id))

    async def listed(self, call_id: str, by: str, role: str) -> Sequence[Mapping[str, Any]]:
        """Every revision, the oldest first. Raises Refused."""
        await self.check(call_id, by, role)
        rows = await self._asked(self._records.intakes_of(call_id))
        hidden = await self._is_hidden(call_id)
        log.info("audit", what="intake read", call_id=call_id, by=by)
        return [self._told(row, hidden=hidden) for row in rows]

    async def check(self, call_id: str, by: str, role: str) -> None:
        """The call is known, and it is theirs."""
        if call_id not in self._engine.calls:
            await self._records.flush(WRITTEN_S)
            if await self._asked(self._records.call(call_id)) is None:
                raise Refused(404, "There is no such call; hotline calls lists the last ones.")
        if role in ("agent", "expert") and not await self._is_own(call_id, by):
            raise Refused(403, OTHERS)

    # -- parts ---------------------------------------------------------------------------------------------------------

    async def _is_hidden(self, call_id: str) -> bool:
        return await self._asked(self._hidden.covers_call(call_id))

    async def _is_own(self, call_id: str, agent_id: str) -> bool:
        call = self._engine.calls.get(call_id)
        if (call is not None and call.agent_id == agent_id) or agent_id in self._colleagues(call_id):
            return True
        if agent_id not in self._last:  # since our start he has talked with nobody
            since_ms = round(clock.wall() * 1000) - _DAY_MS
            return await self._asked(self._records.last_call_of(agent_id, since_ms)) == call_id
        return self._last[agent_id] == call_id

    def _colleagues(self, call_id: str) -> list[str]:
        """Agents who joined the call."""
        joined = self._engine.joined.get(call_id)
        return [] if joined is None else [third.agent_id for third in joined.there if third.agent_id]

    async def _corrects(self, call_id: str, corrected: int | None) -> tuple[int, int]:
        """(root, revision) of the new row; (0, 1) of one that corrects nothing. Whether it is the next one is seen when it
        is written."""
        if corrected is None:
            return 0, 1
        rows = await self._asked(self._records.intakes_of(call_id))
        found = next((row for row in rows if row.id == corrected), None)
        if found is None:
            raise Refused(404, f"There is no intake {corrected} of this call.")
        return found.root, found.revision + 1

    def _told(self, row: IntakeRow, *, hidden: bool) -> dict[str, Any]:
        """By the keys of `console.intake_schemas.IntakeOut`. `hidden`: by the one rule of `service.hidden`."""
        try:
            name = self._seal.open_sealed(row.name_sealed, row.call_id) if row.name_sealed and not hidden else ""
            text = self._seal.open_sealed(row.text_sealed, row.call_id) if row.text_sealed else ""
        except StorageError as error:
            raise Refused(409, f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
        return {
            "id": row.id, "root": row.root, "revision": row.revision, "call": row.call_id, "kind": row.kind,
            "subject": row.subject, "name": name, "hidden": row.hidden, "text": blanked(text) if hidden else text,
            "district": row.district, "by": row.by, "at": row.at_ms / 1000, "forgotten": not row.text_sealed,
        }  # fmt: skip

    async def _asked(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            raise Refused(503, AWAY) from None


def _mistakes(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What one field alone cannot say. Subject and district are kept in clear, so no number may stand there."""
    found = []
    if values.get("hidden") and str(values.get("name") or "").strip():
        found.append(("name", "a caller who is hidden has no name here; leave it out, or set hidden: false"))
    for key in ("subject", "district"):
        if _LIKE_A_NUMBER.search(str(values.get(key) or "")):
            found.append((key, "looks as if it held a number; write it into the text, which is kept sealed"))
    return found
