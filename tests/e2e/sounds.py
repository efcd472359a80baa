"""What is in recordings: who is heard in a file and when, and what the records say of it."""

from __future__ import annotations

import asyncio
import math
import wave
from array import array
from pathlib import Path
from typing import Final

from sqlalchemy import select

from sandbox import goertzel, rtp
from sandbox.phone import Phone
from service.cli.stage import Stage
from storage.schema import recordings
from tests.e2e.evidence import Row, rows
from tests.e2e.machine import TOLERANCE_S, late_s

HALF_S: Final = 4000  # samples
LONG_S: Final = 4.0  # so much that a moment in which the machine stood still is a small share of it
SLACK_S: Final = 1.5  # ringing that a caller hears between two agents is in no recording


class Sound:
    """A recording as its listeners have it."""

    def __init__(self, path: Path) -> None:
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
            samples = array("h", file.readframes(file.getnframes()))
        self.seconds = len(samples) / 8000
        self._parts = [samples[at : at + HALF_S] for at in range(0, len(samples) - HALF_S + 1, HALF_S)]

    def heard(self, *voices: Phone) -> list[frozenset[int]]:
        """Which of the voices speak in each half second."""
        pitches = [one.voice.pitch for one in voices]
        return [goertzel.heard_in([sample / 32768 for sample in part], pitches) for part in self._parts]


async def kept(stage: Stage, call_id: str) -> Row:
    """The row of a recording, once somebody has looked at it."""
    query = select(recordings).where(recordings.c.call_id == call_id, recordings.c.outcome.is_not(None))

    async def found() -> list[Row]:
        return await rows(stage, query)

    (row,) = await stage.until(found, 30, "recording looked at")
    return row


def whole(row: Row, *ears: Phone) -> bool:
    """All that was said is in it. A machine that stands still for a while lets its voices send less than a talk lasts:
    then it is short by no more than that, for as much is in the file as these have heard.
    """
    heard_s = max(one.voice.packets for one in ears) * rtp.PACKET_S
    return row["outcome"] == "kept" or (row["outcome"] == "short" and row["seconds"] >= heard_s - SLACK_S)


async def speak(*ears: Phone, for_s: float = 1.5) -> None:
    """Everybody hears everybody else, for a while. What is judged by `share` is spoken `LONG_S`."""
    everybody = {one.voice.pitch for one in ears}
    for one in ears:
        await one.voice.until_hears(everybody - {one.voice.pitch})
    packets = {one: one.voice.packets for one in ears}
    enough = round(for_s / rtp.PACKET_S)
    while any(one.voice.packets < packets[one] + enough for one in ears):  # noqa: ASYNC110 - sound tells nobody of itself
        await asyncio.sleep(0.02)


def share(parts: list[frozenset[int]], wanted: set[int]) -> float:
    """Of the half seconds in which exactly these are heard."""
    return sum(part == wanted for part in parts) / max(1, len(parts))


def from_the_start(parts: list[frozenset[int]], wanted: set[int], answered_at: float) -> bool:
    """Exactly these are heard in the first half second, or as soon as the machine let their voices begin (`LONG_S`)."""
    missing_s = late_s(answered_at, answered_at) - TOLERANCE_S  # so much less spoils no half second
    skipped = max(0, math.ceil(missing_s / 0.5))
    return wanted in parts[: 1 + skipped]


def to_the_end(parts: list[frozenset[int]], wanted: set[int]) -> bool:
    """In most of the last three seconds exactly these are heard."""
    return share(parts[-6:], wanted) > 0.7
