"""The one reason of each seat that a decision did not take, as a number that is kept in the records."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from routing.agent_state import AgentState
from routing.model import DeviceState


class Code(IntEnum):
    """One byte. Kept for months: never give a number another meaning."""

    OUT = 0  # nobody signed in
    PAUSED = 1  # by an act
    PAUSED_BUSY = 2
    PAUSED_NO_ANSWER = 3
    PAUSED_NO_RINGING = 4
    SET_ASIDE = 5
    RINGING = 6
    TALKING = 7
    WRAP_UP = 8
    IN_USE = 9  # the phone, by a call that is not ours
    AWAY = 10  # the phone: unreachable, or unknown to Asterisk
    NOT_READY_YET = 11  # signed in by an act, not ready before another
    # free, but another was better: by the first difference in `choice.rank`
    MISSED = 32  # let this caller ring out
    MAY_TALK = 33  # AMI is down, and its talk has no known end
    LATER_RING = 34
    OTHER_ZONE = 35
    SCARCE = 36  # its other skills are more in demand
    LOWER_LEVEL = 37
    MORE_SKILLS = 38
    LESS_IDLE = 39
    # free, but not for this call
    NO_RING = 48  # in no ring of the line
    LAST_AGENT = 49  # the caller waits for the agent whom he spoke with lately
    OFF_DUTY = 50  # not on the roster of the line
    KEPT = 51  # its zone keeps its seats for its own callers
    OTHER_LINES = 52  # the seat takes other lines only
    NOT_OPEN = 64  # + index of the first ring that it belongs to, which is not open yet
    CHOSEN = 128  # + index of the first ring that it belongs to


RINGS_AT_MOST: Final = 64  # later ones count as the last of these
BETTER_WAS_THERE: Final = range(Code.MISSED, Code.NO_RING)

STATE_CODE: Final[Mapping[AgentState, Code]] = {
    AgentState.SIGNED_OUT: Code.OUT,
    AgentState.PAUSED: Code.PAUSED,
    AgentState.RINGING: Code.RINGING,
    AgentState.TALKING: Code.TALKING,
    AgentState.WRAP_UP: Code.WRAP_UP,
}
AWAY_DEVICES: Final = frozenset({DeviceState.UNAVAILABLE, DeviceState.INVALID, DeviceState.UNKNOWN})


def ring_code(first: Code, ring: int) -> int:
    """`NOT_OPEN` or `CHOSEN` of the ring with this index."""
    return first + min(ring, RINGS_AT_MOST - 1)
