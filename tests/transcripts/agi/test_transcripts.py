"""Real FastAGI sessions, byte for byte, fed to the dialogue however the network may cut them.

A folder is one scenario: `wire.agi` what Asterisk sent, `sent.txt` what we sent and after how many of its bytes,
`expected.txt` what the dialogue must say, `about.md` the story. Every act of ours is one second after the one before.
A command in `sent.txt` that the service never sends stands where a decision would be: it drew the refusal.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from telephony.agi.codec import decision_command, renewal_command
from telephony.agi.dialogue import Closed, Decided, Dialogue, HungUp, Opened, Output, Send, Terms

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("*/wire.agi"))
TERMS = Terms(lease_s=3.0, ringing_every_s=1.5)
DECISION = "present:p1:1795302614000:6:1001"

Cut = Callable[[bytes], Iterator[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + 1] for at in range(len(data)))


def at_random(seed: int) -> Cut:
    def cut(data: bytes) -> Iterator[bytes]:
        dice = random.Random(seed)
        while data:
            size = dice.randint(1, 60)
            yield data[:size]
            data = data[size:]

    return cut


class Replay:
    """One dialogue fed with one recording."""

    def __init__(self, folder: Path) -> None:
        self.wire = (folder / "wire.agi").read_bytes()
        self.sent = [
            (int(offset), command)
            for offset, command in (line.split("\t") for line in (folder / "sent.txt").read_text().splitlines())
        ]
        self.said: list[str] = []

    def run(self, cut: Cut) -> list[str]:
        dialogue, now, position = Dialogue(TERMS, 0.0), 0.0, 0
        for offset, command in self.sent:
            self._feed(dialogue, self.wire[position:offset], cut, now)
            position = offset
            if command != "EXEC Ringing":  # comes by itself, behind a renewal
                now += 1.0
                self._note(self._act(dialogue, command, now))
        self._feed(dialogue, self.wire[position:], cut, now)
        self._note(dialogue.eof())
        return self.said

    def _act(self, dialogue: Dialogue, command: str, now: float) -> list[Output]:
        line = f"{command}\n".encode()
        if line == renewal_command(TERMS.lease_s):
            return dialogue.tick(now)
        for value in (DECISION, "goodbye::::"):
            if line == decision_command(value):
                return dialogue.decide(value, now)
        return dialogue.decide(DECISION, now)

    def _feed(self, dialogue: Dialogue, data: bytes, cut: Cut, now: float) -> None:
        for piece in cut(data):
            self._note(dialogue.receive(piece, now))

    def _note(self, outputs: list[Output]) -> None:
        self.said += map(describe, outputs)


def describe(output: Output) -> str:
    match output:
        case Opened(request):
            return f"opened {request.script} {request.call_id} line={request.line} number={request.caller_number!r}"
        case Send(line):
            return f"send {line.decode().rstrip()}"
        case HungUp():
            return "hangup line"
        case Decided(accepted):
            return f"decided accepted={accepted}"
        case Closed(reason, abort, detail):
            return f"closed {reason} abort={abort} {detail}".rstrip()


@pytest.mark.parametrize("cut", [whole, byte_by_byte, at_random(1), at_random(2), at_random(3)])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recorded_session_gives_the_same_however_it_is_cut(scenario: str, cut: Cut) -> None:
    assert Replay(HERE / scenario).run(cut) == (HERE / scenario / "expected.txt").read_text().splitlines()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recorded_session_that_begins_in_the_middle_is_closed(scenario: str) -> None:
    lines = (HERE / scenario / "wire.agi").read_bytes().splitlines(keepends=True)
    for start in range(1, len(lines)):
        dialogue = Dialogue(TERMS, 0.0)
        outputs = dialogue.receive(b"".join(lines[start:]), 0.0) + dialogue.eof()
        assert [type(output) for output in outputs] == [Closed]


def test_there_are_recordings() -> None:
    assert len(SCENARIOS) >= 12
