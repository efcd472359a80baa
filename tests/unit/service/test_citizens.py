"""The number of a citizen becomes something that is dialled in one place, or is refused there."""

from __future__ import annotations

import pytest

from service.citizens import dialled, way_to
from service.settings import Settings, load
from service.starter import write_starter


@pytest.mark.parametrize(
    ("number", "area_code", "digits"),
    [
        ("+8613800000000", "0519", "13800000000"),
        ("+8651985680000", "0519", "85680000"),
        ("+8651985680000", "", "051985680000"),
        ("+862180000000", "0519", "02180000000"),
        ("+861080000000", "0519", "01080000000"),
        ("+864001234567", "0519", "4001234567"),
        ("+85220000000", "0519", "0085220000000"),
        ("95511", "0519", "95511"),
    ],
)
def test_number_is_dialled_as_from_the_own_area(number: str, area_code: str, digits: str) -> None:
    assert dialled(number, area_code) == digits


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load(write_starter(tmp_path_factory.mktemp("hotline"), seats=2))


def test_citizen_is_reached_by_the_first_trunk_that_is_not_for_emergencies(settings: Settings) -> None:
    assert way_to("013800000000", settings) == ("PJSIP/13800000000@carrier", None)


@pytest.mark.parametrize("number", ["110", "12345", "12333", "+85220000000", "16812345678", "", "x"])
def test_forbidden_number_has_a_sentence_and_no_way(settings: Settings, number: str) -> None:
    dial, why = way_to(number, settings)
    assert (dial, (why or "").endswith(".")) == ("", True)
    assert not number or number not in (why or "")
