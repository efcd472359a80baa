"""The FastAGI server: listens, limits, holds sessions, renews their leases. What a session may do is in `dialogue.py`.

Everything the service hears comes as a plain call, in the order of arrival, never from inside one of its own calls:

    on_request(session)            a request is there and checked; the session stays open until decide() or close()
    on_decided(session, accepted)  once for each decide(); False: refused by Asterisk, or the session ended before its reply
    on_closed(session, reason)     the session ended, and neither by an accepted decision nor by close()

A refused or lost decision is followed by its on_closed. Reasons: eof, hangup, timeout, protocol, shutdown, error (an
exception in one of these callbacks: logged, counted, and that session is closed, so that the dialplan takes the caller).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, ITCPTransport, IWriteDescriptor
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from telephony.agi.codec import AgiRequest
from telephony.agi.dialogue import Closed, Decided, Dialogue, HungUp, Kind, Opened, Output, Reason, Send, State, Terms
from telephony.agi.leases import Wheel

log = structlog.get_logger("telephony.agi")

BACKLOG: Final = 1024  # after a restart 1,000 callers come back within a second; Twisted's own 50 would lose SYNs
QUIET_TURNS: Final = 3  # loop turns without a read after which the sockets count as drained
MOST_TURNS: Final = 200
LAG_WINDOW_S: Final = 30.0
OURS: Final = frozenset({Reason.DECIDED, Reason.CLOSED})  # ends that the service knows of already


class AgiListenError(Exception):
    """The FastAGI address cannot be used. The text says what to do."""


@dataclass(frozen=True, slots=True)
class AgiStats:
    """Counters since start, except `sessions_held`, which is now.

    connections = shed + probes + refused + opened + still reading their header.
    """

    sessions_held: int = 0
    connections: int = 0
    shed: int = 0  # refused unread: too many
    probes: int = 0  # closed by the peer before a request: port scan, health check
    refused: int = 0  # closed by us before a session was opened
    opened: int = 0
    bad_requests: int = 0  # of the refused: nonsense, or a field missing or out of shape; by reason in `refused_by`
    protocol_errors: int = 0  # nonsense in an open session
    timeouts: int = 0  # header or reply did not come in time
    hangups: int = 0
    renewals: int = 0
    renewals_late: int = 0  # more than half a renewal period late, or the one before not yet answered
    ringings: int = 0
    decisions: int = 0
    decisions_refused: int = 0  # refused by Asterisk, or the session ended before the reply
    callback_errors: int = 0
    refused_by: Mapping[str, int] = field(default_factory=dict)


class HeldSession:
    """One caller whom we may decide for. Valid until on_closed, an accepted decision, or close()."""

    __slots__ = ("_connection", "id", "request")

    def __init__(self, connection: _Connection, session_id: int, request: AgiRequest) -> None:
        self._connection = connection
        self.id = session_id
        self.request = request

    @property
    def hungup(self) -> bool:
        """Asterisk said HANGUP. No proof that the caller is gone: it says so too when it moves the caller."""
        return self._connection.dialogue.hungup

    def decide(self, value: str) -> None:
        """Sets HOTLINE_DECISION to this value and ends the session. on_decided tells what became of it, later.

        Raises:
            ValueError: the value holds a character that a decision may not hold; nothing was sent.
            IllegalTransition: this session was decided before.
        """
        self._connection.decide(value)

    def close(self) -> None:
        """Ends the session without a decision: the dialplan goes on by itself. No callback follows."""
        self._connection.close()


class _Connection(Protocol):
    """The shell of one dialogue."""

    transport: Any  # zope's interfaces say nothing to mypy

    def __init__(self, server: AgiServer) -> None:
        self.server = server
        self.dialogue = Dialogue(server.terms, server.now())
        self.session: HeldSession | None = None

    def connectionMade(self) -> None:  # noqa: N802
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self.server._connected(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.server._reads += 1
        self.apply(self.dialogue.receive(data, self.server.now()))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.apply(self.dialogue.eof())
        self.server._disconnected(self)

    def decide(self, value: str) -> None:
        outputs = self.dialogue.decide(value, self.server.now())
        if any(isinstance(output, Decided) for output in outputs):
            self.server.loop.call_soon(self.apply, outputs)  # never from inside the service's own call
        else:
            self.apply(outputs)

    def close(self) -> None:
        self.apply(output for output in self.dialogue.end(Reason.CLOSED) if isinstance(output, Closed))

    def apply(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case Send():
                    self.transport.write(output.line)
                    if output.kind is Kind.DECISION and IWriteDescriptor.providedBy(self.transport):
                        self.transport.doWrite()  # now: the loop's next turn comes after the records of this event
                    self.server._sent(output.kind)
                case Opened():
                    self.server._opened(self, output.request)
                case HungUp():
                    self.server._count("hangups")
                case Decided():
                    self.server._decided(self, output.accepted)
                case Closed():
                    self._hang_up(output.abort)
                    self.server._closed(self, output)

    def _hang_up(self, abort: bool) -> None:
        if abort:
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()


class _Factory(ServerFactory):
    noisy = False

    def __init__(self, server: AgiServer) -> None:
        self.server = server

    def buildProtocol(self, addr: IAddress | None) -> _Connection | None:  # noqa: N802
        return self.server._admit()


class AgiServer:
    """See the module. Made and used inside the running loop that the reactor rides on (`reactor.install_reactor`).

    Args:
        lease_s: the routing lease; each held session is renewed every third of it, and its replies must come within it.
        after_lease_s: the dialplan's limit for `/after`; such a session is not renewed and cut after twice this time.
        max_sessions: connections at once; further ones are closed unread, which Asterisk sees as a failed AGI.
        header_timeout_s: time for the environment block.
        ringing_every_s: how often a caller who has not been answered into the notice gets a further 180.
    """

    def __init__(
        self,
        *,
        on_request: Callable[[HeldSession], None],
        on_closed: Callable[[HeldSession, str], None],
        on_decided: Callable[[HeldSession, bool], None],
        lease_s: float,
        after_lease_s: float = 2.0,
        max_sessions: int = 4000,
        header_timeout_s: float = 5.0,
        ringing_every_s: float = 50.0,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.terms = Terms(lease_s, after_lease_s, header_timeout_s, ringing_every_s)
        self._on_request, self._on_closed, self._on_decided = on_request, on_closed, on_decided
        self._max_sessions = max_sessions
        self._period_s = lease_s / 3
        self._wheel: Wheel[_Connection] = Wheel(self._period_s)
        self._timer: asyncio.TimerHandle | None = None
        self._lag = _WorstOfLately(LAG_WINDOW_S)
        self._connections: dict[_Connection, None] = {}  # oldest first: they are given back in this order
        self._sessions: dict[int, HeldSession] = {}
        self._ids = itertools.count(1)
        self._counts: dict[str, int] = Counter()
        self._refused_by: Counter[str] = Counter()
        self._reads = 0
        self._port: Any = None
        self._empty: asyncio.Event | None = None

    # -- for the service --

    async def start(self, endpoint: str) -> None:
        """Listens. `endpoint` is a Twisted description such as `tcp:4573:interface=127.0.0.1`. Raises AgiListenError."""
        from twisted.internet import reactor

        if endpoint.startswith("tcp:") and "backlog=" not in endpoint:
            endpoint += f":backlog={BACKLOG}"
        try:
            listening = serverFromString(reactor, endpoint).listen(_Factory(self))  # type: ignore[no-untyped-call]
            self._port = await listening.asFuture(self.loop)
        except CannotListenError as error:
            raise AgiListenError(
                f"FastAGI cannot listen on {endpoint}: {error.socketError}. "
                "Stop the program that holds the port (`ss -ltnp`), or change `[service] fastagi`."
            ) from None
        except (ValueError, TypeError) as error:
            raise AgiListenError(
                f"{endpoint!r} is no address to listen on ({error}). "
                'Write `[service] fastagi` like "tcp:4573:interface=127.0.0.1".'
            ) from None

    async def stop(self, grace_s: float) -> None:
        """Stops listening and gives all callers back to the dialplan. Decisions on their way get `grace_s` to arrive."""
        if self._port is not None:
            port, self._port = self._port, None
            stopped = port.stopListening()
            if stopped is not None:
                await stopped.asFuture(self.loop)
        self._empty = asyncio.Event()
        for connection in list(self._connections):
            if not connection.dialogue.deciding:
                connection.apply(connection.dialogue.end(Reason.SHUTDOWN))
        await self._wait_until_empty(grace_s)
        for connection in list(self._connections):
            connection.apply(connection.dialogue.end(Reason.SHUTDOWN))
            connection.transport.abortConnection()
        await self._wait_until_empty(1.0)
        self._set_timer()

    async def drained(self) -> None:
        """Returns when what was readable has been read, new connections included. To be awaited after a stall.

        Asterisk ends the sessions whose lease ran out meanwhile; deciding before that was read would decide for callers
        who have gone elsewhere.
        """
        quiet = 0
        for _ in range(MOST_TURNS):
            before = self._reads
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._reads == before else 0
            if quiet > QUIET_TURNS:
                return

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on (the port that the system chose for `tcp:0`)."""
        assert self._port is not None, "not started"
        host = self._port.getHost()
        return host.host, host.port

    @property
    def lag_s(self) -> float:
        """The worst lateness of a lease renewal within the last half to one minute, in seconds."""
        return self._lag.worst(self.now())

    @property
    def stats(self) -> AgiStats:
        counts: dict[str, Any] = dict(self._counts)
        return AgiStats(sessions_held=len(self._sessions), refused_by=dict(self._refused_by), **counts)

    def sessions(self) -> tuple[HeldSession, ...]:
        """The open sessions, oldest first."""
        return tuple(self._sessions.values())

    def now(self) -> float:
        return self.loop.time()

    # -- from the connections --

    def _admit(self) -> _Connection | None:
        self._reads += 1
        self._count("connections")
        if self._empty is not None or len(self._connections) >= self._max_sessions:
            self._count("shed")
            return None
        return _Connection(self)

    def _connected(self, connection: _Connection) -> None:
        self._connections[connection] = None
        self._wheel.join(connection, self.now())
        self._set_timer()

    def _disconnected(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        if self._empty is not None and not self._connections:
            self._empty.set()

    def _opened(self, connection: _Connection, request: AgiRequest) -> None:
        self._count("opened")
        session = HeldSession(connection, next(self._ids), request)
        connection.session = self._sessions[session.id] = session
        self._tell(connection, self._on_request, session)

    def _sent(self, kind: Kind) -> None:
        if kind is Kind.RENEWAL:
            self._count("renewals")
        elif kind is Kind.RINGING:
            self._count("ringings")
        else:
            self._count("decisions")

    def _decided(self, connection: _Connection, accepted: bool) -> None:
        if not accepted:
            self._count("decisions_refused")
        self._tell(connection, self._on_decided, connection.session, accepted)

    def _closed(self, connection: _Connection, closed: Closed) -> None:
        self._wheel.leave(connection)
        if closed.reason is Reason.TIMEOUT:
            self._count("timeouts")
        session = connection.session
        if session is None:
            self._refused(closed)
            return
        del self._sessions[session.id]
        if closed.reason is Reason.PROTOCOL:
            self._count("protocol_errors")
        if closed.reason in (Reason.PROTOCOL, Reason.TIMEOUT):
            log.warning("agi session cut", call_id=session.request.call_id, reason=closed.reason, detail=closed.detail)
        if closed.reason not in OURS:
            self._tell(connection, self._on_closed, session, str(closed.reason))

    def _refused(self, closed: Closed) -> None:
        if closed.reason is Reason.EOF:
            self._count("probes")
            return
        self._count("refused")
        self._refused_by[closed.detail or str(closed.reason)] += 1
        if closed.reason is Reason.PROTOCOL:
            self._count("bad_requests")
            log.warning("agi request refused", reason=closed.detail)

    def _tell(self, connection: _Connection, callback: Callable[..., None], *args: object) -> None:
        """Calls the service. Its bug is confined to this one caller, whom the dialplan then takes."""
        try:
            callback(*args)
        except Exception:
            self._count("callback_errors")
            session = connection.session
            log.exception("agi callback failed", call_id=session.request.call_id if session else None)
            connection.apply(connection.dialogue.end(Reason.ERROR))

    def _count(self, what: str) -> None:
        self._counts[what] += 1

    # -- the wheel --

    def _set_timer(self) -> None:
        wake_at = self._wheel.wake_at()
        if self._timer is not None:
            if wake_at is not None and self._timer.when() <= wake_at:
                return
            self._timer.cancel()
            self._timer = None
        if wake_at is not None:
            self._timer = self.loop.call_at(wake_at, self._timer_fired, wake_at)

    def _timer_fired(self, due: float) -> None:
        self._timer = None
        if self.now() - due > self.terms.lease_s / 2:
            # We stalled. What came meanwhile is read first: two turns, as a call queued now runs before the next read.
            self.loop.call_soon(self.loop.call_soon, self._turn)
        else:
            self._turn()

    def _turn(self) -> None:
        now = self.now()
        for connection, late_s in self._wheel.turn(now):
            if connection.dialogue.leased:
                self._lag.note(late_s, now)
                if late_s > self._period_s / 2 or connection.dialogue.state is State.RENEWING:
                    self._count("renewals_late")
            connection.apply(connection.dialogue.tick(now))
        self._set_timer()

    async def _wait_until_empty(self, timeout_s: float) -> None:
        assert self._empty is not None
        if not self._connections:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return


class _WorstOfLately:
    """The largest value noted within the last one to two windows."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._started_at = 0.0
        self._now_worst = self._last_worst = 0.0

    def note(self, value: float, now: float) -> None:
        self._roll(now)
        self._now_worst = max(self._now_worst, value)

    def worst(self, now: float) -> float:
        self._roll(now)
        return max(self._now_worst, self._last_worst)

    def _roll(self, now: float) -> None:
        windows = (now - self._started_at) // self._window_s
        if windows >= 1:
            self._last_worst = self._now_worst if windows < 2 else 0.0
            self._now_worst = 0.0
            self._started_at = now
