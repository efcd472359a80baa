"""What is in recordings: who is heard in a file and when, and what the records say of it."""

from __future__ import annotations

import asyncio
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

HALF_S: Final = 4000  # samples
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


async def speak(*ears: Phone) -> None:
    """Everybody hears everybody else, for a while."""
    everybody = {one.voice.pitch for one in ears}
    for one in ears:
        await one.voice.until_hears(everybody - {one.voice.pitch})
    packets = {one: one.voice.packets for one in ears}
    while any(one.voice.packets < packets[one] + 75 for one in ears):  # noqa: ASYNC110 - sound tells nobody of itself
        await asyncio.sleep(0.02)


def share(parts: list[frozenset[int]], wanted: set[int]) -> float:
    """Of the half seconds in which exactly these are heard."""
    return sum(part == wanted for part in parts) / max(1, len(parts))
