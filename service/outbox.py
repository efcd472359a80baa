"""The outbox is emptied into the city's work-order platform (T16): at least once, and in order per call.

A turn takes what is due, at most one row of each call, sends these at once, and writes what became of them in one
transaction. Who dies between sending and writing sends again, with the same id. Nothing waits for it: neither calls nor
records, and a receiver that hangs costs one timeout a turn.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from console.deps import Refused
from service import clock
from service.hidden import Hidden
from service.outbox_plan import Answer, Patience, Result, after_failure
from service.settings import SecretError, Settings
from service.webhook import Opener, cloud_event, headers
from storage.deliveries import Due, Tried
from storage.errors import StorageError, StorageUnavailable
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.outbox import Counts, OutboxRow, State
from storage.records import Records
from storage.sealing import intake_seal

if TYPE_CHECKING:
    from service.receiver import Receiver

log = structlog.get_logger("hotline")
T = TypeVar("T")

AWAY: Final = "The database does not answer; the outbox cannot be read or changed now. Calls go on."
LOOK_S: Final = 1.0  # between two turns that found nothing
REST_S: Final = (
    0.015  # after each delivery: one costs the loop 5 ms, and a full outbox must leave most of it to the calls
)
COUNT_EVERY_S: Final = 5.0
CLEAN_EVERY_S: Final = 3600.0
DELETED_AT_ONCE: Final = 1000
LISTED: Final = 1000


class Outbox:
    """One per service; implements `console.deps.Outbox`."""

    def __init__(self, records: Records, settings: Callable[[], Settings], keyring: Keyring, hidden: Hidden) -> None:
        self._records, self._settings, self._keyring, self._hidden = records, settings, keyring, hidden
        self._ready_for: Settings | None = None  # whose receiver and secrets these are
        self._receiver: Receiver | None = None
        self._secrets: Sequence[bytes] = ()
        self._opener: Opener | None = None
        self._soon = asyncio.Event()
        self._count_at = self._clean_at = 0.0  # monotonic
        self._failing = False  # the last attempt was in vain
        self.trouble: str | None = None  # why nothing can be delivered as configured
        self.counted: Callable[[Counts], None] = lambda counts: None
        self.delivered: Callable[[Result], None] = lambda result: None
        self.rest: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.bug: Callable[[str], None] = lambda part: None
        self.chance: Callable[[], float] = random.random

    def look_soon(self) -> None:
        """Something was added."""
        self._soon.set()

    async def keep(self) -> None:
        try:
            while True:
                if delivered := await self._turn():
                    await self.rest(REST_S * delivered)
                else:
                    await self._pause()
        finally:
            await self._leave_receiver()

    async def _turn(self) -> int:
        """How many were delivered; there may be more to do at once then."""
        if not (self._records.reachable and self._hidden.current):  # what has left cannot be hidden any more
            return 0
        try:
            await self._look_after()
            return await self.deliver()
        except StorageUnavailable as error:
            log.warning("outbox", state="waits for the database", reason=str(error))
            return 0

    async def deliver(self) -> int:
        """One turn; how many were delivered. What failed is not tried again before its time. Raises StorageUnavailable."""
        receiver = await self._ready()
        if receiver is None:
            return 0
        settings = self._settings()
        due = await self._records.due_deliveries(_ms(clock.wall()), settings.outbox.at_once)
        tries = await asyncio.gather(*(self._tried(one, receiver, settings) for one in due))
        if tries:
            await self._records.settle_deliveries(tries)
        return sum(tried.state is State.DELIVERED for tried in tries)

    async def _tried(self, due: Due, receiver: Receiver, settings: Settings) -> Tried:
        try:
            answer = await self._sent(due, receiver, settings)
        except StorageError as error:  # sealed under another key: it never leaves, so nobody was reached
            answer = Answer(Result.UNREACHED, str(error))
        except Exception as error:  # a bug is confined to its row: the others go on
            self.bug("outbox")
            log.exception("outbox", state="cannot be told", call_id=due.row.call_id, outbox=due.row.id)
            answer = Answer(Result.UNREACHED, f"{type(error).__name__}: a bug; the log has more")
        self.delivered(answer.result)
        self._tell(answer, due.row)
        now_ms, row = _ms(clock.wall()), due.row
        if answer.result is Result.DELIVERED:
            return Tried(row, State.DELIVERED, now_ms, now_ms)
        since_first_s = 0.0 if row.first_ms is None else (now_ms - row.first_ms) / 1000
        again = after_failure(row.attempts + 1, since_first_s, _patience(settings), self.chance())
        if again is None:
            tries = row.attempts + 1
            log.error("outbox", state="dead", reason=answer.error, call_id=row.call_id, outbox=row.id, attempts=tries)
            return Tried(row, State.DEAD, now_ms, row.next_ms, answer.error)
        return Tried(row, State.PENDING, now_ms, now_ms + round(1000 * again.after_s), answer.error)

    def _tell(self, answer: Answer, row: OutboxRow) -> None:
        """When it begins to fail, and when it works again: each attempt of an hour would fill the log. All are counted."""
        failing = answer.result is not Result.DELIVERED
        if failing and not self._failing:
            log.warning("outbox", state="not delivered", reason=answer.error, call_id=row.call_id, outbox=row.id)
        elif self._failing and not failing:
            log.info("outbox", state="delivers again")
        self._failing = failing

    async def _sent(self, due: Due, receiver: Receiver, settings: Settings) -> Answer:
        assert self._opener is not None
        body = cloud_event(due, self._opener.data(due), settings.outbox.source)
        return await receiver.post(headers(self._secrets, due.row.event, int(clock.wall()), body), body)

    # -- what it needs -------------------------------------------------------------------------------------------------

    async def _ready(self) -> Receiver | None:
        """The receiver of the configuration in force; None: there is none, or it cannot be used, and `trouble` says why."""
        settings = self._settings()
        if settings is not self._ready_for:
            await self._leave_receiver()
            self._ready_for = settings
            self._say(self._make(settings))
        return self._receiver

    def _make(self, settings: Settings) -> str | None:
        """What is wrong with the configuration."""
        table = settings.outbox
        if table.url is None:
            return None
        from service.receiver import Receiver, ReceiverError  # its library is slow to load: only for who has a receiver

        try:
            self._secrets = settings.outbox_secrets()
            vault, seal = NumberVault(self._keyring), intake_seal(self._keyring)
            self._opener = Opener(vault, seal, self._hidden.covers, with_numbers=table.with_numbers)
            self._receiver = Receiver(table.url, settings.outbox_ca_file, table.timeout_s, table.at_once)
        except (SecretError, ReceiverError) as error:
            return str(error)
        return None

    def _say(self, trouble: str | None) -> None:
        self.trouble = trouble
        if trouble is not None:
            log.error("outbox", state="cannot deliver", reason=trouble)

    async def _leave_receiver(self) -> None:
        receiver, self._receiver, self._ready_for = self._receiver, None, None
        if receiver is not None:
            await receiver.close()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._soon.wait()
        except TimeoutError:
            return
        self._soon.clear()

    async def _look_after(self) -> None:
        """Counts for the metrics, and deletes what was closed long ago."""
        now = clock.now()
        if now >= self._count_at:
            self.counted(await self._records.count_outbox())
            self._count_at = now + COUNT_EVERY_S
        if now >= self._clean_at:
            before = _ms(clock.wall() - 86400 * self._settings().outbox.keep_days)
            if await self._records.delete_deliveries(before, DELETED_AT_ONCE) < DELETED_AT_ONCE:
                self._clean_at = now + CLEAN_EVERY_S

    # -- for console and commands --------------------------------------------------------------------------------------

    async def listed(self, state: str) -> Sequence[Mapping[str, Any]]:
        """The oldest first, 1000 at most."""
        return [_told(row) for row in await self._asked(self._records.outbox_rows(State(state), LISTED))]

    async def retry(self, row_id: int, by: str) -> Mapping[str, Any]:
        """Raises Refused: there is none, or it is closed."""
        row = await self._open_row(row_id)
        await self._asked(self._records.retry_outbox(row.id))
        log.info("audit", what="outbox retried", outbox=row.id, call_id=row.call_id, by=by)
        self.look_soon()
        return _told(await self._row(row_id))

    async def retry_all(self, by: str) -> int:
        """Every dead one; how many."""
        many = await self._asked(self._records.retry_outbox(None))
        log.info("audit", what="outbox retried", outbox="all dead ones", many=many, by=by)
        self.look_soon()
        return many

    async def drop(self, row_id: int, reason: str, by: str) -> Mapping[str, Any]:
        """Never delivered, and what waited behind it goes on. Raises Refused."""
        row = await self._open_row(row_id)
        if await self._asked(self._records.drop_outbox(row, by, reason, _ms(clock.wall()))):
            log.info("audit", what="outbox dropped", outbox=row.id, call_id=row.call_id, reason=reason, by=by)
        self.look_soon()
        return _told(await self._row(row_id))

    async def _open_row(self, row_id: int) -> OutboxRow:
        row = await self._row(row_id)
        if row.state in (State.DELIVERED, State.DROPPED):
            raise Refused(409, f"Entry {row_id} is {row.state} already.")
        return row

    async def _row(self, row_id: int) -> OutboxRow:
        row = await self._asked(self._records.outbox_row(row_id))
        if row is None:
            raise Refused(404, f"There is no entry {row_id} in the outbox; hotline outbox list shows them.")
        return row

    async def _asked(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except StorageUnavailable:
            raise Refused(503, AWAY) from None


def _patience(settings: Settings) -> Patience:
    table = settings.outbox
    return Patience(table.first_pause_s, table.longest_pause_s, table.most_tries, table.give_up_after_s)


def _told(row: OutboxRow) -> dict[str, Any]:
    """By the keys of `console.intake_schemas.OutboxOut`."""
    return {
        "id": row.id, "event": row.event, "call": row.call_id, "type": row.type, "made_at": row.made_ms / 1000,
        "state": row.state, "attempts": row.attempts, "next_at": row.next_ms / 1000, "error": row.last_error,
        "closed_at": None if row.closed_ms is None else row.closed_ms / 1000, "by": row.closed_by, "reason": row.reason,
    }  # fmt: skip


def _ms(at: float) -> int:
    return round(at * 1000)
