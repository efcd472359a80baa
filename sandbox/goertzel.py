"""Which tones a sound has: the Goertzel algorithm over A-law, standard library only.

Parties of a test send sines of their own. Every pitch is a multiple of `GRID_HZ`, so that each has whole waves in a
`SPAN` of samples and none leaks into another's bin, however many are mixed. A pitch counts as heard when it stands out
in most spans of the sound: a gap, a lost packet or a note of music spoils one span or two, never most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from sandbox.audio import RATE_HZ

GRID_HZ: Final = 25
SPAN: Final = RATE_HZ // GRID_HZ  # samples: 40 ms
MOST: Final = 0.6  # of the spans
LOUDNESS: Final = 0.1  # of full scale: what each party sends, so that eight at once are not clipped
HEARD: Final = 0.3 * LOUDNESS
# A-law's own noise is under 1 % of the whole; a mixer that scales down is not what we run.

# Not near a key of a telephone (RFC 4733 carries those, but a mixer's echo of one should name nobody), not near the
# tones by which networks speak, and above the notes of the sandbox's music.
_NOT_NEAR: Final = (1336, 1400, 1477, 1633, 1800)
PITCHES: Final = tuple(hz for hz in range(1375, 3800, GRID_HZ) if all(abs(hz - tone) > 20 for tone in _NOT_NEAR))


def decode(code: int) -> int:
    """One byte of A-law as a 16-bit sample: the middle of what is coded so. Source: ITU-T G.711, even bits inverted."""
    code ^= 0x55
    segment, step = (code & 0x70) >> 4, code & 0x0F
    size = (step << 4) + 8 if segment == 0 else ((step << 4) + 0x108) << (segment - 1)
    return size if code & 0x80 else -size


_LINEAR: Final = tuple(decode(code) / 32768 for code in range(256))  # ratios of full scale
_QUIET: Final = bytes(code for code in range(256) if abs(_LINEAR[code]) < 0.005)


def linear(alaw: bytes) -> list[float]:
    """Samples in -1..1."""
    return [_LINEAR[code] for code in alaw]


def is_silent(alaw: bytes) -> bool:
    """Nothing louder than noise, about -46 dB of full scale."""
    return not alaw.translate(None, _QUIET)


def amplitude(samples: Sequence[float], pitch_hz: float) -> float:
    """How loud a sine of this pitch is in it, as a ratio of full scale; exact when the samples hold whole waves."""
    turn = 2 * math.cos(2 * math.pi * pitch_hz / RATE_HZ)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    power = one * one + two * two - turn * one * two
    return 2 * math.sqrt(max(0.0, power)) / len(samples)


def heard(alaw: bytes, pitches: Iterable[int]) -> frozenset[int]:
    """Those of the pitches (multiples of `GRID_HZ`) that sound in it most of the time; none when it is shorter than a
    `SPAN`.
    """
    return heard_in(linear(alaw), pitches)


def heard_in(samples: Sequence[float], pitches: Iterable[int]) -> frozenset[int]:
    """The same of samples in -1..1."""
    spans = [samples[at : at + SPAN] for at in range(0, len(samples) - SPAN + 1, SPAN)]
    if not spans:
        return frozenset()
    needed = MOST * len(spans)
    return frozenset(hz for hz in pitches if sum(amplitude(span, hz) >= HEARD for span in spans) >= needed)
