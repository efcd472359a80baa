"""The server over real sockets on loopback: what one session's trouble may and may not do to the others."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from telephony.agi.dialogue import IllegalTransition
from telephony.agi.server import AgiListenError, HeldSession
from tests.contract.agi_peer import CALL_ID, FakeAsterisk, environment
from tests.contract.agi_service import LISTEN, Service

VALUE = "present:p1:1795302614000:6:1001"
FIN_WAIT2 = 5  # of the kernel's TCP states: our end is acknowledged
Start = Callable[..., Awaitable[Service]]


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncIterator[Start]:
    """Starts a server with these options; it is stopped at the end."""
    started: list[Service] = []

    async def starting(**options: Any) -> Service:
        service = Service(**options)
        started.append(service)
        await service.server.start(LISTEN)
        return service

    yield starting
    for service in started:
        await service.server.stop(1.0)


def plain_socket(service: Service, data: bytes = b"") -> socket.socket:
    """A peer that acts between two turns of the loop."""
    peer = socket.create_connection(service.server.address)
    peer.sendall(data)
    return peer


def go_for_good(peer: socket.socket) -> None:
    """Hangs up and ends the connection; returns when the other side has all of it, read or not."""
    peer.sendall(b"HANGUP\n")
    peer.shutdown(socket.SHUT_WR)
    while peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != FIN_WAIT2:
        time.sleep(0.001)
    peer.close()


def explode(*_: object) -> None:
    raise RuntimeError("a bug in the service")


async def test_a_caller_is_held_until_the_service_decides(start: Start) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    assert service.sessions[0].request.call_id == CALL_ID
    assert service.server.sessions() == (service.sessions[0],)
    service.sessions[0].decide(VALUE)
    assert await peer.ended() == "next"
    assert peer.variables["HOTLINE_DECISION"] == VALUE
    assert peer.told == [f'SET VARIABLE "HOTLINE_DECISION" "{VALUE}"']
    assert service.heard == [("request", 1), ("decided", 1, True)]
    assert service.server.sessions() == ()


async def test_a_decision_may_be_made_at_once(start: Start) -> None:
    service = await start()
    service.on_request = lambda session: session.decide(VALUE)
    peer = await FakeAsterisk.calls(service.server.address)
    assert await peer.ended() == "next"
    assert service.heard == [("request", 1), ("decided", 1, True)]


async def test_a_caller_who_hangs_up_is_told_once(start: Start) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    await peer.hangs_up()
    await service.hears("closed", 1, "hangup")
    assert service.sessions[0].hungup
    assert service.server.stats.hangups == 1


async def test_a_connection_that_ends_without_a_word_is_told_as_eof(start: Start) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    await peer.goes()
    await service.hears("closed", 1, "eof")


async def test_a_session_may_be_closed_without_a_decision_and_nothing_is_told(start: Start) -> None:
    service = await start()
    service.on_request = HeldSession.close
    peer = await FakeAsterisk.calls(service.server.address)
    assert await peer.ended() == "next"
    assert service.heard == [("request", 1)]
    assert service.server.stats.sessions_held == 0


async def test_a_decision_for_a_caller_who_has_gone_is_told_later_and_as_not_accepted(start: Start) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    await peer.hangs_up()
    await service.hears("closed", 1, "hangup")
    service.sessions[0].decide(VALUE)
    assert ("decided", 1, False) not in service.heard  # never from inside decide()
    await service.hears("decided", 1, False)


async def test_a_decision_that_meets_the_hangup_is_told_as_not_accepted_and_then_the_end(start: Start) -> None:
    service = await start()
    peer = plain_socket(service, environment())
    await service.hears("request", 1)
    service.sessions[0].decide(VALUE)
    peer.sendall(b"HANGUP\n")
    peer.close()
    await service.hears("closed", 1, "hangup")
    assert service.heard == [("request", 1), ("decided", 1, False), ("closed", 1, "hangup")]


async def test_a_decision_that_cannot_be_sent_and_a_second_one_are_bugs_of_whoever_makes_them(start: Start) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    with pytest.raises(ValueError, match="a decision may hold only"):
        service.sessions[0].decide("${X}")
    service.sessions[0].decide(VALUE)
    with pytest.raises(IllegalTransition):
        service.sessions[0].decide(VALUE)
    assert await peer.ended() == "next"
    assert peer.told == [f'SET VARIABLE "HOTLINE_DECISION" "{VALUE}"']


async def test_each_command_is_one_write(start: Start) -> None:
    service = await start(lease_s=0.09)
    peer = plain_socket(service, environment())
    peer.setblocking(False)
    got = await asyncio.get_running_loop().sock_recv(peer, 65536)
    assert got == b'SET VARIABLE "TIMEOUT(absolute)" "0.09"\n'
    peer.close()
    await service.hears("closed", 1, "eof")


async def test_a_decision_in_the_middle_of_a_renewal_follows_its_reply(start: Start) -> None:
    service = await start(lease_s=3.0)
    peer = plain_socket(service, environment())
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(peer, 65536) == b'SET VARIABLE "TIMEOUT(absolute)" "3"\n'
    service.sessions[0].decide(VALUE)
    await service.server.drained()
    with pytest.raises(BlockingIOError):
        peer.recv(65536)
    peer.sendall(b"200 result=1\n")
    assert (await loop.sock_recv(peer, 65536)).startswith(b'SET VARIABLE "HOTLINE_DECISION"')
    peer.sendall(b"200 result=1\n")
    assert await loop.sock_recv(peer, 65536) == b""
    await service.hears("decided", 1, True)
    peer.close()


async def test_every_held_caller_is_renewed_in_every_turn(start: Start) -> None:
    service = await start(lease_s=6.0)  # here a stalled loop stalls the callers as well, so the lease is generous
    peers = [await FakeAsterisk.calls(service.server.address) for _ in range(50)]
    for peer in peers:
        await peer.heard(r'^SET VARIABLE "TIMEOUT\(absolute\)" "6"$', times=2)
    assert service.server.stats.renewals >= 100
    assert service.server.lag_s >= 0
    for peer in peers:
        await peer.hangs_up()


async def test_a_waiting_caller_gets_a_further_ringing(start: Start) -> None:
    service = await start(lease_s=1.5, ringing_every_s=0.2)
    peer = await FakeAsterisk.calls(service.server.address)
    await peer.heard("^EXEC Ringing$", times=2)
    assert service.server.stats.ringings >= 2
    await peer.hangs_up()


@pytest.mark.parametrize("silence", [b"", b"200 resu", b"HANG"])
async def test_a_peer_that_falls_silent_is_cut_when_its_lease_is_over(start: Start, silence: bytes) -> None:
    service = await start(lease_s=0.09)
    peer = plain_socket(service, environment() + silence)
    await service.hears("closed", 1, "timeout")
    assert service.server.stats.timeouts == 1
    peer.close()


async def test_a_header_that_does_not_come_is_cut(start: Start) -> None:
    service = await start(lease_s=0.09, header_timeout_s=0.03)
    peer = await FakeAsterisk.calls(service.server.address, b"agi_network: yes\n")
    assert await peer.ended() == "next"
    assert service.heard == []
    assert service.server.stats.refused_by == {"timeout": 1}


async def test_two_hundred_probes_cost_nothing(start: Start) -> None:
    service = await start()
    for _ in range(200):
        plain_socket(service).close()
    caller = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    await service.until(lambda: service.server.stats.probes == 200)
    stats = service.server.stats
    assert stats.connections == stats.probes + stats.opened + stats.refused + stats.shed
    await caller.hangs_up()


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not an environment line"),
        (b"\x16\x03\x01\x02\x00\x01\xff\n", "not an environment line"),
        (environment("other"), "script"),
        (environment(args=()), "call_id"),
        (b"x" * 20_000, "line too long"),
    ],
)
async def test_a_request_that_is_none_of_ours_is_refused_and_counted(start: Start, block: bytes, reason: str) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address, block)
    assert await peer.ended() == "next"
    assert service.heard == []
    assert service.server.stats.refused_by == {reason: 1}
    assert service.server.stats.bad_requests == 1


async def test_one_caller_too_many_is_sent_back_unread_and_the_others_stay(start: Start) -> None:
    service = await start(max_sessions=2)
    peers = [await FakeAsterisk.calls(service.server.address) for _ in range(2)]
    await service.hears("request", 2)
    late = await FakeAsterisk.calls(service.server.address)
    assert await late.ended() == "next"
    assert (service.server.stats.shed, service.server.stats.sessions_held) == (1, 2)
    for peer in peers:
        await peer.hangs_up()


async def test_a_bug_in_the_service_costs_one_caller_the_service_and_nothing_else(start: Start) -> None:
    service = await start()
    held = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    service.on_request = explode
    with capture_logs() as logs:
        peer = await FakeAsterisk.calls(service.server.address)
        assert await peer.ended() == "next"
    assert ("closed", 2, "error") in service.heard
    assert [(entry["event"], entry["call_id"]) for entry in logs] == [("agi callback failed", CALL_ID)]
    assert "13800000000" not in repr(logs)
    assert service.server.stats.callback_errors == 1
    service.sessions[0].decide(VALUE)
    assert await held.ended() == "next"
    assert ("decided", 1, True) in service.heard


async def test_a_bug_in_the_last_callbacks_is_counted_too(start: Start) -> None:
    service = await start()
    service.on_decided = service.on_closed = explode
    with capture_logs():
        decided, hangs_up = [await FakeAsterisk.calls(service.server.address) for _ in range(2)]
        await service.hears("request", 2)
        service.sessions[0].decide(VALUE)
        assert await decided.ended() == "next"
        await hangs_up.hangs_up()
        await service.hears("closed", 2, "hangup")
    assert service.server.stats.callback_errors == 2


async def test_a_line_that_nobody_asked_for_ends_that_session(start: Start) -> None:
    service = await start()
    peer = plain_socket(service, environment() + b"200 result=1\n")
    await service.hears("closed", 1, "protocol")
    assert service.server.stats.protocol_errors == 1
    peer.close()


async def test_all_that_was_readable_has_been_read_when_the_sockets_are_drained(start: Start) -> None:
    service = await start()
    peers = [plain_socket(service, environment()) for _ in range(100)]
    await service.server.drained()
    assert service.server.stats.opened == 100
    for peer in peers:
        peer.sendall(b"HANGUP\n")
        peer.close()
    await service.server.drained()
    assert service.server.stats.sessions_held == 0


async def test_after_a_stall_longer_than_the_lease_nothing_is_sent_to_callers_who_have_gone(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stall is a jump of the loop's clock, and the lease so long that no stall of the machine is taken for it."""
    service, loop = await start(lease_s=300.0), asyncio.get_running_loop()
    peers = [plain_socket(service, environment()) for _ in range(20)]
    await service.hears("request", 20)
    for peer in peers:
        go_for_good(peer)
    clock = loop.time
    with monkeypatch.context() as stalled:
        stalled.setattr(loop, "time", lambda: clock() + 400.0)
        await service.server.drained()
    assert service.server.stats.renewals == 0
    assert sorted(service.heard[20:]) == [("closed", number, "hangup") for number in range(1, 21)]


async def test_stopping_gives_all_callers_back_and_takes_no_new_ones(start: Start) -> None:
    service = await start()
    address = service.server.address
    peers = [await FakeAsterisk.calls(address) for _ in range(3)]
    await service.hears("request", 3)
    await service.server.stop(1.0)
    assert [await peer.ended() for peer in peers] == ["next"] * 3
    assert service.heard[3:] == [("closed", number, "shutdown") for number in (1, 2, 3)]
    with pytest.raises(ConnectionRefusedError):
        await FakeAsterisk.connects(address)


async def test_a_decision_on_its_way_arrives_before_the_stop(start: Start) -> None:
    service = await start()
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    service.sessions[0].decide(VALUE)
    await service.server.stop(5.0)
    assert service.heard == [("request", 1), ("decided", 1, True)]
    assert await peer.ended() == "next"


async def test_a_peer_that_never_replies_does_not_hold_up_the_stop(start: Start) -> None:
    service = await start()
    peer = plain_socket(service, environment())
    await service.hears("request", 1)
    service.sessions[0].decide(VALUE)
    await service.server.stop(0.01)
    assert service.heard[1:] == [("decided", 1, False), ("closed", 1, "shutdown")]
    peer.close()


async def test_a_port_in_use_is_one_clear_sentence(start: Start) -> None:
    host, port = (await start()).server.address
    with pytest.raises(AgiListenError, match=r"cannot listen on tcp:\d+.*in use.*change `\[service\] fastagi`"):
        await Service().server.start(f"tcp:{port}:interface={host}")


@pytest.mark.parametrize("endpoint", ["", "4573", "tcp:", "tcp:port", "nonsense:4573", "tcp:4573:colour=red"])
async def test_an_address_that_is_none_is_one_clear_sentence(endpoint: str) -> None:
    with pytest.raises(AgiListenError, match="is no address to listen on"):
        await Service().server.start(endpoint)
