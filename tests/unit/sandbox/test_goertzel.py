"""Tones are told apart: eight at once, through A-law, with gaps, and never one that is not there."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from config.sounds import notice_sounds, tone_sounds
from sandbox import audio, goertzel, voice
from sandbox.goertzel import GRID_HZ, PITCHES, SPAN, amplitude, heard

FIVE_SPANS = 5 * SPAN
KEYS_OF_A_TELEPHONE = (697, 770, 852, 941, 1209, 1336, 1477, 1633)


def mixed(*pitches: int, samples: int = FIVE_SPANS, late: int = 0) -> bytes:
    """What a mixer sends of several voices: the sum of what they sent in A-law, each begun `late` samples after the one
    before, in A-law.
    """
    said = [goertzel.linear(voice.tone(hz) * (samples // SPAN + 1 + late * len(pitches) // SPAN)) for hz in pitches]
    sums = (sum(one[at + late * n] for n, one in enumerate(said)) for at in range(samples))
    return bytes(audio.alaw(round(32767 * value)) for value in sums)


def test_what_is_coded_as_alaw_comes_back_within_its_step() -> None:
    for sample in range(-32767, 32768, 37):
        back = goertzel.decode(audio.alaw(sample))
        assert abs(back - sample) <= max(16, abs(sample) // 16), sample


def test_amplitude_is_the_sines_and_nothing_of_its_neighbours() -> None:
    wave = [0.25 * math.sin(2 * math.pi * 2000 * n / 8000 + 1) for n in range(SPAN)]
    assert amplitude(wave, 2000) == pytest.approx(0.25)
    assert amplitude(wave, 2000 + GRID_HZ) == pytest.approx(0, abs=1e-9)


def test_there_is_a_pitch_for_each_of_ninety_voices_and_none_is_near_a_key() -> None:
    assert len(PITCHES) >= 90
    assert all(hz % GRID_HZ == 0 for hz in PITCHES)
    assert all(high - low >= GRID_HZ for low, high in pairwise(PITCHES))
    assert all(abs(hz - key) > 15 for hz in PITCHES for key in KEYS_OF_A_TELEPHONE)


@pytest.mark.parametrize("late", [0, 77])
def test_eight_voices_at_once_are_all_heard_and_nobody_else(late: int) -> None:
    there = set(PITCHES[3:91:11])
    assert len(there) == 8
    assert heard(mixed(*there, late=late), PITCHES) == there


def test_each_neighbour_on_the_grid_is_told_apart() -> None:
    for low, high in list(pairwise(PITCHES))[::7]:
        assert heard(mixed(low), PITCHES) == {low}
        assert heard(mixed(low, high), PITCHES) == {low, high}


def test_voice_with_a_hole_in_it_is_still_heard_and_one_that_has_just_ended_is_not() -> None:
    whole = mixed(2000, 2500)
    quiet = bytes([audio.alaw(0)]) * SPAN
    assert heard(whole[: 2 * SPAN] + quiet + whole[3 * SPAN :], PITCHES) == {2000, 2500}
    assert heard(whole[: 2 * SPAN] + 3 * quiet, PITCHES) == frozenset()


def test_silence_and_nothing_name_nobody() -> None:
    assert heard(bytes([audio.alaw(0)]) * FIVE_SPANS, PITCHES) == frozenset()
    assert heard(b"", PITCHES) == heard(mixed(2000)[: SPAN - 1], PITCHES) == frozenset()


@pytest.mark.parametrize("name", [*notice_sounds(), *tone_sounds()])
def test_the_hotlines_own_sounds_are_nobodys_voice(name: str) -> None:
    sound = {**notice_sounds(), **tone_sounds()}[name]
    for at in range(0, len(sound) - FIVE_SPANS, FIVE_SPANS // 2):
        assert heard(sound[at : at + FIVE_SPANS], PITCHES) == frozenset()


def test_silence_is_what_a_line_without_a_voice_sends() -> None:
    assert goertzel.is_silent(bytes(audio.alaw(sample) for sample in (0, 8, -8, 100, -100)))
    assert not goertzel.is_silent(voice.tone(2000))
