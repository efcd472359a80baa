"""What our FastAGI server may rely on, whoever plays Asterisk."""

from __future__ import annotations

from typing import Protocol

from tests.contract.agi_service import LISTEN, Service

VALUE = "present:p1:1795302614000:6:1001"


class Peer(Protocol):
    """One caller in Asterisk. The dialplan sets AGIEXITONHANGUP=yes and a lease, then AGI; `T` and the next line end it."""

    async def calls(self, address: tuple[str, int], lease_s: float) -> None:
        """A call to 12345 reaches `AGI(agi://address/route,...)`."""

    async def hangs_up(self) -> None:
        """The caller's channel goes."""

    async def went_to(self) -> tuple[str, str]:
        """Waits for the end of AGI: "next", "T" or "h", and HOTLINE_DECISION as the dialplan sees it ("" if unset)."""


class AgiPeerContract:
    """Subclass it with a fixture `peer`."""

    async def test_a_decision_reaches_the_dialplan_and_ends_the_session(self, peer: Peer) -> None:
        service = Service()
        await service.server.start(LISTEN)
        await peer.calls(service.server.address, 3)
        await service.hears("request", 1)
        assert service.sessions[0].request.line == "12345"
        service.sessions[0].decide(VALUE)
        assert await peer.went_to() == ("next", VALUE)
        await service.hears("decided", 1, True)
        await service.server.stop(1.0)
        assert service.heard == [("request", 1), ("decided", 1, True)]

    async def test_a_lease_that_is_renewed_does_not_run_out(self, peer: Peer) -> None:
        service = Service(lease_s=3.0)  # a machine that stands still for a moment is not late for a renewal
        await service.server.start(LISTEN)
        await peer.calls(service.server.address, 3)
        await service.hears("request", 1)
        await service.until(lambda: service.server.stats.renewals >= 4)  # three of them are a lease
        service.sessions[0].decide(VALUE)
        assert await peer.went_to() == ("next", VALUE)
        await service.hears("decided", 1, True)
        await service.server.stop(1.0)

    async def test_a_lease_that_is_not_renewed_runs_out_and_the_caller_goes_on(self, peer: Peer) -> None:
        service = Service(lease_s=60.0)
        await service.server.start(LISTEN)
        await peer.calls(service.server.address, 1)
        await service.hears("closed", 1, "hangup")
        assert await peer.went_to() == ("T", "")
        await service.server.stop(1.0)

    async def test_a_caller_who_hangs_up_ends_the_session(self, peer: Peer) -> None:
        service = Service()
        await service.server.start(LISTEN)
        await peer.calls(service.server.address, 3)
        await service.hears("request", 1)
        await peer.hangs_up()
        await service.hears("closed", 1, "hangup")
        await service.server.stop(1.0)

    async def test_a_server_that_stops_gives_the_caller_back_without_a_decision(self, peer: Peer) -> None:
        service = Service()
        await service.server.start(LISTEN)
        await peer.calls(service.server.address, 3)
        await service.hears("request", 1)
        await service.server.stop(1.0)
        assert await peer.went_to() == ("next", "")
        assert service.heard == [("request", 1), ("closed", 1, "shutdown")]

    async def test_a_server_that_is_full_gives_the_caller_back_at_once(self, peer: Peer) -> None:
        service = Service(max_sessions=0)
        await service.server.start(LISTEN)
        await peer.calls(service.server.address, 3)
        assert await peer.went_to() == ("next", "")
        assert service.server.stats.shed == 1
        await service.server.stop(1.0)
