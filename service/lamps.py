"""The lamps of the phones: what an agent is doing, as a device state that any phone can subscribe to.

Only seats with `lamp = true` are shown, and only a change is sent: each one is an AMI action and a write into Asterisk's
own database. After a new link all are sent again, for nobody knows what was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from routing.agent_state import AgentState
from routing.engine import Engine

SHOWN: Final[Mapping[AgentState, str]] = {
    AgentState.SIGNED_OUT: "UNAVAILABLE",
    AgentState.READY: "NOT_INUSE",
    AgentState.RINGING: "RINGING",
    AgentState.TALKING: "INUSE",
    AgentState.WRAP_UP: "ONHOLD",
    AgentState.PAUSED: "BUSY",
}


class Lamps:
    def __init__(self, engine: Engine, light: Callable[[str, str], None]) -> None:
        self._engine, self._light = engine, light
        self._sent: dict[str, str] = {}

    def again(self) -> None:
        """There is a link again: everything anew."""
        self._sent.clear()
        self.look()

    def look(self, seat_id: str | None = None) -> None:
        """Something changed at this seat, or anywhere."""
        seats = self._engine.rules.seats
        for one in seats.values() if seat_id is None else filter(None, [seats.get(seat_id)]):
            if one.lamp:
                self._show(one.id)

    def _show(self, seat_id: str) -> None:
        agent = self._engine.floor.agent_at(seat_id)
        state = SHOWN[agent.state if agent else AgentState.SIGNED_OUT]
        if self._sent.get(seat_id) != state:
            self._sent[seat_id] = state
            self._light(seat_id, state)
