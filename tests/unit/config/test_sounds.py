"""The notice: A-law as the standard says, and never louder than networks like."""

from __future__ import annotations

import pytest

from config.sounds import LOUDNESS, notice_sounds, to_alaw


@pytest.mark.parametrize(
    ("sample", "code"),
    [(0, 0xD5), (-1, 0x55), (8, 0xD5), (32767, 0xAA), (-32768, 0x2A), (4032, 0x9A), (1000, 0xFA), (-1000, 0x7A)],
)
def test_samples_are_coded_as_g711_says(sample: int, code: int) -> None:
    assert to_alaw(sample) == code


def test_notice_comes_before_the_music_and_is_short() -> None:
    first, second = sorted(notice_sounds())
    sounds = notice_sounds()
    assert first.startswith("01-notice")
    assert second.startswith("02-music")
    assert 1 <= len(sounds[first]) / 8000 <= 5
    assert 10 <= len(sounds[second]) / 8000 <= 60


def test_no_sample_is_louder_than_meant() -> None:
    limit = to_alaw(round(32767 * LOUDNESS)) ^ 0x55
    for sound in notice_sounds().values():
        assert max((code ^ 0x55) & 0x7F for code in sound) <= limit & 0x7F
