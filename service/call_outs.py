"""Calls that agents place (T9, T17): checked here, asked for here, told of here. The life of one is `routing.outbound`."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from console.deps import Refused
from routing import calling_out, pacing
from routing import events as e
from routing.engine import Engine
from routing.model import Mode, Rules
from routing.outbound import PREFIX, Outbound, OutKind
from routing.permitted import follow_up_refusal
from service import clock
from service.callbacks import AWAY, Callbacks
from service.citizens import way_to
from service.settings import Settings
from storage.errors import StorageUnavailable
from storage.outbound import CLOSED, outbound_of
from storage.records import Records

log = structlog.get_logger("hotline")

KEPT: Final = 256  # of those that ended lately: the database has them some tenths of a second later
LISTED: Final = 200


class CallOuts:
    """One per service; implements `console.deps.CallOuts`. `ready`: why none can be placed now, None when they can."""

    def __init__(
        self,
        engine: Engine,
        submit: Callable[[e.Event], None],
        settings: Callable[[], Settings],
        records: Records,
        callbacks: Callbacks,
        ready: Callable[[], str | None],
    ) -> None:
        self._engine, self._submit, self._settings = engine, submit, settings
        self._records, self._callbacks, self._ready = records, callbacks, ready
        self._ended: OrderedDict[str, Outbound] = OrderedDict()

    def over(self, out: Outbound) -> None:
        """One has ended."""
        self._ended[out.id] = out
        while len(self._ended) > KEPT:
            self._ended.popitem(last=False)

    # -- placing -------------------------------------------------------------------------------------------------------

    async def place(self, agent_id: str, wanted: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        """Rings the agent, then the citizen. `role`: of `by`. Raises Refused, and has done nothing then."""
        self._check(agent_id)
        kind, line, case, number, ref = await self._whom(wanted)
        dial, refused = self._way(number, role, typed=kind is OutKind.FOLLOW_UP)
        if refused is not None:
            log.warning("outbound call refused", agent=agent_id, by=by, reason=refused)
            raise Refused(422, refused)
        self._check(agent_id)  # the database was asked meanwhile
        entry = wanted.get("callback")
        self._free(entry)
        if ref is not None and pacing.is_served(self._engine, ref, None):
            raise Refused(409, "the citizen is calling in just now, or is being called")
        out_id = new_id()
        self._submit(e.OutboundAsked(out_id, kind, agent_id, line, dial, case, entry, by, ref))
        out = self._engine.outbound.get(out_id) or self._ended.get(out_id)
        if out is None:
            raise Refused(409, f"agent {agent_id} is not ready any more")
        log.info("audit", what="outbound call", outbound=out_id, agent=agent_id, callback=entry, by=by)
        return told(out)

    def _way(self, number: str, role: str, *, typed: bool) -> tuple[str, str | None]:
        """As `way_to`. Who types a number may follow up cases; the number of an entry was written there before."""
        settings = self._settings()
        against = follow_up_refusal(role, settings.dialing_rules()) if typed else None
        return ("", against) if against is not None else way_to(number, settings)

    def _check(self, agent_id: str) -> None:
        if agent_id not in self._engine.floor.agents:
            raise Refused(404, f"agent {agent_id} is not known")
        if (why := self._ready()) is not None:
            raise Refused(503, why)
        if (why := calling_out.refusal(self._engine, agent_id)) is not None:
            raise Refused(409, why)

    def _free(self, entry: int | None) -> None:
        if entry is not None and any(out.callback == entry for out in self._engine.outbound.values()):
            raise Refused(409, f"call-back {entry} is being called already")

    async def _whom(self, wanted: Mapping[str, Any]) -> tuple[OutKind, str, str, str, str | None]:
        """Kind, line, case, number, and of an entry the reference of the citizen."""
        entry, case, number = wanted.get("callback"), wanted.get("case") or "", wanted.get("number") or ""
        if (entry is None) == (not number) or (number and not case):
            raise Refused(422, "name either the callback, or a case and the number of its citizen")
        line = self._line(wanted.get("line") or "")
        if entry is None:
            return OutKind.FOLLOW_UP, line, case, number, None
        row = await self._callbacks.fresh(entry)
        if row.state in CLOSED:
            raise Refused(409, f"call-back {entry} is {row.state.replace('_', ' ')}; set it to open first")
        line = row.line if row.line in self._engine.rules.lines else line
        return OutKind.CALLBACK, line, row.case_id, self._callbacks.number(row), row.ref

    def _line(self, wanted: str) -> str:
        if wanted and wanted not in self._engine.rules.lines:
            raise Refused(422, f"there is no line {wanted}")
        return wanted or first_line(self._engine.rules)

    # -- telling -------------------------------------------------------------------------------------------------------

    async def shown(self, out_id: str) -> Mapping[str, Any]:
        """Raises Refused when there was none."""
        out = self._engine.outbound.get(out_id)
        if out is not None:
            return told(out)
        known = self._ended.get(out_id)
        try:
            row = await self._records.outbound(out_id)
        except StorageUnavailable:
            if known is None:
                raise Refused(503, AWAY) from None
            return told(known)
        if row is None:
            if known is None:
                raise Refused(404, f"there is no outbound call {out_id}")
            return told(known)
        return told(known or outbound_of(row), row["recording"])

    async def listed(self, *, callback: int | None, case: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """The newest first; those of the last moments from memory."""
        try:
            rows = await self._records.recent_outbound(min(limit, LISTED), callback=callback, case=case)
        except StorageUnavailable:
            raise Refused(503, AWAY) from None
        known = {row["id"]: outbound_of(row) for row in rows}
        recorded = {row["id"]: row["recording"] for row in rows}
        for out in [*self._ended.values(), *self._engine.outbound.values()]:
            if (callback is None or out.callback == callback) and (not case or out.case == case):
                known[out.id] = out
        newest = sorted(known.values(), key=lambda out: -out.asked_at)[:limit]
        return [told(out, recorded.get(out.id)) for out in newest]


def new_id() -> str:
    return f"{PREFIX}{round(clock.wall() * 1000)}-{secrets.token_hex(4)}"


def first_line(rules: Rules) -> str:
    """Whose number a citizen is shown when nobody says otherwise: the first own line."""
    own = (line.number for line in rules.lines.values() if line.mode is Mode.OWN)
    return next(own, next(iter(rules.lines), ""))


def told(out: Outbound, recording: str | None = None) -> dict[str, Any]:
    """By the keys of `schemas.OutboundOut`."""
    return {
        "id": out.id, "kind": out.kind.value, "case": out.case, "callback": out.callback, "agent": out.agent_id,
        "seat": out.seat_id, "line": out.line, "state": out.state.value, "asked_at": out.asked_at,
        "agent_answered_at": out.agent_answered_at, "dialled_at": out.dialled_at,
        "citizen_ringing_at": out.citizen_ringing_at, "answered_at": out.answered_at, "ended_at": out.ended_at,
        "outcome": None if out.outcome is None else out.outcome.value, "recording": recording, "cause": out.cause,
        "by": out.by, "offered": out.paced,
    }  # fmt: skip
