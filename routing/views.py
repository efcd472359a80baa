"""What the engine shows of itself: plain values for status page, wallboard and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from routing.agent_state import AgentState
from routing.call_state import UNANSWERED, CallState
from routing.model import DeviceState, DutyView, EngineView, LineView, Mode, SeatView
from routing.probe import TESTED

if TYPE_CHECKING:
    from routing.desk import Desk


def engine_view(engine: Desk, now: float, duty: Callable[[str], DutyView | None] = lambda line: None) -> EngineView:
    """A snapshot; a merged number's calls are counted at the line that serves them. `duty`: who is on it, of a line."""
    return EngineView(_lines(engine, now, duty), _seats(engine, now), engine.deciding, engine.floor.ami_up)


def _lines(engine: Desk, now: float, duty: Callable[[str], DutyView | None]) -> tuple[LineView, ...]:
    waits: dict[str, list[float]] = {}
    talking: dict[str, int] = {}
    for call in engine.calls.values():
        if call.test:
            continue
        if call.state in UNANSWERED:
            waits.setdefault(call.line.number, []).append(now - call.arrived)
        elif call.state is CallState.CONNECTED:
            talking[call.line.number] = talking.get(call.line.number, 0) + 1
    return tuple(
        LineView(
            line.number,
            line.name,
            len(waits.get(line.number, ())),
            max(waits.get(line.number, ()), default=0.0),
            talking.get(line.number, 0),
            duty(line.number),
        )
        for line in engine.rules.lines.values()
        if line.mode is not Mode.MERGED
    )


def _seats(engine: Desk, now: float) -> tuple[SeatView, ...]:
    return tuple(_seat(engine, seat_id, now) for seat_id in engine.rules.seats)


def _seat(engine: Desk, seat_id: str, now: float) -> SeatView:
    agent = engine.floor.agent_at(seat_id)
    device = engine.floor.devices.get(seat_id, DeviceState.UNKNOWN)
    if agent is None:
        return SeatView(seat_id, None, "", AgentState.SIGNED_OUT.value, 0.0, device, None)
    call = engine.calls.get(agent.call_id) if agent.call_id else None
    out = engine.outbound.get(agent.call_id) if agent.call_id else None
    profile = engine.rules.agents.get(agent.id)
    return SeatView(
        seat_id,
        agent.id,
        profile.name if profile else agent.id,
        agent.state.value,
        max(0.0, now - agent.since),
        device,
        call.line.number if call else out.line if out else None,
        "" if agent.reason == TESTED and agent.state is AgentState.RINGING else agent.reason,  # nobody is warned of one
    )
