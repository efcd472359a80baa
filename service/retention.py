"""What is over its age is forgotten every night, and a citizen or a call when somebody asks for it.

The run begins at the first look after `forget_at`, when none was done since the last `forget_at`; so a service that was
down at night does it when it is back. That a run is due is in the records (`storage.schema.forgettings`), not in memory.
An audit row is written before anything is forgotten, and another one with the counts after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog

from console.deps import Refused
from service import clock
from service.forgetting import AT_ONCE, Forgetting
from service.retention_plan import befores, late_s, next_run
from service.settings import Settings
from storage import forgetting
from storage.audit import BY_ITSELF, Act, AuditRow
from storage.errors import StorageUnavailable
from storage.faults import asked
from storage.forgetting import NOT_THEN, Due, Kind
from storage.holds import HoldKind, forget_lifted_on, read_holds
from storage.keys import Keyring
from storage.numbers import NumberVault, normalise
from storage.records import Records

log = structlog.get_logger("hotline")
T = TypeVar("T")

AWAY: Final = "The database does not answer; nothing more is forgotten now. Calls go on."
RUN: Final = "run"  # of `forgettings`: the nightly run
LOOK_S: Final = 30.0
WRITTEN_S: Final = 2.0  # until the record of a call that ended a moment ago is there
Recordings = Callable[[Sequence[str], str], Awaitable[int]]
Restrictions = Callable[[str], Awaitable[tuple[int, int]]]


@dataclass(slots=True)
class Heard:
    """What the metrics are told: rows by kind, what is held, runs by result, the last one, for how long one is due; a bug
    of ours in a run that somebody asked for (`service.keeping` counts those of the night)."""

    rows: Callable[[Kind, int], None] = field(default=lambda kind, rows: None)
    held: Callable[[Kind, int], None] = field(default=lambda kind, rows: None)
    run: Callable[[str], None] = field(default=lambda result: None)
    state: Callable[[float, float], None] = field(default=lambda last, late_s: None)
    bug: Callable[[str], None] = field(default=lambda part: None)


class Retention:
    """One per service; implements `console.deps.Retention`. `recordings` deletes those of calls with a reason;
    `restrictions` takes a citizen's number out of entries that are over: (how many, how many are in force still)."""

    def __init__(
        self, records: Records, settings: Callable[[], Settings], keyring: Keyring, recordings: Recordings,
        restrictions: Restrictions,
    ) -> None:  # fmt: skip
        self._records, self._settings = records, settings
        self._recordings, self._restrictions = recordings, restrictions
        self._vault = NumberVault(keyring)
        self._lock = asyncio.Lock()  # one run at a time
        self._asked: asyncio.Task[None] | None = None
        self._last: float | None = (
            None  # epoch seconds of the last run, or since when one is waited for; None: not known
        )
        self._ran = False
        self._failure: str | None = None
        self.work = Forgetting(records, settings)
        self.heard = Heard()
        self.pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    # -- every night ---------------------------------------------------------------------------------------------------

    async def keep(self) -> None:
        while True:
            try:
                await self.look()
            except StorageUnavailable as error:
                log.warning("forgetting", state="waits for the database", reason=str(error))
            finally:
                self._tell()
            await self.pause(LOOK_S)

    async def look(self) -> None:
        """Runs when it is due. Raises StorageUnavailable."""
        settings = self._settings()
        if not settings.retention.forgets or not self._records.reachable:
            return
        await self._read()
        assert self._last is not None
        if not self._lock.locked() and clock.wall() >= next_run(self._last, *self._when(settings)):
            await self._run(BY_ITSELF, BY_ITSELF)

    async def _read(self) -> None:
        """Since when the next run is waited for: from the last one, or from the first look at a configured service."""
        known = (await asked(forgetting.read_forgettings(self._records.engine))).get(RUN)
        if known is None:
            known = NOT_THEN, round(clock.wall() * 1000)
            await asked(forgetting.note_forgetting(self._records.engine, RUN, *known))
        self._ran, self._last = known[0] != NOT_THEN, known[1] / 1000

    def _when(self, settings: Settings) -> tuple[str, Any]:
        return settings.retention.forget_at, settings.zone_info

    def _tell(self) -> None:
        settings = self._settings()
        waited = settings.retention.forgets and self._last is not None
        late = late_s(self._last or 0.0, *self._when(settings), clock.wall()) if waited else 0.0
        self.heard.state(self._last or 0.0 if self._ran else 0.0, late)

    async def _run(self, by: str, role: str) -> None:
        async with self._lock:
            try:
                settings = self._settings()
                over = befores(settings.retention, clock.wall(), settings.zone_info)
                self.work.told = self.heard.rows
                await self._audit(Act.FORGET, by, role, "retention", "", {kind.value: at for kind, at in over.items()})
                await self.work.run(over)
                left = await self.work.due(over)
                details = {f"{kind}": rows for kind, rows in self.work.done.items()}
                held = {f"{kind}_held": due.held for kind, due in left.items()}
                await self._audit(Act.FORGOTTEN, by, role, "retention", "", {**details, **held})
                done_ms = round(clock.wall() * 1000)
                await asked(forgetting.note_forgetting(self._records.engine, RUN, done_ms, done_ms))
            except Exception as error:
                known = isinstance(error, StorageUnavailable)
                self._failure = str(error) if known else f"{type(error).__name__}: a bug; the log has more"
                self.heard.run("failed")
                raise
            self._last, self._ran, self._failure = done_ms / 1000, True, None
            self._tell_done(left)

    def _tell_done(self, left: Mapping[Kind, Due]) -> None:
        self.heard.run("done")
        for kind, due in left.items():
            self.heard.held(kind, due.held)
        log.info("forgotten", **{kind.value: rows for kind, rows in self.work.done.items()})
        self._tell()

    async def _audit(
        self, act: Act, by: str, role: str, kind: str, subject: str, details: Mapping[str, Any], reason: str = ""
    ) -> None:
        row = AuditRow(round(clock.wall() * 1000), by, role, act, kind, subject, reason, dict(details))
        await self._records.append_audit(row)

    # -- for console and commands --------------------------------------------------------------------------------------

    async def shown(self) -> Mapping[str, Any]:
        """By the keys of `console.retention_schemas.RetentionOut`."""
        settings, now = self._settings(), clock.wall()
        last = self._last if self._ran else None
        waits = settings.retention.forgets and self._last is not None
        return {
            "ages": {kind: getattr(settings.retention, f"{kind}_days") for kind in Kind},
            "running": self._lock.locked(), "doing": self.work.doing, "done": self.work.done,
            "last_at": last, "failure": self._failure,
            "next_at": max(now, next_run(self._last or now, *self._when(settings))) if waits else None,
        }  # fmt: skip

    async def due(self) -> Sequence[Mapping[str, Any]]:
        """What a run would forget now, by kind. Raises Refused."""
        settings = self._settings()
        over = befores(settings.retention, clock.wall(), settings.zone_info)
        found = await self._answer(self.work.due(over))
        return [
            {"kind": kind, "before": over[kind] / 1000, "due": due.due, "held": due.held} for kind, due in found.items()
        ]

    async def start(self, by: str, role: str) -> Mapping[str, Any]:
        """Begins a run. Raises Refused: one goes on, or nothing is to be forgotten by its age."""
        if not self._settings().retention.forgets:
            raise Refused(409, "Nothing is forgotten by its age: [retention] names no days.")
        if self._lock.locked() or not (self._asked is None or self._asked.done()):
            raise Refused(409, "A run goes on already.")
        if not self._records.reachable:
            raise Refused(503, AWAY)
        self._failure = None
        self._asked = asyncio.create_task(self._quietly(by, role))
        await asyncio.sleep(0)  # it has begun when this answers
        return await self.shown()

    async def _quietly(self, by: str, role: str) -> None:
        """Whoever asked sees how it ended in `shown`."""
        try:
            await self._run(by, role)
        except StorageUnavailable as error:
            log.warning("forgetting", state="ended early", reason=str(error))
        except Exception:
            self.heard.bug("retention")
            log.exception("forgetting", state="ended by a bug")

    async def citizen(self, raw: str, reason: str, by: str, role: str, *, dry_run: bool) -> Mapping[str, Any]:
        """Forgets one person at his request. Raises Refused, also while a hold is on him."""
        number = normalise(raw, area_code=self._settings().service.area_code)
        if number is None:
            raise Refused(422, "This is no telephone number.")
        return await self._answer(self._citizen(self._vault.caller_ref(number), reason, by, role, dry_run))

    async def _citizen(self, ref: str, reason: str, by: str, role: str, dry_run: bool) -> Mapping[str, Any]:
        await self._records.flush(WRITTEN_S)
        holds = await asked(read_holds(self._records.engine))
        held = [row.id for row in holds if row.kind == HoldKind.CALLER and row.ref == ref and row.lifted_ms is None]
        if held:
            raise Refused(409, f"Hold {held[0]} is on this citizen; while it is, nothing of him is forgotten.")
        found = await asked(forgetting.count_of(self._records.engine, ref))
        if dry_run:
            return {**found, "recordings": 0, "restrictions": 0, "restrictions_in_force": 0}
        async with self._lock:
            await self._audit(Act.FORGET, by, role, "caller", "", found, reason)
            done = {**found, **await self._forget_person(ref, by)}
            await self._audit(Act.FORGOTTEN, by, role, "caller", "", done, reason)
        return done

    async def _forget_person(self, ref: str, by: str) -> dict[str, int]:
        """What hangs on his calls goes first: by his reference it is found, until that goes itself."""
        engine, now_ms = self._records.engine, round(clock.wall() * 1000)
        recordings = calls = 0
        while (oldest_ms := await asked(forgetting.oldest_named_ms(engine, now_ms + 1, ref))) is not None:
            day = self.work.window(oldest_ms)
            ids = await asked(forgetting.named_calls(engine, day, ref))
            recordings += await self._recordings(ids, "forgotten at the citizen's request")
            await self.work.one(forgetting.forget_intakes_of(engine, ids))
            calls += len(await self.work.one(forgetting.forget_callers(engine, day, AT_ONCE, now_ms, ref=ref)))
        placed = await asked(forgetting.placed_for(engine, ref))
        recordings += await self._recordings(placed, "forgotten at the citizen's request")
        entries = await asked(forgetting.forget_callbacks_of(engine, ref, by, now_ms))
        await asked(forget_lifted_on(engine, ref))
        over, in_force = await self._restrictions(ref)
        return {
            "calls": calls, "callbacks": entries, "recordings": recordings, "restrictions": over,
            "restrictions_in_force": in_force,
        }  # fmt: skip

    async def call(self, call_id: str, reason: str, by: str, role: str, *, dry_run: bool) -> Mapping[str, Any]:
        """Forgets who made one call, what was written down of it, and its recording. Raises Refused."""
        return await self._answer(self._call(call_id, reason, by, role, dry_run))

    async def _call(self, call_id: str, reason: str, by: str, role: str, dry_run: bool) -> Mapping[str, Any]:
        await self._records.flush(WRITTEN_S)
        call = await self._records.call(call_id)
        if call is None:
            raise Refused(404, "There is no such call; hotline calls lists the last ones.")
        if call.ended_ms is None:
            raise Refused(409, "The call is not over.")
        if await self._records.held_of([call_id]):
            raise Refused(409, "A hold is on this call; hotline holds list shows them.")
        if not dry_run:
            await self._audit(Act.FORGET, by, role, "call", call_id, {}, reason)
            engine, now_ms = self._records.engine, round(clock.wall() * 1000)
            recordings = await self._recordings([call_id], "forgotten")
            intakes = await asked(forgetting.forget_intakes_of(engine, [call_id]))
            window = self.work.window(call.arrived_ms)
            await asked(forgetting.forget_callers(engine, window, 1, now_ms, call_id=call_id))
            done = {"recordings": recordings, "intakes": intakes}
            await self._audit(Act.FORGOTTEN, by, role, "call", call_id, done, reason)
        return {"call": call_id, "forgotten_before": call.forgotten_ms is not None}

    async def _answer(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            raise Refused(503, AWAY) from None

    async def stop(self) -> None:
        """What is not done is done by the next run."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.gather(self._asked, return_exceptions=True)
