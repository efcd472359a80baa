"""Figures since midnight, and calls as people read them: what console and commands are given from the records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from console.deps import LineToday
from metrics import measures
from routing.model import Line, Mode, Rules
from routing.steps import Judgement
from service import clock
from storage.queries import CallRecord, LineFigures
from storage.records import Records

LEFT_OUT = frozenset({Judgement.RESTRICTED, Judgement.TEST})


def midnight_ms(zone: tzinfo, wall: float) -> int:
    """Epoch ms of the start of today in the hotline's own time zone."""
    start = datetime.fromtimestamp(wall, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(start.timestamp() * 1000)


async def figures(records: Records, rules: Rules, zone: tzinfo) -> Sequence[LineToday]:
    """One entry a dialled number, those without calls included."""
    found = {row.line: row for row in await records.line_figures(midnight_ms(zone, clock.wall()))}
    lines = rules.lines.values()
    return [_line(line.number, shown_name(line), found.get(line.number, LineFigures(line.number))) for line in lines]


def shown_name(line: Line) -> str:
    """A merged number is known by its subject; its name is that of the line that serves it."""
    return line.subject if line.mode is Mode.MERGED and line.subject else line.name


def _line(number: str, name: str, row: LineFigures) -> LineToday:
    judged = sum(count for result, count in row.judged.items() if result not in LEFT_OUT)
    return LineToday(
        number,
        name,
        row.offered,
        judged,
        row.answered,
        row.in_time,
        row.abandoned,
        row.in_time / judged if judged else None,
        measures.HEADLINE,
        _seconds(row.p50_ms),
        _seconds(row.p95_ms),
        _seconds(row.max_ms),
        row.judged.get(Judgement.FAILED, 0),
        row.judged.get(Judgement.FLOWED_OUT, 0),
        row.judged.get(Judgement.RESTRICTED, 0),
    )


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def shown(call: CallRecord, rules: Rules) -> dict[str, object]:
    """A call as `hotline calls` and the API show it; no caller's number, no reference to one."""
    agent = rules.agents.get(call.agent_id or "")
    return {
        "call_id": call.call_id,
        "arrived_at": call.arrived_ms / 1000,
        "number": call.number,
        "line": call.line,
        "wait_s": _seconds(call.wait_ms),
        "talk_s": _seconds(call.talk_ms),
        "seat": call.seat_id,
        "agent": agent.name if agent else call.agent_id,
        "outcome": call.outcome or ("talking" if call.answered_ms else "waiting"),
        "judged": call.judged,
        "ended_by": call.ended_by,
        "presented": call.presented,
        "fallback": call.fallback_stage,
        "flags": call.flags,
        "recording": call.recording,
        "case": call.case_id,
    }
