"""Feature codes during a talk: keys become the same acts that desk and API ask for.

The dialplan waits for a word for one second (`config.feature_codes.ACK_MS`), then goes its own way: a tone of error, and an
emergency centre dialled by itself. What we read too late, after a stall, must not happen a second time or against that
tone: it is left undone. Both clocks are this machine's, for AMI is spoken on loopback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from console.deps import Refused
from routing import events as e
from routing.joined import Verb
from service import clock
from service.joins import OTHERS_CALL, Joins
from telephony.names import RECORDING, Ack

log = structlog.get_logger("hotline")

IN_TIME_S: Final = 0.9  # of the dialplan's second; the rest is the way back


class JoinCodes:
    """`answer` writes the word on the leg on which the keys were pressed. `record` pauses the recording of a call, or lets
    it go on; None when it is done."""

    def __init__(
        self,
        joins: Joins,
        answer: Callable[[str, Ack], None],
        record: Callable[[str, str], Awaitable[str | None]],
    ) -> None:
        self._joins, self._answer, self._record = joins, answer, record
        self._tasks: set[asyncio.Task[None]] = set()

    def dialled(self, event: e.CodeDialled) -> None:
        late_s = clock.wall() - event.at
        if late_s > IN_TIME_S:
            log.warning("keys read too late", call_id=event.call_id, act=event.verb, late_s=round(late_s, 3))
            return
        if event.verb == RECORDING:
            self._toggle(event)
            return
        verb, value = (Verb.EMERGENCY, event.verb) if event.verb.isdigit() else (Verb(event.verb), event.value)
        try:
            self._joins.ask_by_phone(event.call_id, verb, value, event.seat_id)
        except Refused:  # its story and the log have it
            self._answer(event.leg, Ack.REFUSED)
        else:
            self._answer(event.leg, Ack.DONE)

    def _toggle(self, event: e.CodeDialled) -> None:
        """Asterisk is asked, so the word comes when it has answered."""
        by, own = self._joins.by_phone(event.call_id, event.seat_id)
        if not own:
            self._told(event, OTHERS_CALL)
            return
        task = asyncio.get_running_loop().create_task(self._recording(event, by))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recording(self, event: e.CodeDialled, by: str) -> None:
        self._told(event, await self._record(event.call_id, by))

    def _told(self, event: e.CodeDialled, refusal: str | None) -> None:
        if refusal is not None:
            log.info("keys refused", call_id=event.call_id, act=event.verb, seat=event.seat_id, reason=refusal)
        self._answer(event.leg, Ack.DONE if refusal is None else Ack.REFUSED)
