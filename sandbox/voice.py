"""Voices: SIPp says what is to be said in SIP, and a `Voice` of ours speaks and listens in RTP.

A phone with a voice has a `Booth`: one UDP socket whose port stands in the SDP that SIPp sends. From SIPp's own log the
booth learns where each call's sound goes, from when and until when; calls share the socket and are told apart by the
address that they come from. A `Voice` sends a tone that nobody else of this process has and says which others it hears.

All booths are driven by one thread (`_Clock`): 20 ms a round, packets made in advance, so that neither a busy event loop
nor ninety voices at once make a tone stutter. Ninety voices cost about a fifth of a core.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

from sandbox import audio, goertzel, rtp
from sandbox.messages import MessageLog, Whole
from sandbox.process import MEDIA_FIRST, MEDIA_LAST, PeopleError
from sandbox.waiting import until

_AT_ONCE: Final = 64  # packets read from one socket before the next is looked at
_CATCH_UP: Final = 10  # rounds: after a longer stall of the machine the time is lost, as with any telephone


class _Pitches:
    """Tones that nobody has, those longest unused first."""

    def __init__(self) -> None:
        self._free = deque(goertzel.PITCHES)
        self.taken: set[int] = set()

    def take(self) -> int:
        if not self._free:
            raise PeopleError(f"no pitch left: {len(self.taken)} voices at once are the most")
        pitch = self._free.popleft()
        self.taken.add(pitch)
        return pitch

    def give_back(self, pitch: int) -> None:
        self.taken.discard(pitch)
        self._free.append(pitch)


_pitches = _Pitches()


class Voice:
    """What one party says and hears in a call. It speaks while its call is answered, unless it is paused."""

    def __init__(self, pitch: int, *, paused: bool = False) -> None:
        self.pitch = pitch
        self._sender = rtp.Sender(tone(pitch), random.getrandbits(32))
        self._sender.paused = paused
        self._ear = rtp.Ear()
        self._born_at = time.monotonic()
        self.far: tuple[str, int] | None = None  # where the sound of the call goes and comes from
        self.speaking = False  # its call is answered and not over
        self.over = False  # and so is its only call: another may have the pitch

    # -- what tests ask and say ---------------------------------------------------------------------------------------

    def hears(self, pitches: set[int] | None = None) -> frozenset[int]:
        """Which of the pitches (all that are in use by default) came in the last 200 ms; it may be its own."""
        return goertzel.heard(self._ear.window(time.monotonic()), set(_pitches.taken) if pitches is None else pitches)

    def heard_since(self, packets: int, pitches: set[int]) -> frozenset[int]:
        """Which of the pitches sounded for 200 ms since there were so many `packets`: a tone that is over counts too."""
        return frozenset().union(*(goertzel.heard(piece, pitches) for piece in self._ear.windows(packets)))

    def silent_for(self) -> float:
        """Seconds since any sound came, or since there is this voice."""
        return time.monotonic() - (self._ear.sound_at or self._born_at)

    @property
    def packets(self) -> int:
        """Of sound, received so far."""
        return self._ear.packets

    async def until_hears(self, pitches: set[int], limit_s: float = 20.0) -> None:
        """Waits until it hears exactly these.

        Raises:
            NeverTrue: it did not.
        """
        await until(lambda: self.hears() == pitches, limit_s, f"{self.pitch} Hz hears {sorted(pitches)}")

    def pause(self) -> None:
        """Sends nothing any more, as a phone that is gone."""
        self._sender.paused = True

    def resume(self) -> None:
        self._sender.paused = False

    async def press(self, keys: str, limit_s: float = 20.0) -> None:
        """Presses keys, one after the other (RFC 4733); returns when the last is up. The call must be answered."""
        self._sender.press(keys)
        await until(lambda: not self._sender.pressing, limit_s, f"keys {keys} pressed")

    # -- what the booth tells it --------------------------------------------------------------------------------------

    def at(self, far: tuple[str, int]) -> None:
        """The far end's address, from its SDP."""
        self.far = far

    def tick(self) -> list[bytes]:
        return self._sender.tick() if self.speaking else []

    def took(self, data: bytes, now: float) -> None:
        with contextlib.suppress(rtp.RtpError):
            self._ear.take(data, now)

    def deaf(self) -> None:
        """What it heard in an earlier call is no matter of the next."""
        self._ear = rtp.Ear()


def tone(pitch: int) -> bytes:
    """Whole packets with whole waves of a pitch."""
    return audio.tone(2 * rtp.PACKET_S, pitch_hz=pitch, level=goertzel.LOUDNESS)


class Booth:
    """The sound of one phone: its socket, and a voice for each of its calls.

    `one_voice`: it has one call at a time and keeps its pitch; else each call has a voice of its own.
    """

    def __init__(self, ip: str, log: Path, *, one_voice: bool, paused: bool = False) -> None:
        self._socket = _bound(ip)
        self.port: int = self._socket.getsockname()[1]
        self._log = MessageLog(log)
        self._paused = paused
        self._only = Voice(_pitches.take(), paused=paused) if one_voice else None
        self.voices: dict[str, Voice] = {}  # by Call-ID, answered or not
        self._frozen = False
        _clock.add(self)

    @property
    def only(self) -> Voice | None:
        """Of a phone that has one call at a time."""
        return self._only

    def voice_of(self, call_id: str) -> Voice:
        """Of one call, also when the clock has not seen it yet."""
        with _clock.lock:
            return self._only or self._voice(call_id)

    def follow(self, log: Path) -> None:
        """The phone begins anew, with another log."""
        self._silence_all()
        self._log = MessageLog(log)

    def freeze(self) -> None:
        """Off the network: nothing goes out, and what comes is lost."""
        self._frozen = True

    def thaw(self) -> None:
        self._frozen = False

    def close(self) -> None:
        """Ends; the pitches are free for others."""
        if not _clock.remove(self):
            return
        self._socket.close()
        self._silence_all()
        if self._only is not None:
            _pitches.give_back(self._only.pitch)

    # -- by the clock -------------------------------------------------------------------------------------------------

    def round(self, now: float) -> None:
        """Takes in what SIPp did and what came, and sends what is due: once in 20 ms."""
        for message in self._log.new():
            self._take(message)
        self._receive(now)
        for voice in list(self.voices.values()):
            for packet in voice.tick():
                self._send(packet, voice)

    def _receive(self, now: float) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            for _ in range(_AT_ONCE):
                data, far = self._socket.recvfrom(2048)
                if not self._frozen and (voice := self._by_address(far)) is not None:
                    voice.took(data, now)

    def _by_address(self, far: tuple[str, int]) -> Voice | None:
        return next((voice for voice in reversed(self.voices.values()) if voice.far == far), None)

    def _send(self, packet: bytes, voice: Voice) -> None:
        if voice.far is not None and not self._frozen:
            with contextlib.suppress(OSError):  # nobody there any more: the phone will learn by SIP
                self._socket.sendto(packet, voice.far)

    def _take(self, message: Whole) -> None:
        if message.method in ("INVITE", "UPDATE") and message.sound is not None and not message.sent:
            self._voice(message.call_id).at(message.sound)
        if message.method == "INVITE" and message.code is not None:
            if 200 <= message.code < 300:
                self._voice(message.call_id).speaking = True
            elif message.code >= 300 and message.code not in (401, 407):
                self._over(message.call_id)
        elif message.method == "BYE":
            self._over(message.call_id)

    def _voice(self, call_id: str) -> Voice:
        if (found := self.voices.get(call_id)) is not None:
            return found
        if self._only is not None:
            self._silence_all()
            self._only.deaf()
        voice = self._only or Voice(_pitches.take(), paused=self._paused)
        self.voices[call_id] = voice
        return voice

    def _over(self, call_id: str) -> None:
        if (voice := self.voices.get(call_id)) is None or voice.over:
            return
        voice.speaking, voice.far = False, None
        if voice is not self._only:
            voice.over = True
            _pitches.give_back(voice.pitch)

    def _silence_all(self) -> None:
        for call_id in self.voices:
            self._over(call_id)
        if self._only is not None:
            self.voices.clear()


def _bound(ip: str) -> socket.socket:
    """A socket at an even port, as RTP has it, where no slot and not the kernel gives ports."""
    for _ in range(500):
        one = socket.socket(type=socket.SOCK_DGRAM)
        try:
            one.bind((ip, random.randrange(MEDIA_FIRST, MEDIA_LAST, 2)))
        except OSError:
            one.close()
        else:
            one.setblocking(False)
            return one
    raise PeopleError(f"no free port for sound on {ip}")


class _Clock:
    """The thread that drives all booths while there are any."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._booths: dict[Booth, None] = {}
        self._thread: threading.Thread | None = None

    def add(self, booth: Booth) -> None:
        with self.lock:
            self._booths[booth] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="voices", daemon=True)
                self._thread.start()

    def remove(self, booth: Booth) -> bool:
        """False: it was not there any more."""
        with self.lock:
            return self._booths.pop(booth, self) is None

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            with self.lock:
                if not self._booths:
                    self._thread = None
                    return
                for booth in self._booths:
                    booth.round(time.monotonic())
            due = max(due + rtp.PACKET_S, time.monotonic() - _CATCH_UP * rtp.PACKET_S)


_clock = _Clock()
