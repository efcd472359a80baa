"""Test calls (T18): asked for here or by the schedule, told of here. The life of one is `routing.probe`.

The schedule: every few seconds the moments that have come are looked at. One is due when no test call was asked for it and
it is not longer ago than `slots.LATE_S`; it waits while a test call cannot be placed (citizens wait, a surge) and is left
out when that lasts too long. Which moments are done is read from the records, so a service that restarts, even twice in a
row, calls nobody twice; while they do not answer after a start, nothing is called.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import structlog

from console.deps import Refused
from routing import commands as c
from routing import events as e
from routing import probing, slots
from routing.engine import Engine
from routing.probe import PREFIX, Fault, Probe, faults
from routing.slots import Slot
from service import clock
from service.settings import Settings
from storage.errors import StorageUnavailable
from storage.probes import known
from storage.records import Records

log = structlog.get_logger("hotline")

LOOK_S: Final = 5.0
SCHEDULE: Final = "schedule"  # who asked
AWAY: Final = "The database does not answer; try again in a moment."
KEPT: Final = 64  # of those that ended lately: the database has them some tenths of a second later
DONE_FOR_S: Final = 2 * 86400.0


class Probes:
    """One per service; implements `console.deps.Probes`. `ready`: why none can be placed now, None when they can."""

    def __init__(
        self,
        engine: Engine,
        submit: Callable[[e.Event], None],
        settings: Callable[[], Settings],
        records: Records,
        ready: Callable[[], str | None],
        secret: bytes,
    ) -> None:
        self._engine, self._submit, self._settings = engine, submit, settings
        self._records, self._ready, self._secret = records, ready, secret
        self._ended: dict[str, Probe] = {}
        self._done: set[str] | None = None  # moments of the schedule; None: not read yet
        self._skipped: set[str] = set()
        self._since = clock.wall() - slots.LATE_S  # what was due before that is of another service
        self.send: Callable[[c.DialProbe | c.DropProbe | c.CloseProbe, str, float], None] = lambda *what: None
        self.count: Callable[[str, str], None] = lambda number, outcome: None
        self.show: Callable[[Probe, bool], None] = lambda probe, good: None
        self.missed: Callable[[Mapping[str, float]], None] = lambda seconds: None

    # -- placing -------------------------------------------------------------------------------------------------------

    async def place(self, number: str, by: str) -> Mapping[str, Any]:
        """Raises Refused, and has done nothing then."""
        if (refused := self._refusal(number)) is not None:
            raise refused
        probe = self._ask(number, by, "")
        if probe is None:
            raise Refused(409, "A test call could not be placed; try again in a moment.")
        log.info("audit", what="test call", probe=probe.id, number=number, by=by)
        return self._told(probe)

    def _refusal(self, number: str) -> Refused | None:
        if number not in self._engine.rules.lines:
            return Refused(404, f"There is no line {number}; {', '.join(self._engine.rules.lines)} can be tested.")
        if self._dial(number) is None:
            return Refused(409, "There is no trunk for test calls; name one: trunk and caller in [probe].")
        if (why := self._ready()) is not None:
            return Refused(503, why)
        if (why := probing.refusal(self._engine, self._engine.rules.probing.most_waiting)) is not None:
            return Refused(409, f"No test call now: {why}.")
        return None

    def _dial(self, number: str) -> str | None:
        settings = self._settings()
        trunk = next((trunk for trunk in settings.trunks if trunk.name == settings.probe.trunk), None)
        return None if trunk is None or not settings.probe_caller() else trunk.dial.replace("{number}", number)

    def _ask(self, number: str, by: str, slot: str) -> Probe | None:
        dial = self._dial(number)
        assert dial is not None, "looked at before"
        probe_id = f"{PREFIX}{round(clock.wall() * 1000)}-{secrets.token_hex(4)}"
        self._submit(e.ProbeAsked(probe_id, number, by, dial, slot))
        return self._engine.probes.get(probe_id) or self._ended.get(probe_id)

    def carry_out(self, command: c.DialProbe | c.DropProbe | c.CloseProbe) -> None:
        self.send(command, self._settings().probe.caller, clock.wall())

    # -- the schedule --------------------------------------------------------------------------------------------------

    async def keep(self) -> None:
        await self._recall()
        while True:
            if self._done is None:
                await self._read_done()
            if self._done is not None:
                self._look(self._done)
            await asyncio.sleep(LOOK_S)

    async def _recall(self) -> None:
        """The last results, for who looks at the metrics after a restart."""
        try:
            rows = await self._records.last_probes()
        except StorageUnavailable:
            return
        for probe in known(rows).values():
            self._show(probe)

    async def _read_done(self) -> None:
        try:
            self._done = await self._records.probed_slots(round((clock.wall() - DONE_FOR_S) * 1000))
        except StorageUnavailable:
            self._done = None

    def _look(self, done: set[str]) -> None:
        """Places the oldest that is due, if one can be placed."""
        settings, now = self._settings(), clock.wall()
        both = slots.begun(settings.probe_schedule(), now, settings.zone_info, self._secret)
        begun = [slot for slot in both if slot.at >= self._since]
        for known_ in (done, self._skipped):
            known_.intersection_update(slot.id for slot in both)
        open_ = [slot for slot in begun if slot.id not in done]
        for slot in open_:
            if slot.at < now - slots.LATE_S:
                self._leave_out(slot)
        due = [slot for slot in open_ if slot.at >= now - slots.LATE_S]
        if due and self._refusal(due[0].number) is None:
            done.add(due[0].id)
            self._ask(due[0].number, SCHEDULE, due[0].id)
        self._tell_missed(begun, done, now)

    def _leave_out(self, slot: Slot) -> None:
        if slot.id not in self._skipped:
            self._skipped.add(slot.id)
            log.warning("test call left out", number=slot.number, slot=slot.id)

    def _tell_missed(self, begun: Iterable[Slot], done: set[str], now: float) -> None:
        """By number: how long ago the first moment was for which nothing was called since the last one that was."""
        since: dict[str, float] = {}
        for slot in begun:
            if slot.id in done:
                since.pop(slot.number, None)
            else:
                since.setdefault(slot.number, slot.at)
        self.missed({number: max(0.0, now - at) for number, at in since.items()})

    # -- telling -------------------------------------------------------------------------------------------------------

    def over(self, probe: Probe) -> None:
        """One has ended."""
        self._ended[probe.id] = probe
        while len(self._ended) > KEPT:
            del self._ended[next(iter(self._ended))]
        self.count(probe.number, str(probe.outcome))
        self._show(probe)

    def _show(self, probe: Probe) -> None:
        found = faults(probe, self._settings().probe.limits)
        if probe.ended_at is not None and Fault.NOT_MEASURED not in found:
            self.show(probe, not found)

    async def shown(self, probe_id: str) -> Mapping[str, Any]:
        """Raises Refused when there was none."""
        found = next((probe for probe in await self._newest(200) if probe.id == probe_id), None)
        if found is None:
            raise Refused(404, f"There is no test call {probe_id[:64]}.")
        return self._told(found)

    async def listed(self, *, number: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """The newest first."""
        return [self._told(probe) for probe in await self._newest(limit, number)]

    async def _newest(self, limit: int, number: str = "") -> list[Probe]:
        """The newest first; those of the last moments from memory."""
        try:
            found = known(await self._records.recent_probes(limit, number=number))
        except StorageUnavailable:
            found = {}
            if not self._ended and not self._engine.probes:
                raise Refused(503, AWAY) from None
        for probe in [*self._ended.values(), *self._engine.probes.values()]:
            if not number or probe.number == number:
                found[probe.id] = probe
        return sorted(found.values(), key=lambda probe: -probe.asked_at)[:limit]

    def _told(self, probe: Probe) -> dict[str, Any]:
        """By the keys of `probe_schemas.ProbeOut`."""
        return {
            "id": probe.id, "number": probe.number, "by": probe.by, "state": probe.state.value,
            "asked_at": probe.asked_at, "ended_at": probe.ended_at,
            "outcome": None if probe.outcome is None else probe.outcome.value,
            "cause": probe.cause, "sip": probe.sip, "dial_delay_s": probe.dial_delay_s, "answer_s": probe.answer_s,
            "ring_s": probe.ring_s, "call": probe.call_id, "seat": probe.seat_id, "agent": probe.agent_id,
            "answered_by": probe.answered_by, "inside_s": _inside_s(probe),
            "faults": [fault.value for fault in faults(probe, self._settings().probe.limits)],
        }  # fmt: skip


def _inside_s(probe: Probe) -> float | None:
    """The same answer by our own clock: arrival until the bridge."""
    if probe.arrived_at is None or probe.in_answered_at is None:
        return None
    return round(max(0.0, probe.in_answered_at - probe.arrived_at), 3)
