"""What became of each recording: looked at when its call is over, by a restarted service too, and deleted after its time.

Looking, hashing and deleting are done in threads, a few at a time. Each result is a step of the call (`routing.steps`),
so table, metrics and log tell the same. A call that nobody answered leaves a file without sound, which goes without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from routing import recording
from routing.outbound import is_outbound
from routing.recording import Account, RecordingOutcome
from routing.steps import Step, StepKind, Value
from service import clock, recording_files
from service.recording_files import Found
from service.settings import Settings
from storage.errors import StorageUnavailable
from storage.outbound import outbound_of
from storage.records import Records

log = structlog.get_logger("hotline")

PART: Final = "recordings"  # label `part` of `hotline_bugs_total`
AT_ONCE: Final = 4
# Asterisk closes a file within milliseconds of the end; long after that it was never closed.
LOOKS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0)
SHORT_S: Final = 3.0  # a difference of less is the machine's
SHORT_RATIO: Final = 0.1
RECOVERED_DAYS: Final = 3
LOOK_EVERY_S: Final = 10.0
DELETE_EVERY_S: Final = 3600.0
RETRY_S: Final = 5.0
DELETED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: RecordingOutcome
    problem: str = ""


def judged(account: Account, found: Found | None, trouble: str | None) -> Verdict:
    """What became of the recording of an answered call. `trouble`: why the folder takes nothing now."""
    if found is None:
        unwritable = RecordingOutcome.UNWRITABLE, trouble or ""
        return Verdict(*unwritable) if trouble else Verdict(RecordingOutcome.MISSING, "there is no file")
    problem = _lacking(account, found)
    if not problem:
        return Verdict(RecordingOutcome.KEPT)
    return Verdict(RecordingOutcome.UNWRITABLE, trouble) if trouble else Verdict(RecordingOutcome.SHORT, problem)


def _lacking(account: Account, found: Found) -> str:
    if found.empty:
        return "nothing was heard: no sound came from either side"
    lacks_s = account.talked_s - found.seconds
    if account.whole and lacks_s > max(SHORT_S, SHORT_RATIO * account.talked_s):
        return f"{lacks_s:.0f} s of {account.talked_s:.0f} s are not in it"
    return "" if found.closed else "Asterisk has not closed it"


class Endings:
    """`keep` writes, counts and logs a step of a call that is over; `bug` counts a bug."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        records: Records,
        keep: Callable[[Step], None],
        bug: Callable[[str], None],
    ) -> None:
        self._settings, self._records, self._keep, self._bug = settings, records, keep, bug
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.free_bytes: int | None = None
        self.trouble: str | None = None  # one sentence while nothing can be recorded

    def over(self, account: Account, *, sure: bool = True) -> None:
        """The call has ended. `sure`: its recording was on, so a file that is not there is missing."""
        if not self._settings().recording.enabled:
            if not account.emergency:
                return
            account, sure = replace(account, whole=False), False  # recorded from the conference on, when it came to one
        if account.call_id not in self._tasks:
            self._tasks[account.call_id] = asyncio.create_task(self._settle(account, sure))

    async def _settle(self, account: Account, sure: bool) -> None:
        try:
            if account.answered:
                await self._settle_answered(account, sure)
            else:
                await self._drop_leftover(account)
        except Exception:  # the call is over: whatever it is, it must not end the watch over others
            self._bug(PART)
            log.exception("recording not looked at", call_id=account.call_id)
        finally:
            self._tasks.pop(account.call_id, None)

    async def _settle_answered(self, account: Account, sure: bool) -> None:
        folder = self._settings().recordings_dir
        found = await self._once_closed(folder, account.call_id)
        if found is None and not sure:
            return
        trouble = await asyncio.to_thread(recording_files.trouble, folder)
        verdict = judged(account, found, trouble)
        data: dict[str, Value] = {"what": "ended", "outcome": verdict.outcome, **_times(account)}
        if verdict.problem:
            data["problem"] = verdict.problem
        if found is not None:
            async with self._slots:
                sha256 = await asyncio.to_thread(recording_files.digest, folder, found.file)
            data |= {"file": found.file, "sha256": sha256, "bytes": found.bytes, "seconds": found.seconds}
        self.note(account.call_id, account.last_seq, data)
        if verdict.outcome is not RecordingOutcome.KEPT:
            log.error("recording", call_id=account.call_id, outcome=verdict.outcome, problem=verdict.problem)

    async def _once_closed(self, folder: Path, call_id: str) -> Found | None:
        """The file as it is when Asterisk is done with it, or when it has had the time for that."""
        found = None
        for pause_s in LOOKS_S:
            await asyncio.sleep(pause_s)
            async with self._slots:
                found = await self._find(folder, call_id)
            if found is not None and found.closed:
                break
            if found is None and pause_s >= 1.0:  # Asterisk makes the file before it dials
                break
        return found

    async def _find(self, folder: Path, call_id: str) -> Found | None:
        """A folder that cannot be read is told as trouble; here it has no file."""
        try:
            return await asyncio.to_thread(recording_files.find, folder, call_id, self._settings().zone_info)
        except OSError:
            return None

    async def _drop_leftover(self, account: Account) -> None:
        """Nobody answered, so nothing was ever said: what Asterisk has made is a header."""
        folder = self._settings().recordings_dir
        await asyncio.sleep(LOOKS_S[3])
        async with self._slots:
            found = await self._find(folder, account.call_id)
            if found is not None and found.empty:
                await asyncio.to_thread((folder / found.file).unlink, missing_ok=True)

    def note(self, call_id: str, last_seq: int, data: dict[str, Value]) -> None:
        wall = clock.wall()
        seq = max(last_seq + 1, int(wall * 1000))
        self._keep(Step(call_id, seq, round(wall, 3), StepKind.RECORDING, data))

    # -- after a restart ----------------------------------------------------------------------------------------------

    async def recover(self, unsure_since: float, take_over: Callable[[Account], None]) -> None:
        """Looks at the calls of the last days whose recording nobody has looked at; `take_over` gets the open ones."""
        while True:
            try:
                await self._records.flush(RETRY_S)
                since_ms = int(1000 * (clock.wall() - 86400 * RECOVERED_DAYS))
                for call_id, ended_ms in await self._records.unsettled_recordings(since_ms):
                    sure = ended_ms is None or ended_ms / 1000 > unsure_since
                    if not sure and await self._find(self._settings().recordings_dir, call_id) is None:
                        continue
                    account = await self._account(call_id)
                    if account.ended_at is None:
                        take_over(account)
                    else:
                        self.over(account, sure=sure)
                return
            except StorageUnavailable:
                await asyncio.sleep(RETRY_S)

    async def _account(self, call_id: str) -> Account:
        account = Account(call_id)
        for step in await self._records.steps(call_id):
            account = recording.after(account, step)
        row = await self._records.outbound(call_id) if is_outbound(call_id) else None
        return account if row is None else recording.of_outbound(account, outbound_of(row), whole=False)

    # -- the folder ---------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool | None:
        """Whether calls can be recorded; None: they shall not be."""
        return self.trouble is None if self._settings().recording.enabled else None

    async def look_after(self) -> None:
        """Space and rights every ten seconds, what is too old every hour. For ever."""
        due = 0.0
        while True:
            await self.look()
            if clock.now() >= due:
                with contextlib.suppress(StorageUnavailable):  # nothing is deleted of which the records cannot tell
                    await self.delete_old()
                    due = clock.now() + DELETE_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        settings = self._settings()
        table, folder = settings.recording, settings.recordings_dir
        self.free_bytes = await asyncio.to_thread(recording_files.free_bytes, folder)
        trouble = await asyncio.to_thread(self._prepared, folder, table.min_free_mb) if table.enabled else None
        before, self.trouble = self.trouble, trouble
        if trouble is not None and trouble != before:
            log.error("recordings", state="degraded", reason=trouble)
        elif trouble is None and before is not None:
            log.info("recordings", state="whole")

    def _prepared(self, folder: Path, min_free_mb: int) -> str | None:
        """Why nothing can be recorded from now on, or None. In a thread."""
        if (trouble := recording_files.trouble(folder, min_free_mb)) is not None:
            return trouble
        try:
            recording_files.make_days(folder, self._today())
        except OSError as error:
            return f"{error.filename} cannot be made by this service: {(error.strerror or 'no access').lower()}"
        return None

    def _today(self) -> date:
        return datetime.fromtimestamp(clock.wall(), self._settings().zone_info).date()

    async def delete_old(self) -> None:
        """What is older than `keep_days` and not held, a hundred files at a time; each is told in its call's records."""
        settings = self._settings()
        keep_days, folder = settings.recording.keep_days, settings.recordings_dir
        if not keep_days or not await asyncio.to_thread(folder.is_dir):
            return
        before = self._today() - timedelta(days=keep_days)
        names = await asyncio.to_thread(lambda: list(recording_files.old(folder, before)))
        for first in range(0, len(names), DELETED_AT_ONCE):
            await self._delete(folder, names[first : first + DELETED_AT_ONCE], f"kept for {keep_days:g} days")
        await asyncio.to_thread(recording_files.forget_empty_days, folder, before)

    async def forget(self, call_ids: Sequence[str], reason: str) -> int:
        """The recordings of these calls, however new, but for what is held; how many. Raises StorageUnavailable."""
        folder = self._settings().recordings_dir
        found = [(call_id, await self._find(folder, call_id)) for call_id in call_ids]
        return await self._delete(folder, [(call_id, it.file) for call_id, it in found if it is not None], reason)

    async def _delete(self, folder: Path, names: Sequence[tuple[str, str]], reason: str) -> int:
        """The record first: whoever asks for a file that is gone is told why. A legal hold keeps the file."""
        held = await self._records.held_of([call_id for call_id, _ in names])
        names = [(call_id, name) for call_id, name in names if call_id not in held]
        known = await self._records.last_steps([call_id for call_id, _ in names])
        for call_id, name in names:
            if call_id in known:
                self.note(call_id, known[call_id], {"what": "deleted", "file": name, "reason": reason})
        await asyncio.to_thread(_unlink, [folder / name for _, name in names])
        return len(names)

    async def stop(self) -> None:
        """What is not done is taken up again by the next start."""
        tasks: list[asyncio.Task[Any]] = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _times(account: Account) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if account.answered_at is not None:
        found["started_at"] = account.answered_at
    if account.ended_at is not None:
        found["ended_at"] = account.ended_at
    if account.spans and account.whole:
        found["spans"] = ",".join(f"{round(since * 1000)}-{round(until * 1000)}" for since, until in account.spans)
    return found
