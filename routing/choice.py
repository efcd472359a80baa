"""Who may take whom, and who is best. Pure rules on records; the engine, its explanations and the tests use only these.

What is kept of a decision, for every seat the one reason why it was not taken, is in `routing.candidates`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from routing.agent_state import Agent, AgentState
from routing.codes import Code
from routing.model import AgentProfile, DeviceState, Line, Ring, SeatProfile
from routing.need import admits


class Reason(StrEnum):
    """Why this seat does not take this call now."""

    OUT = "out"  # nobody signed in
    PAUSED = "paused"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    DEVICE = "device"  # the phone is in use, unreachable or unknown to Asterisk
    OFF_DUTY = "off_duty"  # not on this line's roster now
    LINES = "lines"  # the seat takes other lines only
    SKILL = "skill"  # in no open ring
    LAST_AGENT = "last_agent"  # the caller waits for the agent whom he spoke with lately
    KEPT = "kept"  # its zone keeps its seats for its own callers now


class SeatNow(NamedTuple):
    """A seat with the person at it, as of now. `device=None`: Asterisk has not told (AMI is down)."""

    seat: SeatProfile
    profile: AgentProfile
    agent: Agent
    device: DeviceState | None
    certain: bool  # AMI is up: states are facts, not memories


class Waiting(NamedTuple):
    """What the choice needs to know of a waiting call. Times are the engine's monotonic clock."""

    call_id: str
    line: Line
    arrived: float
    open_rings: int  # how many of `line.rings` are open now
    missed: frozenset[str] = frozenset()  # seats that let this caller ring out
    prefers: str | None = None  # the one agent for whom he waits
    kept: frozenset[str] = frozenset()  # zones that do not lend him their seats now


def qualifies(profile: AgentProfile, seat: SeatProfile, ring: Ring) -> bool:
    """Whether this person on this phone belongs to the ring."""
    return admits(ring.need, profile.id, profile.skills, seat.groups, profile.zone, seat.lines)


def takes_line(line: Line, seat: SeatProfile) -> bool:
    """Whether the seat takes calls of the line at all."""
    return not seat.lines or line.number in seat.lines


def is_on_duty(line: Line, profile: AgentProfile, seat: SeatProfile) -> bool:
    """Whether the roster has this person on this phone for the line now."""
    return line.duty is None or admits(line.duty, profile.id, profile.skills, seat.groups, profile.zone)


def first_ring_of(profile: AgentProfile, seat: SeatProfile, rings: Sequence[Ring]) -> int | None:
    """Index of the first of these rings that the person on the phone belongs to, or None."""
    return next((index for index, ring in enumerate(rings) if qualifies(profile, seat, ring)), None)


def first_ring(call: Waiting, now_at: SeatNow) -> int | None:
    """Index of the first open ring that the seat belongs to, or None. To the agent whom he prefers every ring is open."""
    rings = call.line.rings if now_at.profile.id == call.prefers else call.line.rings[: call.open_rings]
    return first_ring_of(now_at.profile, now_at.seat, rings)


STATE_REASON: Final[Mapping[AgentState, Reason]] = {
    AgentState.SIGNED_OUT: Reason.OUT,
    AgentState.PAUSED: Reason.PAUSED,
    AgentState.RINGING: Reason.RINGING,
    AgentState.TALKING: Reason.TALKING,
    AgentState.WRAP_UP: Reason.WRAP_UP,
}


def eligible(call: Waiting, now_at: SeatNow) -> Reason | None:
    """None when the seat may take the call now, else the one reason why not."""
    return takes_nobody(now_at) or unfit(call, now_at.seat, now_at.profile)


def unfit(call: Waiting, seat: SeatProfile, profile: AgentProfile) -> Reason | None:
    """Why the call may not have this person on this phone, though others might; None when it may."""
    if not takes_line(call.line, seat):
        return Reason.LINES
    if call.prefers is not None and call.prefers != profile.id:
        reason = Reason.LAST_AGENT
    elif not _belongs(profile, seat, call.line.rings[: call.open_rings] if call.prefers is None else call.line.rings):
        reason = Reason.SKILL
    else:
        return Reason.KEPT if call.prefers is None and profile.zone in call.kept else None
    return reason if is_on_duty(call.line, profile, seat) else Reason.OFF_DUTY


def _belongs(profile: AgentProfile, seat: SeatProfile, rings: Sequence[Ring]) -> bool:
    return first_ring_of(profile, seat, rings) is not None


def takes_nobody(now_at: SeatNow) -> Reason | None:
    """Why the seat may take no call at all now, whoever calls; None when it depends on the call.

    With AMI down a talk has no known end: its seat is a candidate again (design §2), the dialplan's guard decides.
    """
    state = now_at.agent.state
    if state is AgentState.TALKING and not now_at.certain:
        pass
    elif state is not AgentState.READY:
        return STATE_REASON[state]
    return Reason.DEVICE if now_at.certain and now_at.device is not DeviceState.NOT_INUSE else None


def open_rings(line: Line, waited_s: float, anybody: Callable[[Ring], bool]) -> int:
    """How many rings are open after `waited_s`.

    A ring for which nobody qualified is signed in and not paused is skipped at once: as long as no open ring has
    anybody, the next one opens. All busy is not nobody. `anybody(ring)` tells whether the ring has somebody.
    """
    count = sum(1 for ring in line.rings if ring.after_s <= waited_s)
    somebody = any(anybody(ring) for ring in line.rings[:count])
    while count < len(line.rings) and not somebody:
        somebody = anybody(line.rings[count])
        count += 1
    return count


def rank(call: Waiting, now_at: SeatNow, demand: Mapping[str, float]) -> tuple[object, ...]:
    """Sort key of a seat for a call, the best first (design §3, choice of seat).

    Last comes who just let this caller ring and who may still be talking; then: earlier ring, `taste`, longest idle.
    """
    ring = first_ring(call, now_at)
    ring = len(call.line.rings) if ring is None else ring
    missed, uncertain = now_at.seat.id in call.missed, now_at.agent.state is not AgentState.READY
    liked = taste(call.line, ring, now_at.profile, demand)
    return missed, uncertain, ring, liked, now_at.agent.idle_since, now_at.seat.id


def taste(line: Line, ring: int, profile: AgentProfile, demand: Mapping[str, float]) -> tuple[bool, float, int, int]:
    """What speaks for a person, whoever else is free; the less the better.

    Home zone, other skills least in demand now (`demand`: callers waiting for a skill), a higher level in what the ring
    asks for, few skills.
    """
    asked = line.rings[ring].skills if ring < len(line.rings) else frozenset[str]()
    skills, others, level = profile.skills, 0.0, 0
    for skill in skills:
        if skill in asked:
            level += skills[skill]
        else:
            others += demand.get(skill, 0.0)
    return line.zone is not None and profile.zone != line.zone, others, -level, len(skills)


# What each place of `rank` says of a seat that comes later than another.
RANKED_BY: Final = (
    Code.MISSED,
    Code.MAY_TALK,
    Code.LATER_RING,
    Code.OTHER_ZONE,
    Code.SCARCE,
    Code.LOWER_LEVEL,
    Code.MORE_SKILLS,
    Code.LESS_IDLE,
    Code.LESS_IDLE,  # by id
)
