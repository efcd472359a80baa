"""Recordings of calls: paused and resumed, and what became of each file once its call is over.

Asterisk records by itself, begun by the dialplan (`recording_files`); this is who listens. It follows the steps of each
call (`routing.recording`), so it knows what should be in the file. A pause is asked of Asterisk, told to the engine only
after Asterisk has said yes, and ends with the agent who wanted it: whoever comes next finds the recording running. From
the moment an emergency is asked for nothing is left out any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog

from console.deps import Refused
from routing import events as e
from routing import recording
from routing.calls import Call
from routing.outbound import Outbound, is_outbound
from routing.recording import Account
from routing.steps import Step, StepKind
from service import clock, recording_files
from service.recording_ends import Endings
from service.settings import Settings
from storage.errors import StorageUnavailable
from storage.records import Records
from telephony.ami import actions
from telephony.ami.legs import CallId
from telephony.ami.link import AmiDisconnected, AmiRefused

log = structlog.get_logger("hotline")

AGAIN_S: Final = 1.0  # between two tries to end a pause that must not last
SERVICE: Final = "service"
BY_KEYS: Final = "keys"  # the reason of a pause that was asked for on a phone
_PARTED: Final = frozenset({StepKind.TALK_ENDED, StepKind.AGENT_LEFT, StepKind.REQUEUED})
Act = Callable[[actions.AmiAction], Awaitable[object]]


class Recordings:
    """`known` is the engine's record of an open call, also of one that an agent placed; `act` sends an AMI action; `keep`
    writes, counts and logs a step of a call that routing has no part in; `bug` counts a bug."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        records: Records,
        *,
        known: Callable[[str], Call | Outbound | None],
        act: Act,
        submit: Callable[[e.Event], None],
        keep: Callable[[Step], None],
        bug: Callable[[str], None],
    ) -> None:
        self._settings, self._records, self._known, self._act, self._submit = settings, records, known, act, submit
        self._accounts: dict[str, Account] = {}
        self._held: set[str] = set()  # calls whose pause is just being asked for
        self._tasks: set[asyncio.Task[Any]] = set()
        self.ends = Endings(settings, records, keep, bug)
        # Epoch seconds: a call that ended later and has no file is missing one; what ended before may be from a time
        # without recordings.
        self.unsure_since = math.inf
        # Epoch seconds: from then on nothing of a call that was placed went unseen.
        self.seen_since = clock.wall()

    # -- following ----------------------------------------------------------------------------------------------------

    def follow(self, step: Step) -> None:
        """One more step of any call. Never raises."""
        if step.kind is StepKind.RECORDING and step.data.get("what") in ("ended", "deleted"):
            return
        account = recording.after(self._accounts.get(step.call_id) or Account(step.call_id), step)
        if step.kind is StepKind.ENDED:
            self._accounts.pop(step.call_id, None)
            self.ends.over(account)
            return
        self._accounts[step.call_id] = account
        if account.paused_by and (account.emergency or step.kind in _PARTED):
            self._spawn(self._go_on(account.call_id, "emergency" if account.emergency else "the agent left"))

    def called_out(self, out: Outbound) -> None:
        """A call that an agent placed is over. Never raises."""
        account = self._accounts.pop(out.id, None) or Account(out.id)
        self.ends.over(recording.of_outbound(account, out, whole=out.asked_at >= self.seen_since))

    async def _go_on(self, call_id: str, why: str) -> None:
        """Ends a pause that nobody may keep, as often as it takes; also one of which Asterisk has not told us."""
        while call_id in self._accounts:
            if await self._hold(call_id, paused=False, reason=why, by=SERVICE) is None:
                return
            await asyncio.sleep(AGAIN_S)

    # -- pause and resume ---------------------------------------------------------------------------------------------

    def allowed(self, call_id: str) -> str | None:
        """None: this recording may be paused now; else one sentence says why not."""
        call = self._known(call_id)
        if call is None:
            return "There is no such call, or it has ended."
        if not self._settings().recording.enabled:
            return "Calls are not recorded."
        account = self._accounts.get(call_id)
        if call.answered_at is None:
            return "Nobody has answered the call: nothing is recorded yet."
        if account is not None and account.emergency:
            return "In an emergency the recording is never paused."
        return None

    async def pause(self, call_id: str, reason: str, by: str) -> str | None:
        """None when it is paused, else one sentence that says why not. The file goes on, with silence."""
        reason = " ".join(reason.split())
        if not reason:
            return "A pause needs a reason."
        if (refusal := self.allowed(call_id)) is not None:
            return refusal
        if self._paused(call_id):
            return "The recording is paused already."
        return await self._hold(call_id, paused=True, reason=reason, by=by)

    async def resume(self, call_id: str, reason: str, by: str) -> str | None:
        """None when it goes on, else one sentence that says why not."""
        if self._known(call_id) is None:
            return "There is no such call, or it has ended."
        if not self._paused(call_id):
            return "The recording is not paused."
        return await self._hold(call_id, paused=False, reason=" ".join(reason.split()), by=by)

    async def toggle(self, call_id: str, by: str) -> str | None:
        """By one key: paused, or going on again. None when it is done, else one sentence that says why not."""
        if self._paused(call_id):
            return await self.resume(call_id, BY_KEYS, by)
        return await self.pause(call_id, BY_KEYS, by)

    def knows(self, call_id: str) -> bool:
        """It is a call that is going on."""
        return self._known(call_id) is not None

    def agent_of(self, call_id: str) -> str | None:
        """Who speaks with the caller now."""
        call, account = self._known(call_id), self._accounts.get(call_id)
        return account.agent_id if account and account.agent_id else call.agent_id if call else None

    def _paused(self, call_id: str) -> bool:
        account = self._accounts.get(call_id)
        return bool(account and account.paused_by)

    async def _hold(self, call_id: str, *, paused: bool, reason: str, by: str) -> str | None:
        if call_id in self._held:
            return "Another request for this recording is under way."
        self._held.add(call_id)
        try:
            await self._act(actions.mute_recording(_recorded(call_id), on=paused))
        except AmiDisconnected:
            return "Asterisk cannot be asked now: there is no AMI link."
        except AmiRefused:
            return "Asterisk does not record this call."
        except TimeoutError:
            if paused:  # it may be silent now, and nobody would know
                self._spawn(self._go_on(call_id, "not confirmed"))
            return "Asterisk did not answer; the recording goes on."
        finally:
            self._held.discard(call_id)
        self._tell(call_id, paused, reason, by)
        return None

    def _tell(self, call_id: str, paused: bool, reason: str, by: str) -> None:
        """To the engine, in whose story of the call it stands; of a call that an agent placed it tells none."""
        if not is_outbound(call_id):
            self._submit(e.RecordingHeld(call_id, paused, reason, by, clock.wall()))
            return
        account = self._accounts.get(call_id) or Account(call_id)
        self.ends.note(call_id, account.last_seq, recording.held(paused, reason, by))

    # -- listening ----------------------------------------------------------------------------------------------------

    async def file(self, call_id: str) -> Path:
        """The recording of a call that is over.

        Raises:
            Refused: there is none, with the reason.
        """
        if self.knows(call_id):
            raise Refused(409, "The call is not over.")
        try:
            row = await self._records.recording(call_id)
        except StorageUnavailable:
            raise Refused(503, "The records do not answer, try again later.") from None
        if row is None or row.ended_ms is None:
            raise Refused(404, "The call has no recording.")
        if row.deleted_ms is not None:
            raise Refused(410, "The recording was deleted after its time.")
        path = recording_files.inside(self._settings().recordings_dir, row.file or "")
        if path is None or not await asyncio.to_thread(path.is_file):
            raise Refused(404, f"The recording is not there: {row.problem or 'its file is gone'}.")
        return path

    # -- life ---------------------------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Takes over what the last run left, then looks after the folder. For ever."""
        await self.ends.recover(self.unsure_since, self._take_over)
        await self.ends.look_after()

    def _take_over(self, account: Account) -> None:
        """An open call as the records know it, when they know as much as we do."""
        mine = self._accounts.get(account.call_id)
        if self.knows(account.call_id) and (mine is None or account.last_seq >= mine.last_seq):
            self._accounts[account.call_id] = account
            if account.paused_by and (account.emergency or account.since is None):
                self._spawn(self._go_on(account.call_id, "emergency" if account.emergency else "the agent left"))

    def _spawn(self, what: Any) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ends.stop()


def _recorded(call_id: str) -> str:
    """The uniqueid of the channel that its recording hangs on."""
    return call_id if is_outbound(call_id) else CallId.parse(call_id).caller
