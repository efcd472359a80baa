"""The floor: every seat, the person at it, and what the phone is doing. Owns all agent transitions and their indexes."""

from __future__ import annotations

from collections.abc import Iterator

from routing import agent_state
from routing.agent_state import Agent, AgentEvent, AgentState
from routing.candidates import FREE, UNCERTAIN, Standings
from routing.choice import SeatNow, takes_nobody
from routing.codes import AWAY_DEVICES, STATE_CODE, Code
from routing.commands import WriteSignIn
from routing.free_seats import FreeSeats
from routing.model import DeviceState, Ring, Rules, SignIn
from routing.presence import Presence

# A phone that did not even ring is left alone until `qualify` has had a look at it (qualify_frequency 15 s + timeout 2 s).
UNREACHABLE_PAUSE_S = 17.0
# Reasons of pauses that end by themselves; an agent's own words never begin so.
BUSY, NO_ANSWER, NO_RINGING = "auto: busy", "auto: no answer", "auto: phone does not ring"
NOT_READY_YET = "auto: signed in, not ready yet"  # ends by the agent's act
SET_ASIDE = "auto: set aside after two missed calls"  # ends by the agent's act
TIMED = frozenset({BUSY, NO_ANSWER, NO_RINGING})
PAUSE_CODE = {
    BUSY: Code.PAUSED_BUSY,
    NO_ANSWER: Code.PAUSED_NO_ANSWER,
    NO_RINGING: Code.PAUSED_NO_RINGING,
    SET_ASIDE: Code.SET_ASIDE,
    NOT_READY_YET: Code.NOT_READY_YET,
}
ABSENT = AWAY_DEVICES
AWAY = frozenset({AgentState.SIGNED_OUT, AgentState.PAUSED})


class Floor:
    """Seats, agents and devices. Mutable, private to the engine; every record in it is frozen."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.ami_up = False
        self.agents: dict[str, Agent] = {id_: Agent(id_) for id_ in rules.agents}
        self.devices: dict[str, DeviceState] = {}
        self.at_seat: dict[str, str] = {}  # seat id -> agent id
        self.free = FreeSeats(rules.lines.values())
        self.present = Presence()
        self.standings = Standings(rules)
        self.changed: set[str] = set()  # seats to look at again
        self.signs: list[WriteSignIn] = []
        self.woken: list[tuple[float, str]] = []  # (when, agent id) for the engine's timers

    # -- looking ------------------------------------------------------------------------------------------------------

    def seat_now(self, seat_id: str) -> SeatNow | None:
        """The seat with its person, or None when nobody sits there or it is not in the rules."""
        agent_id = self.at_seat.get(seat_id)
        seat = self.rules.seats.get(seat_id)
        if agent_id is None or seat is None or agent_id not in self.rules.agents:
            return None
        profile, agent = self.rules.agents[agent_id], self.agents[agent_id]
        device = self.devices.get(seat_id) if self.ami_up else None
        if seat.remote:  # Asterisk knows nothing of it; the calls that are on it are ours
            device = DeviceState.NOT_INUSE
        return SeatNow(seat, profile, agent, device, self.ami_up)

    def all_seats(self) -> Iterator[SeatNow]:
        return (now_at for seat_id in self.at_seat if (now_at := self.seat_now(seat_id)))

    def anybody(self, ring: Ring) -> bool:
        """Whether somebody who belongs to the ring is signed in and not paused."""
        return self.present.anybody(ring.need)

    def agent_at(self, seat_id: str) -> Agent | None:
        agent_id = self.at_seat.get(seat_id)
        return None if agent_id is None else self.agents[agent_id]

    # -- changing -----------------------------------------------------------------------------------------------------

    def apply(
        self,
        agent_id: str,
        event: AgentEvent,
        now: float,
        wall: float,
        *,
        reason: str = "",
        limit_s: float | None = None,
        call_id: str | None = None,
    ) -> Agent:
        """One function applies every transition of an agent. Raises IllegalTransition and leaves all as it was."""
        old = self.agents[agent_id]
        new = agent_state.step(old, event, now, reason=reason, limit_s=limit_s)
        if new.state in (AgentState.RINGING, AgentState.TALKING):
            new = new._replace(call_id=call_id or new.call_id)
        elif new.state is not old.state:
            new = new._replace(call_id=None)
        self._put(old, new, now, wall)
        return new

    def _put(self, old: Agent, new: Agent, now: float, wall: float) -> None:
        if new.state is AgentState.TALKING or old.state is AgentState.SIGNED_OUT:
            new = new._replace(misses=0)  # yesterday's last call does not count today
        if new.state is AgentState.READY and old.state in AWAY | {AgentState.WRAP_UP, AgentState.TALKING}:
            new = new._replace(idle_since=now if old.state is not AgentState.WRAP_UP else old.since)
        self.agents[new.id] = new
        if new.wake_at is not None and new.wake_at != old.wake_at:
            self.woken.append((new.wake_at, new.id))
        self._index(old, new, wall)
        if new.wish and new.state not in (AgentState.RINGING, AgentState.TALKING):
            wish, new = new.wish, new._replace(wish=None)
            self.agents[new.id] = new
            self.apply(new.id, wish, now, wall, reason=new.wish_reason)
            if wish is AgentEvent.SIGNED_OUT:
                self._leave(new.id)

    def _index(self, old: Agent, new: Agent, wall: float) -> None:
        seat_id = new.seat_id
        if seat_id is not None:
            self._look_again(seat_id)
        if old.state is not new.state or old.seat_id != new.seat_id:
            self.signs.append(WriteSignIn(new.id, seat_id, new.state.value, new.reason, wall))

    def _look_again(self, seat_id: str) -> None:
        """Something about the seat changed: is somebody there, is it free?"""
        self.changed.add(seat_id)
        now_at = self.seat_now(seat_id)
        if now_at is None or now_at.agent.state in AWAY:
            self.present.drop(seat_id)
        else:
            self.present.put(seat_id, self.free.kind_of(now_at.seat, now_at.profile).meets)
        if now_at is None or takes_nobody(now_at) is not None:
            self.free.drop(seat_id)
            self.standings.put(seat_id, Code.OUT if now_at is None else code_of(now_at))
        else:
            uncertain = now_at.agent.state is not AgentState.READY
            self.free.put(now_at.seat, now_at.profile, uncertain=uncertain, idle_since=now_at.agent.idle_since)
            self.standings.put(seat_id, FREE + self.free.kind(seat_id).number + (UNCERTAIN if uncertain else 0))

    def put_back(self, agent: Agent) -> None:
        """The person is as he was before a presentation that was only thought of."""
        self.agents[agent.id] = agent
        if agent.seat_id is not None:
            self._look_again(agent.seat_id)

    def ami(self, up: bool) -> None:
        """What the phones do is known from now on, or is not."""
        self.ami_up = up
        for seat_id in self.at_seat:
            self._look_again(seat_id)

    def refusal(self, agent_id: str, seat_id: str) -> str | None:
        """Why this person cannot sign in there, as a sentence; None when nothing stands against it."""
        if agent_id not in self.rules.agents:
            return f"agent {agent_id} is not known"
        if seat_id not in self.rules.seats:
            return f"seat {seat_id} is not known"
        other = self.at_seat.get(seat_id)
        if other not in (None, agent_id):
            return f"seat {seat_id} is taken by agent {other}"
        agent = self.agents[agent_id]
        if agent.seat_id not in (None, seat_id):
            return f"agent {agent_id} is signed in at seat {agent.seat_id}; sign out there first"
        return None

    def sign_in(self, agent_id: str, seat_id: str, now: float, wall: float, *, ready: bool = False) -> None:
        """Seats a person; without effect when `refusal` has a reason.

        Who signs in by an act is not ready before he says so, a phone that registers is at once. `ready`: so is he, for
        he was before a restart of ours.
        """
        if self.refusal(agent_id, seat_id) is not None:
            return
        agent = self.agents[agent_id]
        self.at_seat[seat_id] = agent_id
        self.agents[agent_id] = agent._replace(seat_id=seat_id)
        if ready or self.rules.agents[agent_id].sign_in is SignIn.PHONE:
            self.apply(agent_id, AgentEvent.SIGNED_IN, now, wall)
        else:
            self.apply(agent_id, AgentEvent.SEATED, now, wall, reason=NOT_READY_YET)

    def sign_out(self, agent_id: str, now: float, wall: float) -> None:
        """Busy with a caller: afterwards."""
        if self.agents[agent_id].seat_id is None:
            return
        if self.apply(agent_id, AgentEvent.SIGNED_OUT, now, wall).state is AgentState.SIGNED_OUT:
            self._leave(agent_id)

    def _leave(self, agent_id: str) -> None:
        agent = self.agents[agent_id]
        if agent.seat_id is not None:
            self._empty(agent.seat_id)
        self.agents[agent_id] = agent._replace(seat_id=None)

    def _empty(self, seat_id: str) -> None:
        self.at_seat.pop(seat_id, None)
        self.standings.put(seat_id, Code.OUT)
        self.free.drop(seat_id)
        self.present.drop(seat_id)

    def device(self, seat_id: str, state: DeviceState, now: float, wall: float) -> None:
        """The phone's state changed. For `sign_in = phone` a reachable phone is a signed-in agent."""
        if seat_id not in self.rules.seats:
            return
        self.devices[seat_id] = state
        self._look_again(seat_id)
        profile = self.rules.agents.get(seat_id)
        if profile is None or profile.sign_in is not SignIn.PHONE:
            return
        if state in ABSENT:
            self.sign_out(seat_id, now, wall)
        elif self.agents[seat_id].seat_id is None:
            self.sign_in(seat_id, seat_id, now, wall)
        else:
            self.agents[seat_id] = self.agents[seat_id]._replace(wish=self._kept_wish(self.agents[seat_id]))

    @staticmethod
    def _kept_wish(agent: Agent) -> AgentEvent | None:
        """The phone is back before its call ended: the wish to sign out was the network's, not the agent's."""
        return None if agent.wish is AgentEvent.SIGNED_OUT else agent.wish

    def replace_rules(self, rules: Rules, now: float, wall: float) -> None:
        """A reload: people who are gone from the rules are signed out, new ones appear."""
        for agent_id in [id_ for id_ in self.agents if id_ not in rules.agents]:
            seat_id = self.agents.pop(agent_id).seat_id
            if seat_id is not None:
                self._empty(seat_id)
                self.signs.append(WriteSignIn(agent_id, None, AgentState.SIGNED_OUT.value, "", wall))
        for agent_id in rules.agents:
            self.agents.setdefault(agent_id, Agent(agent_id))
        self.replace_lines(rules)
        for seat_id, state in list(self.devices.items()):
            self.device(seat_id, state, now, wall)

    def replace_lines(self, rules: Rules) -> None:
        """Other lines, the same people and phones: who is free for what is looked at anew."""
        self.rules = rules
        self.free.clear(rules.lines.values())
        self.present.clear()
        self.standings = Standings(rules)
        for seat_id in self.at_seat:
            self._look_again(seat_id)


def code_of(now_at: SeatNow) -> Code:
    """Why the seat may take no call now, whoever calls; of a seat for which `takes_nobody` has a reason."""
    agent = now_at.agent
    if agent.state is AgentState.READY:
        return Code.AWAY if now_at.device is None or now_at.device in AWAY_DEVICES else Code.IN_USE
    return PAUSE_CODE.get(agent.reason, Code.PAUSED) if agent.state is AgentState.PAUSED else STATE_CODE[agent.state]
