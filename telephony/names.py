"""Every string shared with the dialplan and the PBX configuration. A contract test holds `config/asterisk` to these.

The decision is ONE variable set by ONE AGI command, so that a caller never sees half of it:
`HOTLINE_DECISION = <verb>:<presentation>:<deadline epoch ms>:<ring s>:<seat>[&<seat>...]`; unused fields are empty. A talk
with a limit adds `:<limit ms>:<warning ms>`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

# contexts
IN: Final = "hotline-in"  # where trunks arrive: hotline numbers and the catch-all, nothing else
IN_WITH_CASE: Final = "hotline-in-with-case"  # + "-" + trunk: where those arrive whose calls bring a case along
CASE_READ: Final = "hotline-case"  # <line>: from the header
CASE_DIALLED: Final = "hotline-case-dialled"  # <line><id>
ROUTE: Final = "hotline-route"  # the loop around the lease
SEAT: Final = "hotline-seat"  # one seat behind its guard
FALLBACK: Final = "hotline-fallback"
PHONE: Final = "hotline-phone"  # where seats' phones arrive when they dial: feature codes, nothing else
DUTY: Final = "hotline-duty"  # the queue of duty seats
NOTICE_MUSIC: Final = "hotline-notice"  # the music class
# parts of the above, entered by Gosub
SOUND: Final = "hotline-sound"
DECIDE: Final = "hotline-decision"
RING: Final = "hotline-ring"
GUARDED: Final = "hotline-guard"
FREE: Final = "hotline-free"
REMOTE: Final = "hotline-remote"  # a seat behind a trunk
ASK: Final = "hotline-ask"  # for the key, on its telephone
LEG: Final = "hotline-leg"
ON_ANSWER: Final = "hotline-answered"
ON_ANSWER_BEHIND: Final = "hotline-answered-behind"
BYE: Final = "hotline-bye"
RECORD_AGAIN: Final = "hotline-recording"  # who was answered before is recorded afresh, into the same file
NOTE: Final = "hotline-note"
CODE: Final = "hotline-code"  # what a feature code does
LAMP: Final = "hotline-lamp"  # what phones may subscribe to: <seat id>, the state of whoever sits there

CONFERENCE: Final = "hotline-conference"  # of a call that is joined with others; its rooms are named by call id
EMERGENCY: Final = "hotline-emergency"  # <number>: entered by Gosub on the agent's leg; also a group: see the template
EMERGENCY_ACT: Final = "hotline-emergency-act"
OUTBOUND: Final = "hotline-outbound"  # an agent has picked up, and a citizen is called
OUTBOUND_EXTEN: Final = "call"
ON_OUTBOUND_ANSWER: Final = "hotline-outbound-answered"
TESTING: Final = "hotline-testing"  # entered by Gosub: whether the call that arrives is a test call
TEST_OUT: Final = "hotline-test-out"  # the outside leg of a test call was answered
TEST_OUT_EXTEN: Final = "call"

KEYS: Final = "hotline-act"  # what keys do during a talk: <verb or emergency number>
KEYS_IN_ROOM: Final = "hotline-act-room"  # the same from the menu of the conference
TONE: Final = "hotline-tone"  # what an agent is told by a tone in the talk: <tone>, and `whisper` towards his leg

# channel variables
CALL: Final = "HOTLINE_CALL"  # our call id "<arrival epoch ms>-<uniqueid>", inherited by every leg
LINE: Final = "HOTLINE_LINE"  # the dialled number
ARRIVED: Final = "HOTLINE_ARRIVED"  # epoch ms, stamped by the dialplan
ANSWERED: Final = "HOTLINE_ANSWERED"  # epoch ms, on the caller's channel, set by U() on the agent's leg
SEAT_VAR: Final = "HOTLINE_SEAT"  # agent's leg: from before the INVITE; caller's: with HOTLINE_ANSWERED, or being rung
AGENT: Final = "HOTLINE_AGENT"
TRUNK: Final = "HOTLINE_TRUNK"  # set_var of the trunk's endpoint
CASE: Final = "HOTLINE_CASE"  # caller's: id of the case that came with the call, or `routing.cases.UNREADABLE`
DECISION: Final = "HOTLINE_DECISION"
# caller's: "<verb>:<its number>:<until, epoch s>:<target>:<last number>:<told>"; no verb: none. `told`: when the last
# emergency of the dialplan alone was asked for that the records know, ms. Its own legs: "emergency:0:<asked, ms>:<number>".
ACT: Final = "HOTLINE_ACT"
THIRD: Final = "HOTLINE_THIRD"  # "<act>.<leg>" on every leg to a third party
CASE_HEADER: Final = "X-Hotline-Case"  # of SIP: id of a case, to another hotline or an emergency centre
CALLER_LEG: Final = "HOTLINE_CALLER"  # uniqueid of the caller's channel, on a leg to a third party
ACK: Final = "HOTLINE_ACK"  # an `Ack`, on the leg that asks by keys
KEYS_BUSY: Final = "HOTLINE_KEYS"  # 1: that leg is at its keys and must not be moved
EAR: Final = "HOTLINE_EAR"  # uniqueid of the leg that is to hear a tone, on the leg that brings it
OUT: Final = "HOTLINE_OUT"  # id of an outbound call, on each of its legs; these have no HOTLINE_CALL
OUT_DIAL: Final = "HOTLINE_OUT_DIAL"  # how its citizen is reached
OUT_RING: Final = "HOTLINE_OUT_RING"  # how long he is rung, seconds
OUT_DIALLED: Final = "HOTLINE_DIALLED"  # epoch ms: since when
OUT_CAUSE: Final = "HOTLINE_OUT_CAUSE"  # why he was not reached
LEG_S: Final = (
    "HOTLINE_LEG_S"  # how long a phone rings that has a time of its own: beside a remote seat, or to call out
)
TEST: Final = "HOTLINE_TEST"  # caller's: id of the test call that this is
NOTICED: Final = "HOTLINE_NOTICED"  # 1: already answered into the notice
HEARD: Final = "HOTLINE_HEARD"  # of a rejected caller: 1: the notice was played, 0: it could not be
LAST_PRESENTATION: Final = "HOTLINE_LAST_PRESENTATION"
LAST_STATUS: Final = "HOTLINE_LAST_STATUS"  # DIALSTATUS of it, or GUARD
FALLBACK_SEATS: Final = "HOTLINE_FALLBACK_SEATS"  # set by the fallback script
FALLBACK_REASON: Final = "HOTLINE_FALLBACK_REASON"  # ok, missing, corrupt, old, unknown_line, empty

# the dialplan's own, of no meaning elsewhere
DIALPLAN_VARIABLES: Final = (
    "HOTLINE_ALONE_UNTIL",  # so long a caller waits at the door of the conference for whoever is moved with him
    "HOTLINE_AGENT_LEG",  # uniqueid, of the agent who asked the dialplan for an emergency centre
    "HOTLINE_ANEW",  # uniqueid of the third party that was sent into the conference anew
    "HOTLINE_ANSWER_UNTIL",
    "HOTLINE_CODE",  # what a feature code asks for
    "HOTLINE_ACK_UNTIL",
    "HOTLINE_ASKED",  # 1: somebody picked up a remote seat and was asked for the key
    "HOTLINE_ASK_UNTIL",
    "HOTLINE_BAD_DECISIONS",
    "HOTLINE_BUSY",  # 1: a seat was refused because somebody rings or talks there
    "HOTLINE_ENDED_BY",  # agent: he said goodbye first; pbx: we ended it
    "HOTLINE_FROM",  # the caller's address while its number is taken out; empty afterwards
    "HOTLINE_GOT",
    "HOTLINE_KEYS_UNTIL",
    "HOTLINE_KEY",  # pressed on a remote seat
    "HOTLINE_LEASE_OVER",
    "HOTLINE_LEFT",  # 1: everybody who helped has left the conference
    "HOTLINE_LEGS",
    "HOTLINE_LEG",  # name of the newest leg to an emergency centre
    "HOTLINE_LIMIT",  # Dial's option for a talk with a limit
    "HOTLINE_NOW",  # helpers in the conference, and ...
    "HOTLINE_PIPE",  # name of the Local leg to a remote seat, without its ;1 or ;2
    "HOTLINE_RETRY_UNTIL",
    "HOTLINE_ROUNDS_UNTIL",
    "HOTLINE_ROOM",  # 1: the caller is in the conference or on hold: his end is everybody's
    "HOTLINE_ROUTE",  # of the newest leg to an emergency centre, from 1
    "HOTLINE_SEATS",
    "HOTLINE_SLOT_UNTIL",
    "HOTLINE_SOUND_UNTIL",
    "HOTLINE_STATE",
    "HOTLINE_THERE",  # ... how many there were while the caller was on hold
    "HOTLINE_TALK",  # Dial's option for the talk of a test call: the phrase, and the end after it
    "HOTLINE_TOLD_",  # + stage: this call was counted there
    "HOTLINE_TRY",
    "HOTLINE_UP",  # name of the leg on which an emergency centre has answered
    "HOTLINE_VALUE",  # of a feature code: agent or reason
    "HOTLINE_TURN",  # of the fallback; empty outside
)

CHANNEL_VARIABLES: Final = (
    CALL,
    LINE,
    ARRIVED,
    ANSWERED,
    SEAT_VAR,
    AGENT,
    ACT,
    THIRD,
    OUT,
    TRUNK,
    CASE,
    TEST,
)  # `channelvars` of manager.conf

# FastAGI: agi://host:port/<script>,<call>,<line>,<arrived ms>,<trunk>,<last presentation>,<last status>,<1: noticed>,
# <1: heard>,<case>,<test>
SCRIPT_ROUTE: Final = "route"
# ... and /after,<call>,<line>,<arrived ms>,<seat>
SCRIPT_AFTER: Final = "after"
# ... and /seat,<act>,<seat>,<agent id or code of a reason>
SCRIPT_SEAT: Final = "seat"

# user events
EVENT_ARRIVAL: Final = "HotlineArrival"  # Call, Line, Arrived, Trunk, Case, Test
EVENT_FALLBACK: Final = "HotlineFallback"  # Call, Stage
EVENT_EMERGENCY: Final = "HotlineEmergency"  # Call, Number, Asked (ms), Route, State (dialled, route, joined, failed)
WHISPER: Final = "whisper"  # extension of hotline-tone
EVENT_PLACE: Final = "HotlinePlace"  # Call, Place (hold, wait): where the caller of a joined call is
RECORDING: Final = "recording"  # stands where a verb stands in it: pause, or go on
EVENT_ACT: Final = "HotlineAct"  # Call, Leg (uniqueid), Seat, Act (verb, or an emergency number), Value (digits)
EVENT_OUTBOUND: Final = "HotlineOut"  # Out, Status, Cause: why the citizen was not reached
EVENT_UNKNOWN_NUMBER: Final = "HotlineUnknownNumber"  # no caller, no dialled number

# global variables
LEASE: Final = "HOTLINE_LEASE_S"
FROZEN_UNTIL: Final = "HOTLINE_FROZEN_UNTIL"  # epoch s: new callers skip the service until then
FALLBACK_COUNT: Final = "HOTLINE_FALLBACK_COUNT_"  # + stage, counted by the dialplan since Asterisk's start
UNKNOWN_COUNT: Final = "HOTLINE_UNKNOWN_COUNT"
RESTART_WINDOW: Final = "HOTLINE_RESTART_WINDOW_MS"
RING_S: Final = "HOTLINE_RING_S"  # one presentation in the fallback
REMOTE_RING: Final = "HOTLINE_REMOTE_RING_S"  # one remote seat
REMOTE_CONFIRM: Final = "HOTLINE_REMOTE_CONFIRM_MS"
DIAL_STRING: Final = "HOTLINE_DIAL_"  # + seat id
TELEPHONE: Final = "HOTLINE_TELEPHONE_"  # + seat id: the same of a remote seat, which has no HOTLINE_DIAL_
TONES: Final = "HOTLINE_TONES_"  # + line: the beeps by which a remote agent knows it
SEAT_OF: Final = "HOTLINE_SEAT_OF_"  # + endpoint of a phone: its seat id
DEVICE: Final = "HOTLINE_DEVICE_"  # + seat id: whose state guards it; empty for a seat behind a trunk
CENTRE: Final = "HOTLINE_EMERGENCY_"  # + number + _ + route, from 1: its dial string; _SOUND, _ANSWER: ms to wait

# The door for one test call: "<its id>:<line>:<until, epoch s>", emptied by the call that comes in.
TEST_DOOR: Final = "HOTLINE_TEST_DOOR"

KNOWN_SEATS: Final = "HOTLINE_KNOWN_"  # + line: what the fallback script said some seconds ago
KNOWN_UNTIL: Final = "HOTLINE_KNOWN_UNTIL_"  # + line: epoch s
DUTY_TELEPHONE: Final = "telephone"  # stands where a seat id stands when the duty telephone answered

# Asterisk's own database: hotline-ends/<minute of the hour, UTC>/<channel number modulo 5,000>, one entry a call:
# <call>:<line>:<trunk>:<answered ms>:<seat>:<ended ms>:<by>:<cause>:<case>:<test>, or of an emergency that the dialplan
# was at by itself and that reached nobody: emergency:<call>:<number>:<asked ms>:<route>:<failed ms>; or, by the end of its
# id, of an outbound call whose agent had picked up: out:<id>:<dialled ms>:<answered ms>:<ended ms>:<cause of not reaching>
ENDS: Final = "hotline-ends"

# An endpoint that nobody calls or dials: whether the other end of a trunk to emergency centres answers OPTIONS.
PROBE: Final = "hotline-probe"  # + "-" + trunk

# a custom device state: Custom:hotline-seat-state-<seat id>
LAMP_DEVICE: Final = "hotline-seat-state"

# locks and groups
COUNT_LOCK: Final = "hotline-count"
SEAT_GROUP: Final = "hotline-seat"  # GROUP(hotline-seat)=<seat id> on each leg towards a phone
SCRIPT_GROUP: Final = "hotline-script"  # GROUP(hotline-fallback)=on counts who waits in the fallback


class Verb(StrEnum):
    PRESENT = "present"
    NOTICE = "notice"
    FALLBACK = "fallback"
    INFORM = "inform"  # play the notice to a rejected caller, then ask again
    DISMISS = "dismiss"  # end the call of one who has heard it
    GOODBYE = "goodbye"  # answer to /after
    BACK = "back"  # answer to /after: route again
    WAIT = "wait"  # answer to /after: for the third party that is being dialled
    DONE = "done"  # answer to /seat
    REFUSED = "refused"  # answer to /seat


class Act(StrEnum):
    """What an agent asks for by a feature code."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    READY = "ready"
    PAUSE = "pause"
    EXTEND = "extend"


class Ack(StrEnum):
    """What the service says to keys that were pressed in a talk."""

    DONE = "done"
    REFUSED = "refused"
    LEAVE = "leave"  # no answer: the leg is about to be moved


class Room(StrEnum):
    """Extensions of the context of the conference."""

    CALLER = "caller"
    HOLD = "hold"
    WAIT = "wait"
    AGENT = "agent"
    THIRD = "third"
    EXPERT = "expert"  # a third party at a seat of ours


class Stage(StrEnum):
    SEATS = "seats"
    QUEUE = "queue"
    TELEPHONE = "telephone"


GUARD: Final = "GUARD"  # last status when the seat guard said no


def decision(
    verb: Verb,
    presentation: str = "",
    deadline_ms: int = 0,
    ring_s: int = 0,
    seats: tuple[str, ...] = (),
    limit: tuple[int, int] | None = None,
) -> str:
    """The value of HOTLINE_DECISION. Fields are ours alone, so none holds a colon (seat ids are checked on load)."""
    limited = "" if limit is None else f":{limit[0]}:{limit[1]}"
    return f"{verb}:{presentation}:{deadline_ms or ''}:{ring_s or ''}:{'&'.join(seats)}{limited}"
