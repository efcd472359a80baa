"""Two syllables that an agent understands: 拨测, bō cè. Made here like every other sound of the hotline (`config.sounds`).

A voice is a train of pulses through resonators, one for each formant of the vowel; a consonant is noise through one. It
says no more than these two syllables. An operator who wants a person's voice names a file (`[probe] voice`).
Source: the model is that of formant synthesis, as in Klatt, JASA 67 (1980), with two or three formants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

RATE: Final = 8000
FULL: Final = 0.35  # of full scale


class Sound(NamedTuple):
    """A stretch of speech. `voice_hz`: pitch by the share of its length, None for noise; formants in Hz with widths."""

    seconds: float
    voice_hz: Callable[[float], float] | None
    formants: tuple[tuple[float, float], ...]
    loudness: float = 1.0


HIGH: Final = 190.0
B: Final = Sound(0.012, None, ((500.0, 300.0),), 0.5)
O: Final = Sound(0.30, lambda _: HIGH, ((520.0, 80.0), (880.0, 90.0), (2500.0, 150.0)))  # noqa: E741 the letter; first tone: high and level
C: Final = Sound(0.13, None, ((3600.0, 500.0), (3000.0, 700.0)), 0.6)
E: Final = Sound(
    0.32, lambda share: HIGH * (1.05 - 0.5 * share), ((480.0, 80.0), (1250.0, 110.0), (2450.0, 160.0))
)  # fourth tone: falling
PAUSE: Final = Sound(0.06, None, (), 0.0)
PHRASE: Final = (B, O, PAUSE, C, E)


def spoken() -> list[int]:
    """Samples of 16 bits, 8 kHz."""
    return [sample for sound in PHRASE for sample in _samples(sound)]


def _samples(sound: Sound) -> list[int]:
    count = round(sound.seconds * RATE)
    values = list(_pulses(sound.voice_hz, count) if sound.voice_hz else _noise(count))
    for hertz, width in sound.formants:
        values = _resonated(values, hertz, width)
    loudest = max(map(abs, values), default=0.0) or 1.0
    return [round(32767 * FULL * sound.loudness * v / loudest * _edge(i, count)) for i, v in enumerate(values)]


def _edge(at: int, count: int) -> float:
    """Nothing begins or ends with a click."""
    return min(1.0, (at + 1) / 80, (count - at) / 160)


def _pulses(voice_hz: Callable[[float], float], count: int) -> Iterator[float]:
    phase = 0.0
    for at in range(count):
        phase += voice_hz(at / count) / RATE
        yield 1.0 if phase >= 1.0 else 0.0
        phase %= 1.0


def _noise(count: int) -> Iterator[float]:
    """The same for everybody: a file is compared with what was installed."""
    state = 12345
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        yield state / 2**30 - 1.0


def _resonated(values: list[float], hertz: float, width: float) -> list[float]:
    c = -math.exp(-2 * math.pi * width / RATE)
    b = 2 * math.exp(-math.pi * width / RATE) * math.cos(2 * math.pi * hertz / RATE)
    before, earlier, found = 0.0, 0.0, []
    for value in values:
        before, earlier = (1 - b - c) * value + b * before + c * earlier, before
        found.append(before)
    return found
