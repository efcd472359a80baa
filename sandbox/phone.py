"""A simulated phone: one SIPp, what it sees, and waiting for it to see something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, cast

from sandbox import audio
from sandbox.process import PeopleError, Sipp
from sandbox.trace import Leg
from sandbox.voice import Booth, Voice
from sandbox.waiting import NeverTrue, until

POLL_S: Final = 0.02
MESSAGES: Final = "messages.log"
KEEP_MESSAGES: Final = ("-trace_msg", "-message_file", MESSAGES)


class Phone:
    """What callers, seats and listeners have in common: one SIPp, and waiting for what it sees."""

    def __init__(self, sipp: Sipp) -> None:
        self.sipp = sipp
        self.booth: Booth | None = None

    def _give_voice(self, *, one: bool = True, paused: bool = False) -> None:
        self.booth = Booth(self.sipp.ip, self.sipp.folder / MESSAGES, one_voice=one, paused=paused)

    @property
    def voice(self) -> Voice:
        """What it says and hears, in its newest call if it has several.

        Raises:
            PeopleError: it was not asked for, or a phone with a voice for each call has no call yet.
        """
        if self.booth is not None and self.booth.only is not None:
            return self.booth.only
        return self.voice_of(self.leg)

    def voice_of(self, leg: Leg) -> Voice:
        """The voice of one of several calls.

        Raises:
            PeopleError: it was not asked for.
        """
        if self.booth is None:
            raise PeopleError(f"{self.sipp.name}: no voice")
        return self.booth.voice_of(leg.call_id)

    @property
    def media_port(self) -> int | None:
        """Of its voice; None: SIPp has the sound."""
        return self.booth.port if self.booth else None

    @property
    def legs(self) -> list[Leg]:
        """The calls so far, oldest first."""
        return self.sipp.legs

    @property
    def leg(self) -> Leg:
        """The newest call.

        Raises:
            PeopleError: there was none yet.
        """
        if not (legs := self.legs):
            raise PeopleError(f"{self.sipp.name}: no call yet")
        return legs[-1]

    def talking(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.state == "talking"]

    def ringing(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.state == "ringing"]

    async def until(
        self, true: Callable[[list[Leg]], object], limit_s: float = 20.0, what: str = "", poll_s: float = POLL_S
    ) -> list[Leg]:
        """The legs, as soon as `true(legs)` is.

        Raises:
            PeopleError: it was not within `limit_s`; the text shows the legs.
        """

        def so() -> tuple[list[Leg]] | None:
            return (legs,) if true(legs := self.legs) else None

        try:
            return cast(tuple[list[Leg]], await until(so, limit_s, what, poll_s))[0]
        except NeverTrue:
            seen = ", ".join(f"{leg.state} {leg.code or ''}" for leg in self.legs) or "no call"
            text = f"{self.sipp.name}: not {what or 'so'} within {limit_s:g} s, but: {seen} ({self.sipp.folder})"
            raise PeopleError(f"{text} {self.sipp.words()}") from None

    async def _until_state(self, states: set[str], limit_s: float) -> Leg:
        legs = await self.until(lambda legs: legs and legs[-1].state in states, limit_s, " or ".join(sorted(states)))
        return legs[-1]

    async def until_ringing(self, limit_s: float = 20.0) -> Leg:
        """The newest call, once it rings."""
        return await self._until_state({"ringing"}, limit_s)

    async def until_talking(self, limit_s: float = 20.0) -> Leg:
        """The newest call, once it is answered."""
        return await self._until_state({"talking"}, limit_s)

    async def until_ended(self, limit_s: float = 20.0) -> Leg:
        """The newest call, once it is over."""
        return await self._until_state({"ended"}, limit_s)

    async def hang_up(self, leg: Leg | None = None) -> None:
        """Ends a call of ours now, the newest by default: BYE in talk, CANCEL before the answer."""
        await self.sipp.send("INFO", (leg or self.leg).call_id)

    def kill(self) -> None:
        """The phone dies without a word."""
        self._end()

    def _end(self) -> None:
        self.sipp.kill()
        if self.booth is not None:
            self.booth.close()

    def freeze(self) -> None:
        """The phone is gone from the network without a word: no reply, no sound; `thaw` brings it back."""
        self.sipp.freeze()
        if self.booth is not None:
            self.booth.freeze()

    def thaw(self) -> None:
        self.sipp.thaw()
        if self.booth is not None:
            self.booth.thaw()

    async def stop(self) -> None:
        """Ends the phone."""
        self._end()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        raise NotImplementedError

    def _write(self, name: str, text: str) -> str:
        (self.sipp.folder / name).write_text(text, encoding="utf-8")
        return name

    def _sound(self) -> Path | None:
        """What SIPp is to play; None: the voice has it."""
        if self.booth is not None:
            return None
        path = self.sipp.folder / "tone.al"
        path.write_bytes(audio.tone())
        return path
