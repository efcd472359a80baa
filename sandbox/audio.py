"""Something to hear: a tone in A-law, so that a phone in talk sends what a phone sends."""

from __future__ import annotations

import math
from typing import Final

RATE_HZ: Final = 8000
PITCH_HZ: Final = 400  # 20 samples a wave: a second of it loops without a click


def tone(seconds: float = 1.0, *, pitch_hz: int = PITCH_HZ, level: float = 0.2) -> bytes:
    """A sine as G.711 A-law, one byte a sample, 8000 a second. `level` is a ratio of full scale."""
    peak = level * 32767
    wave = (int(peak * math.sin(2 * math.pi * pitch_hz * n / RATE_HZ)) for n in range(int(seconds * RATE_HZ)))
    return bytes(alaw(sample) for sample in wave)


def alaw(sample: int) -> int:
    """One 16-bit sample as A-law (ITU-T G.711, even bits inverted)."""
    sign = 0x80 if sample >= 0 else 0
    size = min(abs(sample), 32767) >> 3  # 12 bits
    if size < 64:
        code = size >> 1
    else:
        segment = size.bit_length() - 5
        code = (segment << 4) | ((size >> segment) & 0x0F)
    return (sign | code) ^ 0x55
