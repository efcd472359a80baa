"""What Asterisk 16.28 and 22.10 really said, byte for byte, fed to the link's core however the network may cut it.

A folder is one scenario: `wire.ami` what an AMI session of the service's user got (with the lists of a rebuild asked for
in between), `expected.txt` what routing must be told, `about.md` the story. `record.py` makes new ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from telephony.ami.codec import Message
from tests.transcripts.ami.replay import HERE, SCENARIOS, Cut, Listed, Replay, items, whole, wire


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    yield from (data[at : at + 1] for at in range(len(data)))


def at_random(seed: int) -> Cut:
    def cut(data: bytes) -> Iterator[bytes]:
        dice = random.Random(seed)
        at = 0
        while at < len(data):
            size = dice.choice((1, 2, 3, 40, 1400, 5000))
            yield data[at : at + size]
            at += size

    return cut


def expected(scenario: str) -> list[str]:
    return (HERE / scenario / "expected.txt").read_text().splitlines()


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("cut", [whole, byte_by_byte, at_random(1), at_random(2)], ids=["whole", "bytes", "a", "b"])
def test_transcript_tells_routing_what_happened_however_it_is_cut(scenario: str, cut: Cut) -> None:
    assert Replay().run(items(wire(scenario), cut)) == expected(scenario)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_followed_picture_agrees_with_every_list_that_asterisk_gave_in_between(scenario: str) -> None:
    replay = Replay()
    for item in items(wire(scenario)):
        if isinstance(item, Listed) and replay.feed.live and item.kind == "channels":
            assert replay.differences(item) == set()
        replay.run([item])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_link_that_begins_at_any_list_tells_the_rest_of_the_story_like_one_that_saw_it_all(scenario: str) -> None:
    sequence = items(wire(scenario))
    starts = [at for at, item in enumerate(sequence) if isinstance(item, Listed) and item.kind == "devices"]
    for start in starts:
        seen_all = Replay()
        seen_all.run(sequence[:start])
        before = len(seen_all.told)
        seen_all.run(sequence[start:])
        late = Replay()
        late.run(sequence[start:])
        assert _core(late.told[1:]) == _core(seen_all.told[before:])


def _core(told: list[object]) -> list[tuple[object, ...]]:
    """Without what only the one who saw the beginning can know: none of it is lost on routing, which has it too."""
    keys = ("call_id", "seat_id", "status", "at", "lost")
    events = [event for event in told if type(event).__name__ not in {"Picture"}]
    return [(type(event).__name__, *(getattr(event, key, None) for key in keys)) for event in events]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_story_without_its_beginning_breaks_nothing_and_leaves_nothing_behind(scenario: str) -> None:
    sequence = [item for item in items(wire(scenario)) if isinstance(item, Message)]
    for start in range(len(sequence)):
        replay = Replay()
        replay.feed.live = True
        replay.run(sequence[start:])
        assert_nothing_left(replay)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_story_with_one_event_missing_breaks_nothing(scenario: str) -> None:
    sequence = [item for item in items(wire(scenario)) if isinstance(item, Message)]
    for missing in range(len(sequence)):
        replay = Replay()
        replay.feed.live = True
        replay.run(sequence[:missing] + sequence[missing + 1 :])
        answered = [line for line in map(type, replay.told) if line.__name__ == "CallAnswered"]
        assert len(answered) <= sum("CallAnswered" in line for line in expected(scenario))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_events_in_any_order_break_nothing(scenario: str, seed: int) -> None:
    sequence = [item for item in items(wire(scenario)) if isinstance(item, Message)]
    random.Random(seed).shuffle(sequence)
    replay = Replay()
    replay.feed.live = True
    replay.run(sequence)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_of_a_call_is_kept_after_its_end_and_nothing_is_held_against_asterisk(scenario: str) -> None:
    replay = Replay()
    replay.run(items(wire(scenario)))
    assert_nothing_left(replay)
    assert not replay.feed.tracker.drift
    assert not replay.feed.field_errors


def test_call_to_a_number_that_is_not_ours_is_counted_and_never_becomes_a_call() -> None:
    replay = Replay()
    assert replay.run(items(wire("unknown_number"))) == []
    assert replay.feed.unknown_numbers == 1


def assert_nothing_left(replay: Replay) -> None:
    tracker = replay.feed.tracker
    assert (tracker.calls, tracker.known_channels) == ({}, 0)
