"""Feature codes: what an agent dials on the phone of a seat.

The phone says which seat it is (Asterisk knows it by its password), and whoever sits there is meant. Done or refused is
told by a tone. An agent who is signed in while his phone is registered cannot sign out by a code: the phone would sign
him in again when he hangs up.
"""

from __future__ import annotations

import structlog

from routing.model import Rules, SignIn
from service.acts import Acts
from telephony.agi.codec import AgiRequest
from telephony.names import Act, Verb

log = structlog.get_logger("hotline")


class Codes:
    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def answer(self, request: AgiRequest, rules: Rules) -> Verb:
        """Does what was dialled."""
        act, seat_id = Act(request.act), request.seat_id
        agent = self._acts.at(seat_id)
        agent_id = request.value if act is Act.SIGN_IN else agent.id if agent is not None else ""
        refusal = self._do(act, agent_id, seat_id, request.value, rules) if agent_id else "nobody is signed in there"
        say = log.info if refusal is None else log.warning
        say("agent_act", act=act.value, agent=agent_id, by=f"phone of seat {seat_id}", refusal=refusal)
        return Verb.DONE if refusal is None else Verb.REFUSED

    def _do(self, act: Act, agent_id: str, seat_id: str, value: str, rules: Rules) -> str | None:
        match act:
            case Act.SIGN_IN:
                return self._acts.sign_in(agent_id, seat_id)
            case Act.SIGN_OUT if rules.agents[agent_id].sign_in is SignIn.PHONE:
                return f"agent {agent_id} is signed in while the phone is registered"
            case Act.SIGN_OUT:
                return self._acts.sign_out(agent_id)
            case Act.READY:
                return self._acts.ready(agent_id)
            case Act.PAUSE:
                return self._acts.pause(agent_id, value)
            case Act.EXTEND:
                return self._acts.extend_wrap_up(agent_id)
