"""Scenarios come out whole: well-formed, every label there, nothing left to fill in."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sandbox import scenario
from sandbox.people import Callers, Plan
from sandbox.scenario import ANSWERS, BUSY, REJECTS, RINGS_FOR_EVER, SILENT, Habit

SOUND = Path("/tone.al")
HABITS = [ANSWERS, BUSY, REJECTS, RINGS_FOR_EVER, SILENT, Habit(ring_s=1, code=480), Habit(audio=False, talk_s=3)]
HABITS += [Habit(audio_s=2, talk_s=9), Habit(audio_s=2)]
ALL = [
    *(scenario.answer(habit, SOUND) for habit in HABITS),
    scenario.answer(
        ANSWERS, SOUND, 6000, {"110": BUSY, "*119": Habit(ring_s=1, code=603), "12": SILENT, "13": Habit()}
    ),
    scenario.register(),
    scenario.caller(number="[field0]", from_header="[field1]", sound=SOUND),
    scenario.caller(number="[number]", from_header="[from_header]", sound=None),
]


@pytest.mark.parametrize("text", ALL)
def test_scenario_is_complete(text: str) -> None:
    tree = ElementTree.fromstring(text)
    labels = {element.get("id") for element in tree.iter("label")}
    jumps = {element.get(name) for element in tree.iter() for name in ("next", "ontimeout")} - {None}
    assert jumps <= labels
    assert not re.search(r"@[a-z_]+@", text)


@pytest.mark.parametrize("text", ALL)
def test_sound_is_offered_as_alaw_first_and_mulaw_second(text: str) -> None:
    assert all(media == "RTP/AVP 8 0 101" for media in re.findall(r"m=audio \S+ (.*)", text))


def test_a_voice_has_its_own_port_in_the_offer_and_in_every_answer() -> None:
    texts = [
        scenario.answer(ANSWERS, None, 6000),
        scenario.caller(number="12345", from_header="x", sound=None, media_port=6000),
    ]
    for text in texts:
        assert set(re.findall(r"m=audio (\S+) ", text)) == {"6000"}
        assert 'rtp_stream="/' not in text


def test_sound_is_for_all_numbers_alike() -> None:
    with pytest.raises(ValueError, match="for all numbers alike"):
        scenario.answer(ANSWERS, SOUND, None, {"110": Habit(audio=False)})


@pytest.mark.parametrize(("seconds", "ms"), [(0, 1), (0.0004, 1), (1.5, 1500), (None, scenario.FOR_EVER_MS)])
def test_no_time_is_nothing_to_sipp_so_it_is_a_millisecond(seconds: float | None, ms: int) -> None:
    assert scenario.milliseconds(seconds) == ms


def test_name_of_a_caller_is_quoted_and_a_raw_header_is_not() -> None:
    assert Plan("12345", "138", 'a "b" \\').header("127.0.0.2") == '"a \\"b\\" \\\\" <sip:138@127.0.0.2>'
    assert Plan("12345", from_header="<nonsense").header("127.0.0.2") == "<nonsense"


def test_table_of_many_callers_cannot_carry_a_separator(tmp_path: Path) -> None:
    plans = [Plan("12345"), Plan("12345", name="a;b")]
    with pytest.raises(ValueError, match="no ';'"):
        Callers(("127.0.0.1", 1), plans, tmp_path)._table()
