"""The tables, as SQLAlchemy Core. Times are epoch milliseconds (`_ms` of a moment) or milliseconds (`_ms` of a length).

What each step says is told in `routing.steps`; how steps become rows in `storage.fold`. A change here needs a
migration; `tests/contract/test_storage_schema.py` compares both.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)

REVISION: Final = "0015"  # the newest migration; known here so that a start need not load Alembic

metadata = MetaData()

calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),  # steps up to here are folded in
    Column("number", Text, nullable=False),  # dialled; "" when not known
    Column("line", Text, nullable=False),  # the serving line: differs for merged numbers
    Column("trunk", Text, nullable=False),
    Column("emergency", Boolean, nullable=False),
    Column("caller_ref", Text),  # null: withheld
    Column("caller_sealed", Text),  # the one place where the caller's number is
    Column("arrived_ms", BigInteger, nullable=False),
    Column("answered_ms", BigInteger),  # first bridge of caller and agent
    Column("ended_ms", BigInteger),  # null: the call is open
    Column("wait_ms", BigInteger),  # arrival to first answer; unanswered: to the judgement or the end
    Column("talk_ms", BigInteger, nullable=False),  # sum of the finished talks
    Column("talks", Integer, nullable=False),
    Column("seat_id", Text),  # of the first answer
    Column("agent_id", Text),
    Column("answered_by", Text),  # engine or fallback
    Column("talking_seat_id", Text),  # in talk now
    Column("talking_agent_id", Text),
    Column("talking_since_ms", BigInteger),
    Column("presented", Integer, nullable=False),  # how often it was presented
    Column("requeued", Integer, nullable=False),  # how often an agent's leg was lost
    Column("noticed", Boolean, nullable=False),
    Column("fallback_stage", Text),  # the last one reached
    Column("judged", Text),  # routing.steps.Judgement
    Column("outcome", Text),  # routing.steps.CallOutcome
    Column("ended_by", Text),
    Column("cause", Integer),
    Column("flags", Text, nullable=False),  # sorted, comma separated
    Column("restriction", BigInteger),  # the entry that was on the caller's number, the last of several
    Column("recording", Text),  # routing.recording.RecordingOutcome, or deleted; null: not looked at, or not recorded
    Column("case_id", Text),  # came with the call, from an emergency centre or another hotline
    Column(
        "forgotten_ms", BigInteger
    ),  # when its caller was; `caller_ref` tells callers of one day apart since, no more
    Column(
        "redialled_ms", BigInteger
    ),  # of a lost call whose caller is forgotten: what `storage.lost` found until then
    Column("called_back_ms", BigInteger),
)
Index("ix_calls_restriction", calls.c.restriction)
Index("ix_calls_arrived", calls.c.arrived_ms)
Index("ix_calls_caller", calls.c.caller_ref, calls.c.arrived_ms)
Index(
    "ix_calls_open",
    calls.c.arrived_ms,
    sqlite_where=calls.c.ended_ms.is_(None),
    postgresql_where=calls.c.ended_ms.is_(None),
)
Index(
    "ix_calls_remembered",  # what `storage.forgetting` still has to do, the oldest first
    calls.c.arrived_ms,
    sqlite_where=calls.c.forgotten_ms.is_(None),
    postgresql_where=calls.c.forgotten_ms.is_(None),
)

call_steps = Table(
    "call_steps",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", JSON, nullable=False),  # as in routing.steps, without caller_sealed
)

presentations = Table(
    "presentations",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("presentation", Text, primary_key=True),
    Column("seat_id", Text, primary_key=True),
    Column("agent_id", Text),
    Column("ring", Integer),  # index of the ring that admitted it
    Column("why", Text),
    Column("wait_ms", BigInteger),  # the caller's wait when it was sent
    Column("sent_ms", BigInteger),
    Column("dialing_ms", BigInteger),
    Column("ringing_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("outcome", Text),  # routing.steps.Outcome
    Column("ring_ms", BigInteger),
)
Index("ix_presentations_seat", presentations.c.seat_id, presentations.c.sent_ms)

agent_periods = Table(
    "agent_periods",
    metadata,
    Column("agent_id", Text, primary_key=True),
    Column("entry", BigInteger, primary_key=True, autoincrement=False),  # grows with time; see storage.entries
    Column("since_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("seat_id", Text),
    Column("reason", Text, nullable=False),
    Column("until_ms", BigInteger),  # null: still so
)
Index(
    "ix_agent_periods_open",
    agent_periods.c.agent_id,
    sqlite_where=agent_periods.c.until_ms.is_(None),
    postgresql_where=agent_periods.c.until_ms.is_(None),
)
Index("ix_agent_periods_until", agent_periods.c.until_ms)

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("skills", JSON, nullable=False),  # skill id -> level 1..10
    Column("zone", Text),
    Column("sign_in", Text, nullable=False),  # routing.model.SignIn
    Column("disabled", Boolean, nullable=False),  # works here no more; kept, for the records name him
    Column("revision", Integer, nullable=False),  # grows with each change; who writes names the one he read
)

# Departments and other hotlines: the directory.
departments = Table(
    "departments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # routing.directory.DepartmentKind
    Column("level", Integer, nullable=False),  # 1 to 3
    Column("hours", Text, nullable=False),  # as in routing.hours; "": those of the level
    Column("numbers", JSON, nullable=False),  # list of NUMBER or NUMBER@TRUNK, in order
    Column("shows_caller", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("code", Text, nullable=False, server_default=""),  # short number; "": none. Twice: service.department_rows
    Column("revision", Integer, nullable=False),
)

# One row a leg that was dialled to a third party; one with leg 0 for an act that ended before any was.
handoffs = Table(
    "handoffs",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("act", Integer, primary_key=True, autoincrement=False),
    Column("leg", Integer, primary_key=True, autoincrement=False),
    Column("verb", Text),
    Column("target_kind", Text),  # routing.targets.TargetKind
    Column("target", Text),
    Column("name", Text),
    Column("by", Text),
    Column("via", Text),
    Column("case", Text),
    Column("route", Integer),
    Column("way", Text),
    Column("seat", Text),
    Column("asked_ms", BigInteger),
    Column("dialled_ms", BigInteger),
    Column("ringing_ms", BigInteger),
    Column("answered_ms", BigInteger),
    Column("joined_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("outcome", Text),  # routing.steps.ThirdOutcome; null: the leg lasts, or there was none
    Column("cause", Integer),
    Column("act_outcome", Text),  # routing.steps.ActOutcome; null: the act lasts
    Column("reason", Text),
)
Index("ix_handoffs_asked", handoffs.c.asked_ms)

workdays = Table(
    "workdays",
    metadata,
    Column("date", Text, primary_key=True),  # ISO 8601
    Column("kind", Text, nullable=False),  # routing.workdays.DayKind
    Column("name", Text, nullable=False),  # of the holiday; "" for common days
    Column("official", Boolean, nullable=False),  # decreed; else set by an operator
)

# What every seat was to a decision: the large part of an explanation, deleted after `explanations_days`.
decisions = Table(
    "decisions",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the step
    Column("at_ms", BigInteger, nullable=False),
    Column("edition", Text, nullable=False),
    Column("codes", LargeBinary, nullable=False),  # zlib; routing.codes.Code, one byte a seat of the edition
)
Index("ix_decisions_at", decisions.c.at_ms)
Index("ix_decisions_edition", decisions.c.edition)

# The rules to which decisions refer: seats in their order, rings of each line.
editions = Table(
    "editions",
    metadata,
    Column("edition", Text, primary_key=True),
    Column("told_ms", BigInteger, nullable=False),  # when it was in force last anew
    Column("body", LargeBinary, nullable=False),  # zlib; JSON as in routing.candidates.Edition
)

recordings = Table(
    "recordings",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),  # steps up to here are folded in
    Column("outcome", Text),  # routing.recording.RecordingOutcome; null: the call is not over
    Column("file", Text),  # within the folder of recordings
    Column("started_ms", BigInteger),  # first answer
    Column("ended_ms", BigInteger),
    Column("seconds", Float),  # of sound in the file
    Column("bytes", BigInteger),
    Column("sha256", Text),
    Column("spans", JSON, nullable=False),  # [[from ms, to ms], ...]: when what is in the file was said
    Column("paused", JSON, nullable=False),  # [[from ms, to ms or null, reason, by], ...]: silence in the file
    Column("problem", Text),
    Column("deleted_ms", BigInteger),  # after its time
)

# Entries are ended, never deleted: calls name them, and somebody may ask who approved them.
restrictions = Table(
    "restrictions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ref", Text, nullable=False),  # caller_ref of a number, or the reference of a block
    Column("sealed", Text, nullable=False),  # the number, or how all numbers of the block begin; "": forgotten
    Column("block", Boolean, nullable=False),
    Column("kind", Text, nullable=False),  # routing.restrictions.Kind
    Column("afterwards", Text, nullable=False),  # routing.restrictions.Afterwards
    Column("talk_ms", BigInteger),  # limit of a short call; null: as configured
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("added_by", Text, nullable=False),  # name of the token
    Column("added_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("second_approver", Text),  # name of another token; a block without one is not in force
    Column("ended_by", Text),
    Column("ended_ms", BigInteger),  # before its time
)

# Citizens who are to be called back (T9): they were promised it, or nobody answered their call.
callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ref", Text, nullable=False),  # caller_ref of the number
    Column("sealed", Text, nullable=False),  # the number; "": forgotten
    Column("line", Text, nullable=False),  # whose number the citizen is shown
    Column("wanted_ms", BigInteger),  # not before; null: at any time
    Column("due_ms", BigInteger, nullable=False),
    Column("consent", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),  # the call in which it was asked for; "" for none
    Column("state", Text, nullable=False),  # storage.callbacks.STATES
    Column("attempts", Integer, nullable=False),  # calls in which the citizen was dialled
    Column("last_ms", BigInteger),  # when the last one was asked for
    Column("added_by", Text, nullable=False),  # name of the token
    Column("added_ms", BigInteger, nullable=False),
    Column("closed_by", Text),
    Column("closed_ms", BigInteger),
    Column("owed_ms", BigInteger),  # arrival of the lost call that it was made of; null: somebody promised it
    Column("tried_ms", BigInteger),  # when the citizen was dialled last
    Column("reason", Text, nullable=False, server_default=""),  # why the service has closed it
)
Index("ix_callbacks_due", callbacks.c.due_ms)
Index("ix_callbacks_ref", callbacks.c.ref)

# Calls that agents place; nothing of them is in `calls`.
outbound_calls = Table(
    "outbound_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # routing.outbound.OutKind
    Column("case_id", Text, nullable=False),
    Column("callback", Integer),
    Column("agent_id", Text, nullable=False),
    Column("seat_id", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("asked_by", Text, nullable=False),  # name of the token
    Column("state", Text, nullable=False),  # routing.outbound.OutState
    Column("asked_ms", BigInteger, nullable=False),
    Column("agent_answered_ms", BigInteger),
    Column("dialled_ms", BigInteger),
    Column("citizen_ringing_ms", BigInteger),
    Column("answered_ms", BigInteger),  # bridge of citizen and agent
    Column("ended_ms", BigInteger),  # null: not known to be over
    Column("outcome", Text),  # routing.outbound.OutOutcome
    Column("cause", Integer),
    Column("caller_ref", Text),  # of the citizen of a call-back
    Column("paced", Boolean, nullable=False, server_default=false()),  # offered by the service
)
Index("ix_outbound_calls_asked", outbound_calls.c.asked_ms)
Index("ix_outbound_calls_callback", outbound_calls.c.callback)

# Test calls: the outside leg, and what became of the call that came in.
probes = Table(
    "probes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),  # a line of ours
    Column("asked_by", Text, nullable=False),  # name of the token, or schedule
    Column("slot", Text, nullable=False),  # the moment of the schedule; "" when somebody asked
    Column("state", Text, nullable=False),  # routing.probe.ProbeState
    Column("asked_ms", BigInteger, nullable=False),
    Column("dialled_ms", BigInteger),
    Column("ringing_ms", BigInteger),  # the first sound
    Column("answered_ms", BigInteger),
    Column("ended_ms", BigInteger),  # null: not known to be over
    Column("outcome", Text),  # routing.probe.ProbeOutcome
    Column("cause", Integer),
    Column("sip", Integer),
    Column("call_id", Text, nullable=False),  # of the call that came in; "": none did
    Column("arrived_ms", BigInteger),
    Column("in_answered_ms", BigInteger),  # bridge with the agent
    Column("seat_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("answered_by", Text, nullable=False),  # engine or fallback
)
Index("ix_probes_asked", probes.c.asked_ms)

# What agents write down of a call. Rows are never changed: a correction is another row with the same root. They are
# forgotten when their time is over.
intake = Table(
    "intake",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("root", Integer, nullable=False),  # id of the first row
    Column("revision", Integer, nullable=False),  # from 1; the highest holds
    Column("call_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # storage.intake.KINDS
    Column("subject", Text, nullable=False),
    Column("name_sealed", Text),  # null: not told, or hidden
    Column("hidden", Boolean, nullable=False),  # the caller asked for it: neither name nor number leaves
    Column("text_sealed", Text, nullable=False),  # "": forgotten, with subject and name
    Column("district", Text, nullable=False),
    Column("by", Text, nullable=False),  # name of the token: of an agent his id
    Column("at_ms", BigInteger, nullable=False),
)
Index("ix_intake_call", intake.c.call_id)
Index(
    "ix_intake_remembered",
    intake.c.at_ms,
    sqlite_where=intake.c.text_sealed != "",
    postgresql_where=intake.c.text_sealed != "",
)
Index("ix_intake_revision", intake.c.root, intake.c.revision, unique=True)
Index("ix_intake_hidden", intake.c.call_id, sqlite_where=intake.c.hidden, postgresql_where=intake.c.hidden)

# What the city's work-order platform is still to be told, in order per call; see storage.outbox.
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # the order, also of the commits
    Column("event", Text, nullable=False, unique=True),  # by which the receiver knows a repeat
    Column("call_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", JSON, nullable=False),  # nothing personal: numbers, names and texts are opened to be delivered
    Column("intake", Integer),  # the row it tells of
    Column("made_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # storage.outbox.State
    Column("attempts", Integer, nullable=False),
    Column("first_ms", BigInteger),  # first attempt
    Column("next_ms", BigInteger, nullable=False),  # not before
    Column("last_error", Text),
    Column("closed_ms", BigInteger),  # delivered or dropped
    Column("closed_by", Text),  # who dropped it
    Column("reason", Text),  # why
)
Index("ix_outbox_due", outbox.c.state, outbox.c.next_ms, outbox.c.id)  # read in its order, see storage.deliveries
Index("ix_outbox_call", outbox.c.call_id, outbox.c.id)

# Who did what with what is personal: rows come, none is ever changed or deleted (the migration's triggers refuse it).
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # name of the token, or of the program that did it by itself
    Column("role", Text, nullable=False),  # of the token; "service" for what it does by itself
    Column("act", Text, nullable=False),  # storage.audit.Act
    Column("subject_kind", Text, nullable=False),  # call, caller, callback, restriction, key, ...
    Column("subject_id", Text, nullable=False),  # never a number
    Column("reason", Text, nullable=False),
    Column("details", JSON, nullable=False),  # nothing personal
)
Index("ix_audit_at", audit.c.at_ms)
Index("ix_audit_subject", audit.c.subject_kind, audit.c.subject_id)

# Callers who asked that their data be hidden: in one call, or in all of their number. Ended, never deleted.
hidden = Table(
    "hidden",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call_id", Text),  # this call alone; null: every call of `ref`
    Column("ref", Text),  # caller_ref; null: this call alone
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),  # name of the token
    Column("at_ms", BigInteger, nullable=False),
    Column("ended_by", Text),
    Column("ended_ms", BigInteger),
    Column("ended_reason", Text),
)

# Legal holds: what they are on is neither deleted nor made nameless. Rows are lifted, never deleted.
holds = Table(
    "holds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # storage.holds.HoldKind
    Column("call_id", Text, nullable=False),  # "" where it is on something else, as in the next columns
    Column("ref", Text, nullable=False),  # caller_ref
    Column("sealed", Text, nullable=False),  # the number
    Column("case_id", Text, nullable=False),
    Column("since_ms", BigInteger),  # arrival
    Column("until_ms", BigInteger),
    Column("days", Text, nullable=False),  # the same as people wrote it
    Column("reason", Text, nullable=False),
    Column("added_by", Text, nullable=False),  # name of the token
    Column("added_ms", BigInteger, nullable=False),
    Column("lifted_by", Text),
    Column("lifted_ms", BigInteger),
    Column("lifted_reason", Text),
)

# Days whose calls were deleted: what reports of them say from then on.
forgotten_days = Table(
    "forgotten_days",
    metadata,
    Column("since_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("day", Text, nullable=False),  # local, ISO 8601
    Column("calls", Integer, nullable=False),
    Column("data", Text, nullable=False),  # the sum that reports and audit named: sha256:...
    Column("at_ms", BigInteger, nullable=False),
)

kept_figures = Table(
    "kept_figures",
    metadata,
    Column("since_ms", BigInteger, primary_key=True, autoincrement=False),  # of the day
    Column("number", Text, primary_key=True),  # dialled
    Column("body", LargeBinary, nullable=False),  # zlib; JSON as in storage.kept_days
)

# How far forgetting has come. One row a kind of `storage.forgetting.Kind`, and one of the nightly run.
forgettings = Table(
    "forgettings",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),  # what is older is forgotten, but for what is held
    Column("at_ms", BigInteger, nullable=False),  # when that was done last
)

journal_position = Table(
    "journal_position",
    metadata,
    Column("journal_id", Text, primary_key=True),
    Column("segment", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
)
