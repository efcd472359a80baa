"""RTP as a telephone speaks it: A-law in packets of 20 ms (RFC 3550, RFC 3551), keys as events (RFC 4733). Bytes only.

`Sender.tick()` gives what goes out in each 20 ms: a packet of the tone, the packets of a key, or nothing while paused.
The RTP clock runs on whatever is sent. A key is one event of 100 ms: an update every 20 ms with the time it began and
how long it is down, the first one marked; its end three times, because an end that is lost is a key that stays down.
Between two keys there is a pause of 80 ms, so that each is seen as a key of its own.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from sandbox.goertzel import is_silent

PACKET_S: Final = 0.02
SAMPLES: Final = 160  # a packet, at 8000 a second
ALAW: Final = 8  # payload type, RFC 3551
EVENTS: Final = 101  # payload type of keys, as our SDP says
KEYS: Final = {key: code for code, key in enumerate("0123456789*#ABCD")}  # RFC 4733, table 3
KEY_PACKETS: Final = 5
GAP_PACKETS: Final = 4
ENDS: Final = 3
_HEADER: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")
_VERSION: Final = 0x80
_MARKED: Final = 0x80
_END: Final = 0x80
_VOLUME: Final = 10  # dBm0 below zero


class RtpError(ValueError):
    """A packet that is no RTP of version 2."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What came: `kind` is the payload type."""

    kind: int
    marked: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes


def parse(data: bytes) -> Packet:
    """A packet without its list of contributing sources, extension and padding.

    Raises:
        RtpError: it is none.
    """
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        raise RtpError(f"no RTP: {len(data)} bytes")
    first, second, sequence, timestamp, source = _HEADER.unpack_from(data)
    begin = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < begin + 4:
            raise RtpError("cut short in its extension")
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return Packet(second & 0x7F, bool(second & _MARKED), sequence, timestamp, source, data[begin:end])


@dataclass(frozen=True, slots=True)
class _Down:
    """One tick of a key: `packets` it has been down, 1 for the first."""

    code: int
    packets: int


class Sender:
    """What one party sends, tick by tick. `tone`: A-law, whole packets of it, sent round and round."""

    def __init__(self, tone: bytes, source: int) -> None:
        if not tone or len(tone) % SAMPLES:
            raise ValueError(f"a tone has whole packets of {SAMPLES} samples, not {len(tone)}")
        self._blocks = [tone[at : at + SAMPLES] for at in range(0, len(tone), SAMPLES)]
        self._source = source & 0xFFFFFFFF
        self._sequence = source & 0x7FFF
        self._timestamp = (source * SAMPLES) & 0xFFFFFFFF
        self._key_began = 0
        self._keys: deque[_Down | None] = deque()  # None: between two keys
        self._fresh = True  # the next packet of sound begins a stretch of it
        self.paused = False

    @property
    def pressing(self) -> bool:
        return bool(self._keys)

    def press(self, keys: str) -> None:
        """Presses these one after the other, after those still to be pressed.

        Raises:
            ValueError: a telephone has no such key.
        """
        if unknown := set(keys) - set(KEYS):
            raise ValueError(f"no such key: {', '.join(sorted(unknown))}")
        for key in keys:
            self._keys.extend(_Down(KEYS[key], packets) for packets in range(1, KEY_PACKETS + 1))
            self._keys.extend([None] * GAP_PACKETS)

    def tick(self) -> list[bytes]:
        """The packets of the next 20 ms."""
        down = self._keys.popleft() if self._keys else None
        packets = self._sound() if down is None else self._key(down)
        self._timestamp = (self._timestamp + SAMPLES) & 0xFFFFFFFF
        return packets

    def _sound(self) -> list[bytes]:
        if self.paused:
            self._fresh = True
            return []
        block = self._blocks[self._timestamp // SAMPLES % len(self._blocks)]
        fresh, self._fresh = self._fresh, False
        return [self._packet(ALAW, fresh, self._timestamp, block)]

    def _key(self, down: _Down) -> list[bytes]:
        self._fresh = True
        if down.packets == 1:
            self._key_began = self._timestamp
        length = down.packets * SAMPLES
        found = [self._event(down.code, 0, length, marked=down.packets == 1)]
        if down.packets == KEY_PACKETS:
            found += [self._event(down.code, _END, length) for _ in range(ENDS)]
        return found

    def _event(self, code: int, end: int, length: int, *, marked: bool = False) -> bytes:
        return self._packet(EVENTS, marked, self._key_began, _EVENT.pack(code, end | _VOLUME, length))

    def _packet(self, kind: int, marked: bool, timestamp: int, payload: bytes) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        second = kind | (_MARKED if marked else 0)
        return _HEADER.pack(_VERSION, second, self._sequence, timestamp, self._source) + payload


class Ear:
    """What came last, in packets of A-law. Times are the receiver's monotonic seconds."""

    WINDOW: Final = 10  # 200 ms
    GONE_S: Final = 0.3  # after this without a packet nothing is heard
    KEPT: Final = 500  # 10 s: for who could not listen while it sounded

    def __init__(self) -> None:
        self._last: deque[bytes] = deque(maxlen=self.KEPT)
        self._last_at = 0.0
        self.sound_at: float | None = None  # the last packet that was not silence
        self.packets = 0

    def take(self, data: bytes, now: float) -> None:
        """A packet of A-law. Others are none of an ear's business.

        Raises:
            RtpError: it is no RTP.
        """
        packet = parse(data)
        if packet.kind != ALAW:
            return
        self.packets += 1
        self._last.append(packet.payload)
        self._last_at = now
        if not is_silent(packet.payload):
            self.sound_at = now

    def window(self, now: float) -> bytes:
        """A-law of the last 200 ms; empty when nothing comes any more, or too little has."""
        kept = list(self._last)[-self.WINDOW :]
        return b"".join(kept) if len(kept) == self.WINDOW and now - self._last_at <= self.GONE_S else b""

    def windows(self, packets: int) -> list[bytes]:
        """What came since there were so many packets, in pieces of 200 ms, each begun 100 ms after the one before."""
        kept = list(self._last)
        kept = kept[max(0, len(kept) - max(0, self.packets - packets)) :]
        begins = range(0, len(kept) - self.WINDOW + 1, self.WINDOW // 2)
        return [b"".join(kept[at : at + self.WINDOW]) for at in begins]
