"""Frozen records of the routing core: what the configuration says, and what the engine shows of itself.

Times: `_s` are seconds, `_at` are seconds since the epoch by Asterisk's clock where it is known (else the service's),
`now` in the engine is a monotonic clock. Ratios are 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from routing.need import Anybody, InGroup, Need, Skilled, leaves
from routing.roster import Roster
from routing.targets import Target


class Mode(StrEnum):
    """How a number came under the hotline's roof (clauses T3, T4)."""

    OWN = "own"
    PARALLEL = "parallel"  # 双号并行: stays dialable, seats shared
    MERGED = "merged"  # 整体并入: served as the line `into`, keeps its subject


class SignIn(StrEnum):
    PHONE = "phone"  # signed in while the phone is registered
    AGENT = "agent"  # signed in by an act of the agent


class DeviceState(StrEnum):
    """Asterisk's device states, by the names that its events carry."""

    UNKNOWN = "UNKNOWN"
    NOT_INUSE = "NOT_INUSE"
    INUSE = "INUSE"
    BUSY = "BUSY"
    INVALID = "INVALID"
    UNAVAILABLE = "UNAVAILABLE"
    RINGING = "RINGING"
    RINGINUSE = "RINGINUSE"
    ONHOLD = "ONHOLD"


@dataclass(frozen=True, slots=True)
class Timing:
    """The `[timing]` table of the configuration, same names, same defaults."""

    lease_s: float = 3.0
    ring_s: float = 6.0
    ring_several_after_s: float = 12.0
    wrap_up_s: float = 10.0
    busy_pause_s: float = 5.0
    no_answer_pause_s: float = 60.0
    redial_keeps_place_s: float = 120.0
    restart_window_s: float = 10.0
    answer_notice_after_s: float = 50.0
    class_worth_s: float = 60.0
    remote_ring_s: float = 20.0
    remote_confirm_s: float = 6.0
    call_out_agent_ring_s: float = 20.0
    call_out_ring_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Ring:
    """One step of the widening circle: from `after_s` of waiting on, whoever meets `need`."""

    after_s: float
    need: Need
    skills: frozenset[str] = field(init=False, compare=False)  # that it asks for

    def __post_init__(self) -> None:
        asked = (leaf.skill for leaf, wanted in leaves(self.need) if wanted and isinstance(leaf, Skilled))
        object.__setattr__(self, "skills", frozenset(asked))


DEFAULT_RINGS: Final[tuple[Ring, ...]] = (
    Ring(0.0, Skilled("general")),
    Ring(6.0, Anybody()),
    Ring(10.0, InGroup("reserve")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A dialled number. A merged line has `into` and takes rings, zone and target from there (settings resolve it).

    `duty` is the roster's: who is on duty for the line now; None: everybody. Its rings then ask for that too.
    """

    number: str
    name: str
    mode: Mode = Mode.OWN
    owner: str = ""
    zone: str | None = None
    rings: tuple[Ring, ...] = DEFAULT_RINGS
    into: str | None = None
    subject: str = ""
    answer_within_s: float = 15.0
    ratio: float = 0.95
    answer_notice_after_s: float | None = None  # None: as in [timing]
    wrap_up_s: float | None = None  # None: as in [timing]
    priority: int = 0  # class, worth `class_worth_s` of waiting each
    last_agent_s: float = 0.0  # for so long a caller waits for the agent whom he spoke with lately; 0: not at all
    duty: Need | None = None


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """A person. Skills are levels 1..10; a skill not named is not there."""

    id: str
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    zone: str | None = None
    sign_in: SignIn = SignIn.PHONE


@dataclass(frozen=True, slots=True)
class SeatProfile:
    """A phone. `dial` is Asterisk's dial string; an agent with `sign_in = phone` sits on the seat of the same id.

    `remote` (云座席): any telephone behind a trunk. It has no state of its own: it is free when no call of ours is on it.
    """

    id: str
    dial: str
    groups: frozenset[str] = frozenset()
    lamp: bool = False  # the phone shows the state of whoever sits there
    remote: bool = False
    lines: frozenset[str] = frozenset()  # that it takes; empty: all


@dataclass(frozen=True, slots=True)
class Trunk:
    """What routing needs to know of a way in."""

    answer_notice_after_s: float | None = None  # None: as its line has it
    priority: int = 0  # added to that of the line


@dataclass(frozen=True, slots=True)
class SurgeRules:
    """What a surge changes while it lasts. See `routing.surging`."""

    wrap_up_s: float = 3.0  # at most
    groups: tuple[str, ...] = ("reserve",)  # of seats that ring from the start


@dataclass(frozen=True, slots=True)
class RestrictionRules:
    """What holds for all restricted numbers. See `routing.restricting` and `routing.storms`."""

    behind_s: float = 300.0  # who is served last stands behind whoever comes within so long after him
    short_call_s: float = 180.0  # a short call without a limit of its own
    warning_s: float = 30.0  # before the end of a short call its agent hears a tone
    spoken_notice: bool = False  # there is a voice that names the emergency numbers
    one_place: bool = True  # the calls of one number share one place in the queue


@dataclass(frozen=True, slots=True)
class ProbeRules:
    """What holds for test calls. See `routing.probing`."""

    most_waiting: int = 0  # none is placed, and one that is under way gives way, while more citizens wait
    ring_s: float = 40.0  # nobody answers for so long: it is ended
    talk_s: float = 4.0  # the phrase, and then the end


@dataclass(frozen=True, slots=True)
class PacingRules:
    """When the service itself offers call-backs to agents, and to how many at once. See `routing.pacing`."""

    offers: bool = True
    hours: Roster = field(default_factory=Roster)  # when citizens may be called; no shifts: at any time
    keep_free: int = 1  # seats that stay free for the callers of each line
    keep_free_ratio: float = 0.1  # likewise, of the seats whose agents are there
    tries: int = 3  # in which the citizen was dialled
    retry_s: float = 1800.0  # after the first
    retry_growth: float = 2.0  # each later pause is so many times the one before
    declined_pause_s: float = 300.0  # an agent who did not take one is offered none for so long


@dataclass(frozen=True, slots=True)
class Surge:
    """A declared surge. Times are epoch seconds."""

    since: float
    until: float
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Zone:
    """业务专区: agents whom a department keeps for its own lines first. See `routing.lending`."""

    id: str
    name: str
    lend_ratio: float = 0.0  # lends while its own ratio is so high; 0: always
    lend_wait_s: float = 0.0  # lends while nobody of its own waits so long; 0: always


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the engine needs to know from the configuration."""

    timing: Timing
    lines: Mapping[str, Line]
    agents: Mapping[str, AgentProfile]
    seats: Mapping[str, SeatProfile]
    skills: Mapping[str, str] = field(default_factory=dict)  # id -> name shown to people
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    roster: Roster = field(default_factory=Roster)
    zones: Mapping[str, Zone] = field(default_factory=dict)
    surge: SurgeRules = field(default_factory=SurgeRules)
    restricting: RestrictionRules = field(default_factory=RestrictionRules)
    pacing: PacingRules = field(default_factory=PacingRules)
    emergencies: Mapping[str, Target] = field(default_factory=dict)  # by number
    probing: ProbeRules = field(default_factory=ProbeRules)

    def serving(self, number: str) -> Line | None:
        """The line that serves a dialled number; a merged number is served as another line."""
        line = self.lines.get(number)
        if line is not None and line.mode is Mode.MERGED and line.into is not None:
            return self.lines.get(line.into)
        return line


# -- what the engine shows of itself: plain values for status page, wallboard and metrics --


@dataclass(frozen=True, slots=True)
class DutyView:
    """Who is on duty for a line, as needs are written. `gap`: nobody is, and the duty seats serve it. `until`: epoch."""

    people: str
    first: tuple[str, ...]  # those who take it before others
    gap: bool
    until: float | None  # None: as far as the rosters were looked at


@dataclass(frozen=True, slots=True)
class LineView:
    """`duty`: None when no roster names the line, so that everybody who is signed in is on duty."""

    number: str
    name: str
    waiting: int
    longest_wait_s: float
    talking: int
    duty: DutyView | None = None


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat and who sits there. `state` is an `AgentState` value, or `signed_out` for an empty seat."""

    seat_id: str
    agent_id: str | None
    agent_name: str
    state: str
    since_s: float  # seconds in this state
    device: DeviceState
    line: str | None  # number of the call it rings or talks for
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EngineView:
    lines: tuple[LineView, ...]
    seats: tuple[SeatView, ...]
    ready: bool
    ami_up: bool
    surge: Surge | None = None
    trunks: Mapping[str, bool] = field(default_factory=dict)  # to emergency centres: whether the other end answers
