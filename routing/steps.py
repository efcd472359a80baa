"""What happened to a call, step by step: the one story that journal, SQL, metrics and log lines are all made from.

A step is unique by (call_id, seq); `seq` grows within a call, also across a restart of the service (it is derived from
the wall clock in milliseconds, never below the last one + 1). Steps are facts: none is ever changed or taken back.

Keys of `data` by kind (a key that is absent is not known). Every step of a test call has `test`, which is true:

OFFERED             the call reached a line: number, line (the serving line), trunk, arrived_at (s), caller_ref,
                    caller_sealed, emergency, case (id of the case that came with the call), source (cel: the whole story
                    was told later, by Asterisk's own record of calls; see `routing.witness`)
HELD                an AGI session holds it (again): session, back_from (status of the last presentation), presentation
LET_GO              its session ended before there was a decision: session, reason (hangup, eof, ...)
PRESENTED           a decision was sent to Asterisk: presentation, seats and agents (ids, comma separated), ring (index of
                    the one that admits the first of them), open_rings (how many), wait_s, session, ring_s, prefers (the
                    agent for whom alone the caller waits), limit_s (of the talk); with `candidates`
NOBODY              rings opened, and nobody could take the call: open_rings, wait_s, place (in the queue, from 1),
                    prefers; with `candidates`
SENT                another answer was sent to Asterisk: verb (fallback, goodbye, back, inform, dismiss), session
RESTRICTED          the number is restricted: restriction (its id), rule (`restrictions.Kind`), reason (its code); or no
                    longer: rule (over)
REFUSED             Asterisk did not take a decision, or the session ended before it could: presentation, session
DIALING, RINGING    the phone is being called / rings: presentation, seat
PRESENTATION_ENDED  answered or not: presentation, seat, outcome (`Outcome`), ring_s, status (Asterisk's DialStatus)
SET_ASIDE           the seat let the second caller in a row ring out, nothing rings there until its agent is ready again:
                    seat, agent
ANSWERED            caller and agent in one bridge: seat, agent, presentation, wait_s (arrival to bridge, exact to the
                    millisecond), by ("engine" or "fallback"; of a story told later: not known)
NOTICE              answered into the notice: wait_s, session
FALLBACK            the dialplan alone took over: stage (seats, queue, telephone)
TALK_ENDED          the agent's leg ended: seat, agent, lost, talk_s
REQUEUED            back to the head of the queue: cause (lost_leg, left_alone)
JUDGED              decided for the figures, once per call: result (`Judgement`), wait_s, line, number
ENDED               the caller's channel is gone: outcome (`CallOutcome`), by (caller, agent, pbx, unknown), cause, talk_s
RECOVERED           known again after a restart of the service or a loss of AMI: state
FLAG                something a reader of figures should know: flag (clock_step, unseen, storm, recovered, ...), detail

Of joined calls (`act`: number of the act within the call, from 1; `leg`: of the leg within the act, from 1):

ACT_ASKED           act, verb (`joining.Verb`), target_kind (`targets.TargetKind`), target (its id), name, by (agent id, or
                    name of the token), via (desk, api, phone, dialplan; again: the
                    centre left as soon as it had answered), case (id of a case: given, else the call's own)
THIRD_DIALED        a leg to the third party is asked of Asterisk: act, leg, route (from 1), way (the route's name), seat
THIRD_RINGING       its first 180 or 183: act, leg
THIRD_ANSWERED      act, leg
THIRD_JOINED        it is in the conference of the call: act, leg
THIRD_ENDED         that leg is over: act, leg, outcome (`ThirdOutcome`), cause (Asterisk's), talked (bool), target_kind and
                    target (as asked for). Alone, with leg 0: nothing was dialled, the outcome (out_of_hours) says why
CALLER_MOVED        the caller's leg arrived elsewhere: to (conference, hold, queue)
AGENT_LEFT          the agent's leg left the joined call, the others stay: seat, agent, why (transferred, goodbye, lost)
ACT_ENDED           act, verb, outcome (`ActOutcome`), reason, target_kind and target (as asked for)
RECORDING           of the caller's leg: what (paused, resumed, ended, deleted), reason, by; when ended: outcome
                    (`recording.RecordingOutcome`), file (within the folder of recordings), sha256, bytes, seconds,
                    started_at (s), ended_at (s), spans ("<from ms>-<to ms>,..."), problem (a sentence)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routing.candidates import Candidates

Value = str | int | float | bool | None


class StepKind(StrEnum):
    OFFERED = "offered"
    HELD = "held"
    LET_GO = "let_go"
    PRESENTED = "presented"
    NOBODY = "nobody"
    SENT = "sent"
    REFUSED = "refused"
    DIALING = "dialing"
    RINGING = "ringing"
    PRESENTATION_ENDED = "presentation_ended"
    SET_ASIDE = "set_aside"
    ANSWERED = "answered"
    NOTICE = "notice"
    FALLBACK = "fallback"
    TALK_ENDED = "talk_ended"
    REQUEUED = "requeued"
    JUDGED = "judged"
    ENDED = "ended"
    RECOVERED = "recovered"
    FLAG = "flag"
    RESTRICTED = "restricted"
    ACT_ASKED = "act_asked"
    THIRD_DIALED = "third_dialed"
    THIRD_RINGING = "third_ringing"
    THIRD_ANSWERED = "third_answered"
    THIRD_JOINED = "third_joined"
    THIRD_ENDED = "third_ended"
    CALLER_MOVED = "caller_moved"
    AGENT_LEFT = "agent_left"
    ACT_ENDED = "act_ended"
    RECORDING = "recording"


class ThirdOutcome(StrEnum):
    """How one attempt to reach a third party ended; `out_of_hours` was never dialled."""

    ANSWERED = "answered"
    BUSY = "busy"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NOT_REACHED = "not_reached"  # dead, unregistered, trunk down, 5xx, silent until another route was dialled beside it
    OUT_OF_HOURS = "out_of_hours"
    CANCELLED = "cancelled"  # by us: another route was quicker, the act was taken back, the caller left


class ActOutcome(StrEnum):
    DONE = "done"
    FAILED = "failed"  # no route of the third party was reached
    REFUSED = "refused"  # not allowed, nothing was changed
    CANCELLED = "cancelled"  # taken back, or the call ended before


class Outcome(StrEnum):
    """How one presentation ended; label `outcome` of `hotline_presentations_total`."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"  # rang for its time
    NOT_CONFIRMED = "not_confirmed"  # a remote seat was picked up, but nobody pressed the key: a mailbox
    BUSY = "busy"  # busy or rejected by the phone
    GUARDED = "guarded"  # the dialplan's seat guard refused it
    UNREACHABLE = "unreachable"  # no ringing from the phone: dead, unregistered, gone
    CANCELLED = "cancelled"  # the caller left first, or another seat took it
    VOID = "void"  # Asterisk never began to dial


class Judgement(StrEnum):
    """How a call counts; label `result` of `hotline_calls_judged_total` (design §8)."""

    IN_TIME = "in_time"
    LATE = "late"
    ABANDONED = "abandoned"
    FLOWED_OUT = "flowed_out"
    FAILED = "failed"
    RESTRICTED = "restricted"
    TEST = "test"


class CallOutcome(StrEnum):
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    OVERFLOWED = "overflowed"
    FAILED = "failed"
    DISMISSED = "dismissed"  # restricted, and ended by us after the notice


@dataclass(frozen=True, slots=True)
class Step:
    call_id: str
    seq: int
    at: float  # epoch seconds, millisecond precision
    kind: StepKind
    data: Mapping[str, Value] = field(default_factory=dict)
    candidates: Candidates | str | None = None  # every seat at a decision; as text when it was read back
