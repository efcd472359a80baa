"""The records of the service: `write` is instant and always works, questions may fail with `StorageUnavailable`.

Journal, writer and keeper are put together here. The keeper looks every 0.2 s: what the disk refused is tried again,
fsync runs on a thread, old segments go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.candidates import Candidates, Edition
from routing.events import Remembered
from routing.steps import Step
from routing.witness import Kept
from storage import (
    audit,
    callbacks,
    days,
    debts,
    deliveries,
    figures,
    forgetting,
    handling,
    handoff_figures,
    hidden,
    holds,
    intake,
    kept_days,
    lost,
    outbound,
    outbox,
    probes,
    queries,
    recordings,
    resealing,
    restrictions,
    story,
    witness,
)
from storage import workdays as calendar
from storage.agents import AGENTS, AgentRow
from storage.audit import AuditRow
from storage.callbacks import CallbackRow
from storage.days import Period, Shown
from storage.debts import UncoveredCall
from storage.deliveries import Due, Tried
from storage.departments import DEPARTMENTS, DepartmentRow
from storage.engine import create_engine, reading, sqlite_file_exists
from storage.entries import Entry, KeptEntry, WriteEdition, decode
from storage.errors import EntryError, StorageError, StorageUnavailable
from storage.faults import LONG_QUESTION_S, QUESTION_S, reason, sentence
from storage.faults import asked as _asked
from storage.figures import FiguredCall
from storage.fold import Row
from storage.handling import Handled
from storage.handoff_figures import DepartmentFigures, Handoff
from storage.hidden import HiddenRow
from storage.intake import IntakeRow
from storage.journal import Journal
from storage.kept_days import Body, ForgottenDay
from storage.keys import Keyring
from storage.lost import LostCall
from storage.outbox import Counts, OutboxRow, State
from storage.queries import CallRecord, LineFigures
from storage.recordings import RecordingRow
from storage.resealing import Batch, Cursor, Standing
from storage.restrictions import RestrictionRow, Use
from storage.segments import Position
from storage.story import Story
from storage.upgrade import is_current
from storage.workdays import DayRow
from storage.writer import EXPLANATIONS_DAYS, Aside, Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

CATCH_UP_S: Final = 2.0
KEEPER_S: Final = 0.2  # a power cut costs at most this much
FORGET_EVERY: Final = 300  # keeper rounds: once a minute
TAIL_BYTES: Final = 12 * 1024 * 1024  # without a database: open calls are looked for in so much of the journal


@dataclass(frozen=True, slots=True)
class RecordsStats:
    """Since the start of this process. `spooled` are kept but not in SQL; `in_memory` of them not even on disk."""

    appended: int
    spooled: int
    in_memory: int
    lost: int
    set_aside: Mapping[Aside, int]
    batches: int
    failures: int


class Archive:
    """What is asked about single calls and about arrivals; also without a service, see `archive_of`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def call_ids(self, wanted: str) -> list[str]:
        """The call of this id; else the newest calls whose id begins so. `last`: the newest of all."""
        return await _asked(story.call_ids(self.engine, wanted))

    async def story(self, call_id: str) -> Story | None:
        return await _asked(story.story(self.engine, call_id))

    async def first_arrival_ms(self) -> int | None:
        """When the first call that is known arrived; of a forgotten day, when it began."""
        known = await _asked(kept_days.first_kept_ms(self.engine)), await _asked(queries.first_arrival_ms(self.engine))
        return min((at for at in known if at is not None), default=None)

    async def arrivals_by(self, since_ms: int, until_ms: int, every_ms: int) -> list[tuple[str, int, int]]:
        """(dialled number, place of the interval from 0, calls) of each that has any; no tests, no restricted callers."""
        kept = await _asked(kept_days.kept_arrivals(self.engine, since_ms, until_ms, every_ms))
        found = await _asked(queries.arrivals_by(self.engine, since_ms, until_ms, every_ms))
        return [*found, *((number, place, calls) for (number, place), calls in kept.items())]

    async def callers_by(self, since_ms: int, until_ms: int, every_ms: int, numbers: Iterable[str]) -> dict[int, int]:
        """Callers to these numbers by the place of the interval; who calls twice in one counts once."""
        return await _asked(queries.callers_by(self.engine, since_ms, until_ms, every_ms, numbers))

    async def handled_by(self, since_ms: int, until_ms: int, every_ms: int) -> list[Handled]:
        """How long calls were talked and waited for, by serving line and interval; no tests, no restricted callers."""
        return await _asked(handling.handled_by(self.engine, since_ms, until_ms, every_ms))

    async def kept(self, call_ids: Iterable[str]) -> dict[str, Kept]:
        """What is known of those of the calls that are known at all."""
        return await _asked(witness.kept(self.engine, call_ids))

    async def kept_of_channel(self, channel: str, arrived_ms: int) -> Kept | None:
        """The same of the call that a channel of this uniqueid brought about then."""
        return await _asked(witness.kept_of_channel(self.engine, channel, arrived_ms))

    async def ended_calls(self, since_ms: int, until_ms: int, ended_before_ms: int) -> int:
        """How many calls arrived in the interval and were over by then."""
        return await _asked(witness.ended_calls(self.engine, since_ms, until_ms, ended_before_ms))

    async def department_figures(self, since_ms: int, until_ms: int) -> list[DepartmentFigures]:
        """How each department that was asked for in the interval answered."""
        return await _asked(handoff_figures.department_figures(self.engine, since_ms, until_ms))

    async def emergency_legs(self, since_ms: int, until_ms: int) -> list[Handoff]:
        """Every leg to an emergency centre that was asked for in the interval, and the acts that had none."""
        return await _asked(handoff_figures.emergency_legs(self.engine, since_ms, until_ms))

    def figured_calls(self, since_ms: int, until_ms: int) -> AsyncIterator[list[FiguredCall]]:
        """What makes figures of all calls that arrived in the interval, in batches; see `storage.figures`."""
        return _streamed(figures.figured_calls(self.engine, since_ms, until_ms))

    async def forgotten_days(self, since_ms: int, until_ms: int) -> list[ForgottenDay]:
        """Days in the interval whose calls were deleted; see `storage.kept_days`."""
        return await _asked(kept_days.read_forgotten_days(self.engine, since_ms, until_ms))

    async def kept_figures(self, since_ms: int) -> dict[str, Body]:
        """Of the forgotten day that begins then."""
        return await _asked(kept_days.read_kept(self.engine, since_ms))

    async def periods_since_ms(self) -> int:
        """Before that, who worked when is forgotten; 0: nothing of it is."""
        until_ms, _ = (await _asked(forgetting.read_forgettings(self.engine))).get(forgetting.Kind.AGENTS, (0, 0))
        return until_ms

    def recounted_calls(self, since_ms: int, until_ms: int) -> AsyncIterator[list[FiguredCall]]:
        """The same from the steps alone."""
        return _streamed(figures.recounted_calls(self.engine, since_ms, until_ms))

    async def recounted(self, call_ids: Collection[str]) -> list[FiguredCall]:
        """Of these calls."""
        return await _asked(figures.recounted(self.engine, call_ids), LONG_QUESTION_S)

    def stays(self, since_ms: int, until_ms: int) -> AsyncIterator[list[Period]]:
        """States of agents that reach into the interval, in batches."""
        return _streamed(figures.stays(self.engine, since_ms, until_ms))

    async def presented(self, since_ms: int, until_ms: int) -> list[tuple[str, str, int]]:
        """(agent, outcome, how often) of presentations."""
        return await _asked(figures.presented(self.engine, since_ms, until_ms), LONG_QUESTION_S)

    async def lost_calls(self, since_ms: int, until_ms: int) -> list[LostCall]:
        """Calls of the interval that nobody answered, with what became of their callers since."""
        return await _asked(lost.lost_calls(self.engine, since_ms, until_ms), LONG_QUESTION_S)

    async def day(self, since_ms: int, until_ms: int) -> tuple[list[CallRecord], list[Shown], list[Period]]:
        """What was recorded of the calls that arrived in the interval, and of the people who were there."""
        calls = await _asked(days.real_calls(self.engine, since_ms, until_ms), LONG_QUESTION_S)
        shown = await _asked(days.shown_seats(self.engine, since_ms, until_ms), LONG_QUESTION_S)
        return calls, shown, await _asked(days.periods(self.engine, since_ms, until_ms), LONG_QUESTION_S)


class Records(Archive):
    """Made by `open`; one per `data_dir`, on one event loop."""

    def __init__(
        self,
        engine: AsyncEngine,
        journal: Journal,
        explanations_days: float = EXPLANATIONS_DAYS,
        *,
        hand_over: bool = False,
    ) -> None:
        super().__init__(engine)
        self._journal = journal
        self._edition: Edition | None = None  # the last one that was written
        self._silent_since: int | None = None  # passes of the writer when a question of the start got no answer
        self._bug: str | None = None  # what ended the keeper's last round
        self._writer = Writer(engine, journal, explanations_days, hand_over=hand_over)
        self._writer.backlog = journal.lines_after(Position())  # until SQL tells which of them it has
        self._writer_task = asyncio.create_task(self._writer.run(), name="records-writer")
        self._keeper_task = asyncio.create_task(self._keep(), name="records-keeper")

    @classmethod
    async def open(
        cls,
        url: str,
        data_dir: Path,
        *,
        password_file: Path | None = None,
        catch_up_s: float = CATCH_UP_S,
        explanations_days: float = EXPLANATIONS_DAYS,
        hand_over: bool = False,
    ) -> Records:
        """Takes the journal in `data_dir`, brings the tables up to date, writes what the last run left.

        Waits at most `catch_up_s` for the database; after that it is open all the same, `degraded` says why, and the
        writer goes on trying. What every seat was to a decision is deleted after `explanations_days`. `hand_over`: what the
        work-order platform is told of goes into the outbox.

        Raises:
            StorageError: a path or right only an operator can mend, or another service owns `data_dir`.
        """
        engine = create_engine(url, password_file=password_file)
        records = cls(engine, Journal(data_dir / "journal"), explanations_days, hand_over=hand_over)
        await records.flush(catch_up_s)
        return records

    # -- writing --

    def write(self, *entries: Entry) -> None:
        """Keeps the entries of one event. Microseconds, never raises, never waits for the database."""
        self._journal.append(*self._with_editions(entries))
        self._writer.notice()

    def keep_explanations(self, days: float) -> None:
        """From now on for so long."""
        self._writer.explanations_days = days

    def hand_over(self, on: bool) -> None:
        """Whether the work-order platform is told of what happens from now on."""
        self._writer.hand_over = on

    def _with_editions(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Before the first decision that refers to an edition of the rules, the edition itself."""
        for entry in entries:
            if isinstance(entry, Step) and isinstance(entry.candidates, Candidates):
                edition = entry.candidates.edition
                if edition is not self._edition:
                    self._edition = edition
                    yield WriteEdition(edition, entry.at)
            yield entry

    @property
    def spooled(self) -> int:
        return self._writer.spooled

    @property
    def degraded(self) -> str | None:
        """One sentence when records are kept in fewer places than they should be, else None."""
        return self._journal.failure or self._writer.failure or self._bug

    @property
    def stats(self) -> RecordsStats:
        journal, writer = self._journal, self._writer
        return RecordsStats(
            appended=journal.appended,
            spooled=writer.spooled,
            in_memory=journal.in_memory,
            lost=journal.lost,
            set_aside=dict(writer.set_aside),
            batches=writer.batches,
            failures=writer.failures,
        )

    async def flush(self, timeout: float) -> bool:
        """True when everything written before this call is in SQL; False when that took longer than `timeout`."""
        target = self._writer.backlog + self._journal.appended
        try:
            async with asyncio.timeout(timeout):
                while self._writer.position is None or (self._writer.spooled and self._writer.written < target):
                    self._writer.hurry()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return False
        return True

    async def close(self, timeout: float = 2.0) -> None:
        """Writes what is left, if the database lets us; what stays in the journal is written by the next start."""
        await self.flush(timeout)
        self._writer.stop()
        self._keeper_task.cancel()
        _, late = await asyncio.wait([self._writer_task], timeout=timeout)
        for task in late:
            task.cancel()
        await asyncio.gather(self._writer_task, self._keeper_task, return_exceptions=True)
        self._writer.close()
        self._journal.close()
        with contextlib.suppress(SQLAlchemyError, OSError):
            await self.engine.dispose()

    async def _keep(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(KEEPER_S)
            rounds += 1
            try:
                await self._keep_once(rounds)
                self._bug = None
            except OSError:  # a folder in trouble now: the next round tries again
                continue
            except Exception as error:  # whatever it is, the disk must go on being tried
                if self._bug is None:
                    log.exception("the journal is not looked after")
                self._bug = f"the journal is not looked after ({type(error).__name__}); see the log"

    async def _keep_once(self, rounds: int) -> None:
        if self._journal.in_memory:
            self._journal.retry()
            self._writer.notice()
        if files := self._journal.take_unsynced():
            await asyncio.to_thread(self._journal.sync_files, files)
        if rounds % FORGET_EVERY == 0 and self._writer.position is not None:
            self._journal.forget(self._writer.position)

    # -- questions --

    async def remembered(self, spoke_since_ms: int | None = None, left_since_ms: int | None = None) -> Remembered:
        """What the engine is told at the start. Never fails: without a database the journal alone answers.

        `spoke_since_ms`: also who spoke with whom since then, which may be a hundred thousand pairs; None: of few calls.
        `left_since_ms`: also who gave up since then.
        """
        tail = self._tail(self._writer.position)
        names = {entry.call_id for entry in tail if isinstance(entry, Step)}
        try:
            rows, agents = await self._at_start(lambda: queries.open_rows(self.engine, names))
            outs = await self._at_start(lambda: outbound.open_outbound(self.engine))
            tests = await self._at_start(lambda: probes.open_probes(self.engine))
        except StorageUnavailable:
            return queries.remembered({}, {}, self._tail(None))
        talks = await self._also(queries.spoken, spoke_since_ms)
        left = await self._also(queries.left, left_since_ms)
        return queries.remembered(rows, agents, tail, talks, left, outs, tests)

    async def _also(
        self, question: Callable[[AsyncEngine, int], Awaitable[list[Row]]], since_ms: int | None
    ) -> list[Row]:
        """What makes a start better, and what a start goes on without."""
        if since_ms is None:
            return []
        try:
            return await self._at_start(lambda: question(self.engine, since_ms))
        except StorageUnavailable as error:
            log.warning("a start without %s: %s", question.__name__, error)
            return []

    async def _at_start(self, question: Callable[[], Awaitable[T]]) -> T:
        """A start has several questions, and callers wait for the end of it: a database that has let one of them wait
        `CATCH_UP_S` for nothing is asked the others only when the writer has got through to it since."""
        if self._silent:
            raise StorageUnavailable("the database does not answer")
        try:
            return await _asked(question(), CATCH_UP_S)
        except StorageUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                self._silent_since = self._writer.passes
            raise

    @property
    def _silent(self) -> bool:
        return self._silent_since == self._writer.passes

    async def recent_calls(
        self, limit: int = 50, *, number: str | None = None, before_ms: int | None = None
    ) -> list[CallRecord]:
        """The newest calls first."""
        bounds = {} if before_ms is None else {"before_ms": before_ms}
        return await _asked(queries.recent_calls(self.engine, limit, number=number, **bounds))

    async def call(self, call_id: str) -> CallRecord | None:
        return await _asked(queries.call(self.engine, call_id))

    async def handoffs(self, call_id: str) -> list[Handoff]:
        """The legs to third parties of one call, in order."""
        return await _asked(handoff_figures.handoffs_of(self.engine, call_id))

    async def steps(self, call_id: str) -> list[Step]:
        """The story of one call, in order."""
        return await _asked(queries.steps(self.engine, call_id))

    async def line_figures(
        self, since_ms: int = 0, until_ms: int | None = None, *, by: Literal["number", "line"] = "number"
    ) -> list[LineFigures]:
        """Counts and answer times by dialled number or, `by="line"`, by serving line."""
        bounds = {} if until_ms is None else {"until_ms": until_ms}
        return await _asked(queries.line_figures(self.engine, since_ms, by=by, **bounds))

    # -- agents --

    @property
    def reachable(self) -> bool:
        """Whether the database answered last time: who must not wait asks only then."""
        return self._writer.position is not None and self._writer.failure is None and not self._silent

    async def filled_agents(self, rows: Sequence[AgentRow]) -> list[AgentRow]:
        """All agents, after those of `rows` whom the table does not have were added."""
        return await self._at_start(lambda: AGENTS.fill(self.engine, rows))

    async def write_agents(self, rows: Sequence[AgentRow]) -> list[AgentRow]:
        """All or none; see `storage.seeded`. Raises RowsChanged."""
        return await _asked(AGENTS.write(self.engine, rows))

    # -- the directory --

    async def filled_departments(self, rows: Sequence[DepartmentRow]) -> list[DepartmentRow]:
        """All departments, likewise."""
        return await self._at_start(lambda: DEPARTMENTS.fill(self.engine, rows))

    async def write_departments(self, rows: Sequence[DepartmentRow]) -> list[DepartmentRow]:
        """All or none, likewise."""
        return await _asked(DEPARTMENTS.write(self.engine, rows))

    # -- the calendar --

    async def workdays(self) -> list[DayRow]:
        """All dates that the table knows."""
        return await self._at_start(lambda: calendar.read_workdays(self.engine))

    async def write_workdays(self, rows: Sequence[DayRow], *, over_operators: bool) -> list[DayRow]:
        """All or none; the whole table after it. See `storage.workdays`."""
        return await _asked(calendar.write_workdays(self.engine, rows, over_operators=over_operators))

    # -- test calls --

    async def recent_probes(self, limit: int, *, number: str = "") -> list[Row]:
        """The newest first."""
        return await _asked(probes.recent_probes(self.engine, limit, number=number))

    async def last_probes(self) -> list[Row]:
        """The last of each line that is over."""
        return await _asked(probes.last_probes(self.engine))

    async def probed_slots(self, since_ms: int) -> set[str]:
        """The moments of the schedule for which a test call was asked since then."""
        return await _asked(probes.slots_since(self.engine, since_ms))

    # -- call-backs and outbound calls --

    async def add_callback(self, row: CallbackRow) -> CallbackRow:
        return await _asked(callbacks.add_callback(self.engine, row))

    async def callback(self, entry_id: int) -> CallbackRow | None:
        return await _asked(callbacks.callback(self.engine, entry_id))

    async def callbacks(self, *, states: tuple[str, ...] = (), due_before_ms: int | None = None) -> list[CallbackRow]:
        """Who is due first comes first; see `storage.callbacks`."""
        return await _asked(callbacks.list_callbacks(self.engine, states=states, due_before_ms=due_before_ms))

    async def change_callback(self, entry_id: int, values: Mapping[str, Any]) -> CallbackRow | None:
        return await _asked(callbacks.change_callback(self.engine, entry_id, values))

    async def count_callbacks(self, now_ms: int) -> tuple[dict[str, int], int]:
        """Entries by state, and how many are overdue."""
        return await _asked(callbacks.count_callbacks(self.engine, now_ms))

    async def uncovered_calls(
        self, since_ms: int, numbers: Collection[str], *, wait_ms: int, but: Collection[str]
    ) -> list[UncoveredCall]:
        """Lost calls whose callers are owed a call that nobody has written down; see `storage.debts`."""
        found = debts.uncovered_calls(self.engine, since_ms, numbers, wait_ms=wait_ms, but=but)
        return await _asked(found, LONG_QUESTION_S)

    async def add_debt(self, row: CallbackRow) -> CallbackRow | None:
        return await _asked(debts.add_debt(self.engine, row))

    async def settle_debts(self) -> int:
        """How many citizens have spoken to a person since."""
        return await _asked(debts.settle_debts(self.engine))

    async def callable_entries(
        self, now_ms: int, lines: Sequence[str], pauses_ms: Sequence[int], limit: int
    ) -> list[CallbackRow]:
        return await _asked(debts.callable_entries(self.engine, now_ms, lines, pauses_ms, limit))

    async def exhausted_entries(self, tries: int) -> list[CallbackRow]:
        return await _asked(debts.exhausted_entries(self.engine, tries))

    async def give_up_callback(self, entry: CallbackRow, reason: str, at_ms: int) -> bool:
        return await _asked(debts.give_up(self.engine, entry, reason, at_ms))

    async def recent_outbound(self, limit: int, *, callback: int | None = None, case: str = "") -> list[Row]:
        """Outbound calls as rows, the newest first."""
        return await _asked(outbound.recent_outbound(self.engine, limit, callback=callback, case=case))

    async def outbound(self, out_id: str) -> Row | None:
        return await _asked(outbound.outbound(self.engine, out_id))

    # -- restrictions --

    async def restrictions(self) -> list[RestrictionRow]:
        """All entries that there ever were."""
        return await self._at_start(lambda: restrictions.read_restrictions(self.engine))

    async def add_restrictions(self, rows: Sequence[RestrictionRow]) -> list[RestrictionRow]:
        """All or none; the whole table after it, as after the two below. See `storage.restrictions`."""
        return await _asked(restrictions.add_restrictions(self.engine, rows))

    async def approve_restriction(self, entry_id: int, by: str) -> list[RestrictionRow]:
        return await _asked(restrictions.approve_restriction(self.engine, entry_id, by))

    async def end_restriction(self, entry_id: int, by: str, at_ms: int) -> list[RestrictionRow]:
        return await _asked(restrictions.end_restriction(self.engine, entry_id, by, at_ms))

    async def forget_restrictions(self, ref: str, now_ms: int) -> list[RestrictionRow]:
        return await _asked(restrictions.forget_restrictions(self.engine, ref, now_ms))

    async def restriction_uses(self) -> dict[int, Use]:
        return await _asked(restrictions.uses(self.engine))

    async def caller_of(self, call_id: str) -> tuple[str, str] | None:
        """Reference and sealed number of a call's caller."""
        return await _asked(restrictions.caller_of(self.engine, call_id))

    # -- intake and outbox --

    async def add_intake(self, row: IntakeRow) -> IntakeRow:
        """Raises RevisedSince."""
        return await _asked(intake.add_intake(self.engine, row, hand_over=self._writer.hand_over))

    async def intakes_of(self, call_id: str) -> list[IntakeRow]:
        """Every row of a call, the oldest first."""
        return await _asked(intake.intakes_of(self.engine, call_id))

    async def last_call_of(self, agent_id: str, since_ms: int) -> str | None:
        """The call that this agent answered last, of those that arrived since then."""
        return await _asked(intake.last_call_of(self.engine, agent_id, since_ms))

    async def due_deliveries(self, now_ms: int, limit: int) -> list[Due]:
        """At most one of each call; whose time came first goes first."""
        return await _asked(deliveries.due(self.engine, now_ms, limit))

    async def settle_deliveries(self, tries: Sequence[Tried]) -> None:
        await _asked(deliveries.settle(self.engine, tries))

    async def delete_deliveries(self, before_ms: int, limit: int) -> int:
        """Delivered and dropped ones that were closed before then; how many."""
        return await _asked(deliveries.delete_closed(self.engine, before_ms, limit))

    async def count_outbox(self) -> Counts:
        return await _asked(outbox.count_outbox(self.engine))

    async def outbox_rows(self, state: State, limit: int) -> list[OutboxRow]:
        """The oldest first."""
        return await _asked(outbox.list_outbox(self.engine, state, limit))

    async def outbox_row(self, row_id: int) -> OutboxRow | None:
        return await _asked(outbox.outbox_row(self.engine, row_id))

    async def retry_outbox(self, row_id: int | None) -> int:
        """See `storage.outbox`."""
        return await _asked(outbox.retry(self.engine, row_id))

    async def drop_outbox(self, row: OutboxRow, by: str, reason: str, at_ms: int) -> bool:
        return await _asked(outbox.drop(self.engine, row, by, reason, at_ms))

    # -- the audit --

    async def append_audit(self, row: AuditRow) -> AuditRow:
        """Kept when it returns; else StorageUnavailable, and what the row would have told of must not be done."""
        return await _asked(audit.append(self.engine, row))

    async def audit_rows(self, *, limit: int = 100, **which: Any) -> list[AuditRow]:
        """The newest first; see `storage.audit`."""
        return await _asked(audit.rows(self.engine, limit=limit, **which))

    # -- callers who are hidden --

    async def hidden(self) -> tuple[list[HiddenRow], set[str]]:
        """All entries that there ever were, and calls whose intake says so; see `storage.hidden`."""
        return await self._at_start(lambda: hidden.read_hidden(self.engine))

    async def add_hidden(self, row: HiddenRow, told: AuditRow) -> HiddenRow:
        """Entry and audit row, or neither."""
        return await _asked(hidden.add_hidden(self.engine, row, told))

    async def end_hidden(self, entry_id: int, values: Mapping[str, Any], told: AuditRow) -> HiddenRow | None:
        """None when it was ended before: then nothing is changed."""
        return await _asked(hidden.end_hidden(self.engine, entry_id, values, told))

    # -- number keys --

    async def sealed_by_key(self) -> Standing:
        """Reads every row."""
        return await _asked(resealing.standing(self.engine), LONG_QUESTION_S)

    async def reseal(self, keyring: Keyring, after: Cursor | None) -> Batch:
        """See `storage.resealing`."""
        return await _asked(resealing.reseal(self.engine, keyring, after), LONG_QUESTION_S)

    async def unreadable(self, keyring: Keyring) -> int | None:
        return await _asked(resealing.unreadable(self.engine, keyring), LONG_QUESTION_S)

    # -- recordings --

    async def recording(self, call_id: str) -> RecordingRow | None:
        return await _asked(recordings.recording(self.engine, call_id))

    async def unsettled_recordings(self, since_ms: int) -> list[tuple[str, int | None]]:
        """See `storage.recordings`."""
        return await _asked(recordings.unsettled(self.engine, since_ms), LONG_QUESTION_S)

    async def held_of(self, call_ids: Collection[str]) -> set[str]:
        """Those of the calls that a legal hold is on."""
        return await _asked(holds.held_of(self.engine, call_ids))

    def forget_refused(self, before_s: float) -> bool:
        """Lines that SQL refused, which hold sealed numbers, when none of them is newer; whether there were any."""
        return self._journal.forget_refused(before_s)

    async def last_steps(self, call_ids: Iterable[str]) -> dict[str, int]:
        """Call -> number of its last step, of those that the records have."""
        return await _asked(recordings.last_steps(self.engine, call_ids))

    def _tail(self, position: Position | None) -> list[KeptEntry]:
        """Entries that SQL may not have; when its position is not known, those of the newest segments."""
        follower = self._journal.follow(position or self._journal.back(TAIL_BYTES))
        entries: list[KeptEntry] = []
        while lines := follower.read(500):
            for line in lines:
                with contextlib.suppress(EntryError):
                    entries.append(decode(line.raw))
        follower.close()
        return entries


@contextlib.asynccontextmanager
async def archive_of(url: str, *, password_file: Path | None = None) -> AsyncIterator[Archive]:
    """The records of a service that does not run, only to be read.

    Raises:
        StorageError: the database cannot be used, or its tables are those of another version.
    """
    engine = create_engine(url, password_file=password_file)
    try:
        if not await _asked(is_current(engine)):
            raise StorageError("database: its tables are those of another version; start the service once")
        yield Archive(engine)
    finally:
        await engine.dispose()


async def check_database(url: str, *, password_file: Path | None = None) -> None:
    """Connects once and changes nothing, for `hotline check` and `doctor`.

    Raises:
        StorageError: the one sentence that says why it cannot be used.
    """
    engine = create_engine(url, password_file=password_file)
    try:
        async with asyncio.timeout(QUESTION_S), reading(engine) as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(f"database: {reason(error)}") from None
    finally:
        await engine.dispose()


async def agents_of(url: str) -> list[AgentRow]:
    """The agents in a database, for `hotline check`: looked at without a service, and nothing is made or changed.

    Returns:
        Nobody when there is no such file or no table of agents yet: no service has begun with this database.

    Raises:
        StorageError, StorageUnavailable: the one sentence that says why it cannot be asked.
    """
    return await _looked_up(url, "agents", AGENTS.read)


async def departments_of(url: str) -> list[DepartmentRow]:
    """The directory in a database, likewise."""
    return await _looked_up(url, "departments", DEPARTMENTS.read)


async def workdays_of(url: str) -> list[DayRow]:
    """The calendar in a database, likewise; no day when no service has begun with it."""
    return await _looked_up(url, "workdays", calendar.read_workdays)


async def restrictions_of(url: str) -> list[RestrictionRow]:
    """All restrictions in a database, likewise."""
    return await _looked_up(url, "restrictions", restrictions.read_restrictions)


async def audit_of(url: str, acts: Iterable[str]) -> list[AuditRow]:
    """Audit rows of these acts in a database, the oldest first, likewise."""
    return await _looked_up(url, "audit", lambda engine: audit.of_acts(engine, acts))


async def _looked_up(url: str, table: str, question: Callable[[AsyncEngine], Awaitable[list[T]]]) -> list[T]:
    if not sqlite_file_exists(url):
        return []
    engine = create_engine(url)
    try:
        async with reading(engine) as connection:
            if not await connection.run_sync(lambda sync: inspect(sync).has_table(table)):
                return []
        return await _asked(question(engine), CATCH_UP_S)
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(f"database: {reason(error)}") from None
    finally:
        await engine.dispose()


async def _streamed(batches: AsyncIterator[T]) -> AsyncIterator[T]:
    """As long as it takes: who asks for a year waits for a year."""
    try:
        async for batch in batches:
            yield batch
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(sentence(error)) from error
