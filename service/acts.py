"""What an agent does at his seat, whoever asks for it: console, commands, or a feature code on a phone.

Each act returns None when it is done, else one sentence that says why not.
"""

from __future__ import annotations

from collections.abc import Callable

from routing import events as e
from routing.agent_state import Agent, AgentState
from routing.engine import Engine


class Acts:
    def __init__(
        self, engine: Engine, submit: Callable[[e.Event], None], reason_of: Callable[[str], str | None]
    ) -> None:
        """`reason_of`: the name of a reason by its code or name, None for no such reason."""
        self._engine, self._submit, self._reason_of = engine, submit, reason_of

    def sign_in(self, agent_id: str, seat_id: str) -> str | None:
        refusal = self._engine.floor.refusal(agent_id, seat_id)
        if refusal is None:
            self._submit(e.AgentSignedIn(agent_id, seat_id))
        return refusal

    def sign_out(self, agent_id: str) -> str | None:
        if agent_id not in self._engine.floor.agents:
            return f"agent {agent_id} is not known"
        self._submit(e.AgentSignedOut(agent_id))
        return None

    def pause(self, agent_id: str, reason: str) -> str | None:
        name = self._reason_of(reason)
        if name is None:
            return f'there is no reason "{reason}"; [[reason]] in the configuration names them, by code and name'
        return self._seated(agent_id, e.AgentPaused(agent_id, name))

    def ready(self, agent_id: str) -> str | None:
        return self._seated(agent_id, e.AgentReady(agent_id))

    def extend_wrap_up(self, agent_id: str) -> str | None:
        agent = self._engine.floor.agents.get(agent_id)
        if agent is not None and agent.state is not AgentState.WRAP_UP:
            return f"agent {agent_id} is not in wrap-up"
        if agent is not None and agent.extended:
            return f"the wrap-up of agent {agent_id} was extended already; it can be once"
        return self._seated(agent_id, e.WrapUpExtended(agent_id))

    def at(self, seat_id: str) -> Agent | None:
        """Who sits there."""
        return self._engine.floor.agent_at(seat_id)

    def _seated(self, agent_id: str, event: e.Event) -> str | None:
        agent = self._engine.floor.agents.get(agent_id)
        if agent is None:
            return f"agent {agent_id} is not known"
        if agent.seat_id is None:
            return f"agent {agent_id} is not signed in"
        self._submit(event)
        return None
