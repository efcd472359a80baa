"""The sounds of the hotline, in A-law. Made here rather than recorded, so that nobody owns them.

The notice that a caller hears who is answered before an agent is free: two chimes, then a quiet melody. An operator who
wants a spoken notice puts `01-notice.alaw` (8 kHz, mono, A-law) in its place; Asterisk plays the files of the folder in the
order of their names, again and again.

The tones: what a rejected caller hears while no spoken notice is configured, which is the three rising tones by which
networks begin an announcement, and no more than that; what an agent hears before the end of a short call, what he
is told of third parties, and by what he knows a test call: two beeps, 拨测, and both again.
"""

from __future__ import annotations

import math
from typing import Final

from config.speech import spoken
from routing.commands import Tone

RATE: Final = 8000
LOUDNESS: Final = 0.16  # of full scale: about -16 dBm0, what networks expect of announcements
CHIME: Final = ((659.25, 0.5), (523.25, 1.1), (0.0, 0.6))  # Hz, seconds
MELODY: Final = tuple(
    (hertz, 0.6)
    for hertz in (523.25, 587.33, 659.25, 783.99, 880.0, 783.99, 659.25, 587.33, 523.25, 659.25, 587.33, 440.0, 392.0)
    for hertz in (hertz, 0.0 if hertz == 392.0 else hertz * 1.5)
)


SPECIAL_INFORMATION: Final = ((950.0, 0.33), (1400.0, 0.33), (1800.0, 0.33), (0.0, 1.0)) * 2  # Source: ITU-T E.180
TEST_BEEPS: Final = ((1320.0, 0.3), (0.0, 0.1), (1320.0, 0.3), (0.0, 0.15))
WARNING: Final = ((880.0, 0.2), (0.0, 0.1), (880.0, 0.2))
# What an agent is told in his ear, by `routing.commands.Tone`: as telephone networks say it, where they have a word for it.
TOLD: Final = {
    Tone.DONE: ((880.0, 0.1), (1320.0, 0.15)),
    Tone.FAILED: ((450.0, 0.35), (0.0, 0.35)) * 2,
    Tone.BUSY: ((450.0, 0.35), (0.0, 0.35)) * 3,
    Tone.NO_ANSWER: ((450.0, 0.1), (0.0, 0.1)) * 3 + ((450.0, 0.4), (0.0, 0.4)),
    Tone.NOT_REACHED: ((950.0, 0.33), (1400.0, 0.33), (1800.0, 0.33)),
    Tone.LEFT: ((880.0, 0.15), (660.0, 0.25)),
    Tone.ALARM: ((1000.0, 0.25), (600.0, 0.25)) * 4,
}


def tone_sounds() -> dict[str, bytes]:
    """File name -> A-law bytes."""
    told = {f"{tone}.alaw": tones(score) for tone, score in TOLD.items()}
    return {
        "restricted.alaw": tones(SPECIAL_INFORMATION),
        "warning.alaw": tones(WARNING),
        "test.alaw": test_phrase(),
    } | told


def test_phrase() -> bytes:
    """By what an agent knows a test call; about three and a half seconds."""
    once = tones(TEST_BEEPS) + bytes(map(to_alaw, spoken())) + tones(((0.0, 0.2),))
    return once * 2


def notice_sounds() -> dict[str, bytes]:
    """File name -> A-law bytes, one per 125 microseconds."""
    return {"01-notice.alaw": tones(CHIME), "02-music.alaw": tones(MELODY)}


def tones(score: tuple[tuple[float, float], ...]) -> bytes:
    """Plucked sine tones one after the other. `score`: frequency in Hz (0: silence) and length in seconds."""
    return b"".join(_tone(hertz, seconds) for hertz, seconds in score)


def _tone(hertz: float, seconds: float) -> bytes:
    samples = range(round(seconds * RATE))
    return bytes(to_alaw(_pluck(hertz, at / RATE, seconds)) for at in samples)


def _pluck(hertz: float, at_s: float, length_s: float) -> int:
    if not hertz:
        return 0
    attack = min(1.0, at_s / 0.02)
    release = min(1.0, (length_s - at_s) / 0.05)
    return round(32767 * LOUDNESS * attack * release * math.exp(-3 * at_s) * math.sin(2 * math.pi * hertz * at_s))


def to_alaw(sample: int) -> int:
    """One sample of 16 bits, signed, as A-law. Source: ITU-T G.711, table 1a."""
    sign = 0x80 if sample >= 0 else 0x00
    magnitude = min((sample if sample >= 0 else -sample - 1) >> 3, 0xFFF)
    if magnitude < 0x20:
        code = magnitude >> 1
    else:
        exponent = magnitude.bit_length() - 5
        code = exponent << 4 | magnitude >> exponent & 0x0F
    return (code | sign) ^ 0x55
