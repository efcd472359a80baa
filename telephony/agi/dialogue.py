"""One AGI session as a state machine. No socket, no clock: bytes and times in, outputs out.

Theory of operation
-------------------
Asterisk connects, sends its environment block and waits; from then on we send commands, ONE at a time, each answered by
one reply. A caller may stay here for minutes: the session is *held*, and the routing lease (the absolute timeout that the
dialplan set before it called us) is renewed at every tick. The session ends by one decision, which is one command; or by
the other side.

    HEADER ──request──> HELD ──tick──> RENEWING ──reply──> HELD
                          │                │ decide
                          │ decide         v
                          │              OWING   (the decision waits for the reply to the renewal)
                          v                │ reply
                       DECIDING <──────────┘
                          │ reply
                          v
                        CLOSED  <── from everywhere: end of stream, deadline, nonsense, we close

Who may fire what: the peer fires `receive` and `eof`; the wheel fires `tick`, once per third of a lease, which also
watches all deadlines; the engine fires `decide` (once) and `end`. Every decision is reported exactly once.

Races met, and how they are settled:
* A decision falls into a renewal: two commands in flight would pair replies wrongly, so it waits (OWING) and leaves
  with the reply.
* The lease runs out or the caller hangs up while the decision is on its way: Asterisk may say `200 result=1` and still
  never act on it (seen 63 times in 112). "Accepted" is no presentation; the engine's own deadline decides.
* `HANGUP` comes at any time, between two lines of replies too, and twice at the end; also when Asterisk moves a living
  caller elsewhere. It is never a reply and never proof that the caller is gone: it names the reason once the stream ends.
* A peer that stops in the middle of a line is cut when the command in flight passes its deadline; the next tick puts one
  in flight if there is none.
* Bytes that nobody asked for mean that the environment was forged or that replies are off by one: the session ends at
  once, and the dialplan finds a person without us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final, TypeAlias

from telephony import names
from telephony.agi.codec import (
    MAX_USAGE_LINES,
    RINGING,
    AgiFramingError,
    AgiRequest,
    Environment,
    Lines,
    Reply,
    decision_command,
    parse_reply,
    renewal_command,
)


class State(Enum):
    HEADER = auto()  # the environment block is being read
    HELD = auto()  # nothing in flight
    RENEWING = auto()  # a renewal (or a ringing) in flight
    OWING = auto()  # the same, and a decision waits behind it
    DECIDING = auto()  # the decision in flight
    CLOSED = auto()


class Event(Enum):
    REQUEST_READ = auto()
    COMMAND_DUE = auto()
    DECISION_MADE = auto()
    REPLIED = auto()
    ENDED = auto()


S, E = State, Event

TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (S.HEADER, E.REQUEST_READ): S.HELD,
    (S.HELD, E.COMMAND_DUE): S.RENEWING,
    (S.HELD, E.DECISION_MADE): S.DECIDING,
    (S.RENEWING, E.REPLIED): S.HELD,
    (S.RENEWING, E.DECISION_MADE): S.OWING,
    (S.OWING, E.REPLIED): S.DECIDING,
    (S.DECIDING, E.REPLIED): S.CLOSED,
    (S.HEADER, E.ENDED): S.CLOSED,
    (S.HELD, E.ENDED): S.CLOSED,
    (S.RENEWING, E.ENDED): S.CLOSED,
    (S.OWING, E.ENDED): S.CLOSED,
    (S.DECIDING, E.ENDED): S.CLOSED,
}

# Expected, without effect on the state. The value says how such an event can arrive here.
IGNORED: Final[Mapping[tuple[State, Event], str]] = {
    (S.RENEWING, E.COMMAND_DUE): "the wheel came round before Asterisk replied: one command at a time",
    (S.OWING, E.COMMAND_DUE): "the same; and the decision goes first",
    (S.DECIDING, E.COMMAND_DUE): "the decision ends the lease",
    (S.HEADER, E.COMMAND_DUE): "nobody to renew yet",
    (S.CLOSED, E.COMMAND_DUE): "closed within the same turn of the wheel",
    (S.CLOSED, E.DECISION_MADE): "the engine decided before it learned of the end",
    (S.CLOSED, E.ENDED): "our own close, seen as the end of the stream",
}


class IllegalTransition(Exception):
    """Our own bug: a second decision for one session, say."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.name} in {state.name}")


def step(state: State, event: Event) -> State:
    """The next state. Raises IllegalTransition."""
    if (state, event) in IGNORED:
        return state
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


class Reason(StrEnum):
    """Why a session closed. The first five are what the other side or the world did; the rest is ours."""

    EOF = "eof"
    HANGUP = "hangup"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    SHUTDOWN = "shutdown"
    DECIDED = "decided"
    CLOSED = "closed"
    ERROR = "error"


class Kind(Enum):
    RENEWAL = auto()
    RINGING = auto()
    DECISION = auto()


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes with one write."""

    line: bytes
    kind: Kind


@dataclass(frozen=True, slots=True)
class Opened:
    request: AgiRequest


@dataclass(frozen=True, slots=True)
class HungUp:
    """The first HANGUP line. Told for counting; see the theory of operation."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of the decision. `accepted`: Asterisk took it; else refused, or the session ended before a reply."""

    accepted: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The last output. `abort`: do not wait for anything still to be written. `detail` is a counter's label."""

    reason: Reason
    abort: bool
    detail: str = ""


Output: TypeAlias = Send | Opened | HungUp | Decided | Closed


@dataclass(frozen=True, slots=True)
class Terms:
    """What a server grants to each of its sessions. All in seconds."""

    lease_s: float
    after_lease_s: float = 2.0  # the dialplan's limit for /after and /seat, which is not renewed
    header_timeout_s: float = 5.0
    ringing_every_s: float = 50.0


class Dialogue:
    """One session. `now` is monotonic seconds. Every method returns what the shell must do, in order."""

    __slots__ = (
        "_deadline",
        "_decision",
        "_environment",
        "_lines",
        "_ringing_at",
        "_terms",
        "_usage_lines",
        "hungup",
        "request",
        "state",
    )

    def __init__(self, terms: Terms, now: float) -> None:
        self._terms = terms
        self._lines = Lines()
        self._environment: Environment | None = Environment()
        self._usage_lines = 0  # of the 520 reply being read; 0: none
        self._decision: bytes | None = None
        self._deadline: float | None = now + terms.header_timeout_s
        self._ringing_at: float | None = None
        self.state = State.HEADER
        self.request: AgiRequest | None = None
        self.hungup = False

    # -- from the peer --

    def receive(self, data: bytes, now: float) -> list[Output]:
        outputs: list[Output] = []
        try:
            for line in self._lines.feed(data):
                if self.state is State.CLOSED:
                    break
                outputs += self._line(line, now)
        except AgiFramingError as error:
            outputs += self.end(Reason.PROTOCOL, error.reason)
        return outputs

    def eof(self) -> list[Output]:
        return self.end(Reason.HANGUP if self.hungup else Reason.EOF)

    # -- from the wheel and the engine --

    def tick(self, now: float) -> list[Output]:
        """Comes at least once per third of a lease: cuts what is overdue, else renews the lease."""
        if self._deadline is not None and now >= self._deadline:
            return self.end(Reason.TIMEOUT)
        if self.state is State.HELD and self.leased:
            return [self._command(renewal_command(self._terms.lease_s), Kind.RENEWAL, now)]
        return []

    def decide(self, value: str, now: float) -> list[Output]:
        """Hands the decision over, or queues it behind the command in flight.

        Raises:
            ValueError: `codec.decision_command` refuses the value; the session is as before.
            IllegalTransition: decided before, or before the request was read.
        """
        line = decision_command(value)
        before, self.state = self.state, step(self.state, Event.DECISION_MADE)
        if before is State.CLOSED:
            return [Decided(False)]
        self._decision = line
        return [self._send_decision(now)] if before is State.HELD else []

    def end(self, reason: Reason, detail: str = "") -> list[Output]:
        """Ends the session from either side. A decision that had no reply yet is reported as not accepted."""
        before, self.state = self.state, step(self.state, Event.ENDED)
        if before is State.CLOSED:
            return []
        self._deadline = None
        closed = Closed(reason, abort=before is not State.HELD or reason is Reason.PROTOCOL, detail=detail)
        undecided: list[Output] = [Decided(False)] if before in (State.OWING, State.DECIDING) else []
        return [*undecided, closed]

    @property
    def deciding(self) -> bool:
        """A decision is on its way: worth waiting for at shutdown."""
        return self.state in (State.OWING, State.DECIDING)

    @property
    def leased(self) -> bool:
        """A caller waiting for a seat; the lease of /after and /seat is not renewed."""
        return self.request is not None and self.request.script == names.SCRIPT_ROUTE

    # -- inside --

    def _line(self, line: bytes, now: float) -> list[Output]:
        if self._environment is not None:
            return self._environment_line(self._environment, line, now)
        if line == b"HANGUP":
            first, self.hungup = not self.hungup, True
            return [HungUp()] if first else []
        return self._reply_line(line, now)

    def _environment_line(self, environment: Environment, line: bytes, now: float) -> list[Output]:
        if line:
            environment.add(line)
            return []
        self.request = environment.request()
        self._environment = None
        self.state = step(self.state, Event.REQUEST_READ)
        leased = self.leased
        self._deadline = None if leased else now + 2 * self._terms.after_lease_s
        self._ringing_at = now + self._terms.ringing_every_s if leased and not self.request.noticed else None
        return [Opened(self.request)]

    def _reply_line(self, line: bytes, now: float) -> list[Output]:
        if self.state is State.HELD:
            raise AgiFramingError("line without a command")
        if line.startswith(b"520-") or (self._usage_lines and not line.startswith(b"520 ")):
            self._usage_lines += 1
            if self._usage_lines > MAX_USAGE_LINES:
                raise AgiFramingError("usage too long")
            return []
        self._usage_lines = 0
        reply = parse_reply(line)
        return [] if reply.code == 100 else self._replied(reply, now)

    def _replied(self, reply: Reply, now: float) -> list[Output]:
        before, self.state = self.state, step(self.state, Event.REPLIED)
        self._deadline = None
        if before is State.DECIDING:
            return self._decided(reply)
        if before is State.OWING:
            return [self._send_decision(now)]
        if self._ringing_at is not None and now >= self._ringing_at:
            self._ringing_at = now + self._terms.ringing_every_s
            return [self._command(RINGING, Kind.RINGING, now)]
        return []

    def _decided(self, reply: Reply) -> list[Output]:
        if reply.accepted:
            return [Decided(True), Closed(Reason.DECIDED, abort=False)]
        reason = Reason.HANGUP if self.hungup or reply.code == 511 else Reason.PROTOCOL
        return [Decided(False), Closed(reason, abort=False, detail=f"decision refused with {reply.code}")]

    def _command(self, line: bytes, kind: Kind, now: float) -> Send:
        self.state = step(self.state, Event.COMMAND_DUE)
        self._deadline = now + self._terms.lease_s
        return Send(line, kind)

    def _send_decision(self, now: float) -> Send:
        line, self._decision = self._decision, None
        assert line is not None, "a decision is sent only after one was made"
        self._deadline = now + (self._terms.lease_s if self.leased else self._terms.after_lease_s)
        return Send(line, Kind.DECISION)
