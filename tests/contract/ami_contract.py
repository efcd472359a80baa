"""What the AMI link may rely on, whoever plays Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pytest

from routing import events as routing
from routing.model import DeviceState
from telephony import names
from telephony.ami.actions import AmiAction
from telephony.ami.link import AmiLink, AmiRefused, LinkState

E = TypeVar("E", bound=routing.Event)
LIMIT_S = 15.0


@dataclass(frozen=True)
class Account:
    host: str
    port: int
    username: str
    secret: str
    seats: Mapping[str, str]


class Peer(Protocol):
    """One PBX with seat 1001 free, and at most one call."""

    account: Account

    async def rings(self) -> None:
        """A caller dials 12345 and the phone of seat 1001 rings."""

    async def answers(self) -> None:
        """The agent picks up."""

    async def agent_hangs_up(self) -> None: ...

    async def caller_hangs_up(self) -> None: ...

    async def counts_fallback(self) -> None:
        """The dialplan's global counter of stage "queue" is 7 from here on."""


class Story:
    """A link and everything it told, with waiting for what should come."""

    def __init__(self, account: Account, **options: float | bool) -> None:
        self.told: list[routing.Event] = []
        self.states: list[tuple[LinkState, str]] = []
        self.fails_at: type[routing.Event] | tuple[()] = ()  # the listener has a bug there
        self._changed = asyncio.Event()
        self.link = AmiLink(
            host=account.host,
            port=account.port,
            username=account.username,
            secret=account.secret,
            seats=account.seats,
            on_event=self._event,
            on_state=self._state,
            **options,  # type: ignore[arg-type]
        )

    def _event(self, event: routing.Event) -> None:
        if isinstance(event, self.fails_at):
            raise ZeroDivisionError
        self.told.append(event)
        self._changed.set()

    def _state(self, state: LinkState, reason: str) -> None:
        self.states.append((state, reason))
        self._changed.set()

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Looks again whenever something was told."""
        async with asyncio.timeout(LIMIT_S):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def until_up(self) -> None:
        await self.until(lambda: self.link.up)

    async def until_told(self, kind: type[E], count: int = 1) -> E:
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def until_state(self, state: LinkState) -> str:
        await self.until(lambda: any(s is state for s, _ in self.states))
        return next(reason for s, reason in self.states if s is state)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.told if isinstance(event, kind)]

    def names(self) -> list[str]:
        """What was told, without states of devices and trunks, and pictures."""
        unwanted = {"SeatStateChanged", "TrunkStateChanged", "Picture"}
        return [name for event in self.told if (name := type(event).__name__) not in unwanted]


@asynccontextmanager
async def linked(account: Account, **options: float | bool) -> AsyncIterator[Story]:
    """A link that is up, until the end of the block."""
    story = Story(account, **options)
    story.link.start()
    try:
        await story.until_up()
        yield story
    finally:
        await story.link.stop()


class AmiContract:
    """Subclass it with a fixture `peer`."""

    async def test_first_thing_told_is_a_picture_with_the_state_of_every_seat(self, peer: Peer) -> None:
        """But for trunks, of which a state stands by itself."""
        async with linked(peer.account) as story:
            picture = next(event for event in story.told if not isinstance(event, routing.TrunkStateChanged))
            assert isinstance(picture, routing.Picture)
            assert picture.calls == ()
            assert picture.seats["1001"] is DeviceState.NOT_INUSE

    async def test_wrong_password_is_told_once_with_what_to_do(self, peer: Peer) -> None:
        account = Account(**{**vars(peer.account), "secret": "wrong"})
        story = Story(account, retry_refused_s=0.05)
        story.link.start()
        reason = await story.until_state(LinkState.REFUSED)
        await story.until(lambda: story.link.stats.login_failures >= 1)
        await story.link.stop()
        assert "secret_file" in reason
        assert "wrong" not in reason
        assert [state for state, _ in story.states] == [LinkState.REFUSED, LinkState.STOPPED]
        assert story.told == []

    async def test_answered_call_is_told_step_by_step_to_its_end(self, peer: Peer) -> None:
        async with linked(peer.account) as story:
            await peer.rings()
            ringing = await story.until_told(routing.SeatRinging)
            await peer.answers()
            answered = await story.until_told(routing.CallAnswered)
            await peer.agent_hangs_up()
            ended = await story.until_told(routing.CallEnded)
            await story.until(lambda: story.of(routing.SeatStateChanged)[-1].state is DeviceState.NOT_INUSE)
        assert story.names() == [
            "CallSeen",
            "SeatDialing",
            "SeatRinging",
            "SeatDialEnded",
            "CallAnswered",
            "AgentLegEnded",
            "CallEnded",
        ]
        assert (ringing.seat_id, answered.seat_id, ended.by) == ("1001", "1001", "agent")
        seen = story.of(routing.CallSeen)[0]
        assert (seen.number, seen.trunk) == ("12345", "carrier")
        assert seen.arrived_at <= ringing.at <= answered.at <= ended.at
        assert abs(seen.arrived_at - int(seen.call_id.partition("-")[0]) / 1000) < 0.5
        assert not story.of(routing.AgentLegEnded)[0].lost
        assert not story.link.stats.drift
        assert not story.link.stats.field_errors

    async def test_caller_who_hangs_up_while_it_rings_ends_the_call_and_cancels_the_seat(self, peer: Peer) -> None:
        async with linked(peer.account) as story:
            await peer.rings()
            await story.until_told(routing.SeatRinging)
            await peer.caller_hangs_up()
            ended = await story.until_told(routing.CallEnded)
        assert ended.by == "caller"
        assert story.of(routing.CallAnswered) == []

    async def test_link_that_comes_later_finds_the_ringing_call_and_follows_it(self, peer: Peer) -> None:
        async with linked(peer.account) as first:
            await peer.rings()
            seen = (await first.until_told(routing.CallSeen)).call_id
            await first.until_told(routing.SeatRinging)
            async with linked(peer.account) as later:
                (call,) = later.of(routing.Picture)[0].calls
                assert (call.call_id, call.number, call.ringing) == (seen, "12345", ("1001",))
                assert (call.answered_at, call.seat_id, call.bridged) == (None, None, False)
                await peer.answers()
                await later.until_told(routing.CallAnswered)
                await peer.caller_hangs_up()
                assert (await later.until_told(routing.CallEnded)).by == "caller"
            assert later.names() == ["SeatDialEnded", "CallAnswered", "AgentLegEnded", "CallEnded"]

    async def test_link_that_comes_later_finds_the_talking_call_with_its_times(self, peer: Peer) -> None:
        async with linked(peer.account) as first:
            await peer.rings()
            await first.until_told(routing.SeatRinging)
            await peer.answers()
            answered = await first.until_told(routing.CallAnswered)
            async with linked(peer.account) as later:
                (call,) = later.of(routing.Picture)[0].calls
                assert (call.seat_id, call.bridged, call.ringing) == ("1001", True, ())
                assert call.answered_at == pytest.approx(answered.at, abs=0.5)  # the stamp comes before the bridge
                assert call.arrived_at == pytest.approx(first.of(routing.CallSeen)[0].arrived_at, abs=0.5)
                await peer.agent_hangs_up()
                assert (await later.until_told(routing.CallEnded)).by == "agent"
            assert later.names() == ["AgentLegEnded", "CallEnded"]

    async def test_reconcile_of_a_call_in_progress_finds_no_difference(self, peer: Peer) -> None:
        async with linked(peer.account, reconcile_interval_s=0.05) as story:
            await peer.rings()
            await story.until_told(routing.SeatRinging)
            await peer.answers()
            await story.until_told(routing.CallAnswered)
            looks = len(story.of(routing.Picture))
            await story.until_told(routing.Picture, looks + 3)
            await peer.agent_hangs_up()
            await story.until_told(routing.CallEnded)
        assert not story.link.stats.drift
        assert story.of(routing.Picture)[looks + 1].calls[0].bridged

    async def test_leg_that_is_dropped_ends_its_presentation_and_not_the_call(self, peer: Peer) -> None:
        async with linked(peer.account) as story:
            await peer.rings()
            ringing = await story.until_told(routing.SeatRinging)
            story.link.drop_leg(ringing.call_id, ringing.seat_id)
            ended = await story.until_told(routing.SeatDialEnded)
            assert ended.status == "NOANSWER"
            assert story.of(routing.CallEnded) == []
            story.link.drop_leg(ringing.call_id, ringing.seat_id)  # nothing is dialled any more: nothing happens
            await peer.caller_hangs_up()
            await story.until_told(routing.CallEnded)

    async def test_dialplan_counters_are_read_and_unset_ones_are_zero(self, peer: Peer) -> None:
        await peer.counts_fallback()
        async with linked(peer.account) as story:
            assert await story.link.fallback_counts() == {"seats": 0, "queue": 7, "telephone": 0, "unknown": 0}

    async def test_refusal_is_an_error_with_the_peers_words(self, peer: Peer) -> None:
        async with linked(peer.account) as story:
            with pytest.raises(AmiRefused, match="Bogus"):
                await story.link.action(AmiAction("Bogus"))

    async def test_longest_line_that_we_send_is_read_whole(self, peer: Peer) -> None:
        variable = "x" * (1022 - len("Variable: "))
        async with linked(peer.account) as story:
            answer = await story.link.action(AmiAction("Getvar", (("Variable", variable),)))
        assert answer[0].one("Variable") == variable
        assert names.FALLBACK_COUNT  # what is really asked for is far shorter
