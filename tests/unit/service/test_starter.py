"""The first configuration must serve every number, and give away no secret."""

from __future__ import annotations

import hashlib
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.model import Mode
from routing.need import admits
from service.settings import load
from service.starter import StarterError, starter_config, write_starter

NUMBERS = {"12345", "12333", "12366", "12329", "12393", "12348", "96510", "12336", "12312", "96196"}


def test_the_first_configuration_loads_without_a_warning(tmp_path: Path) -> None:
    found = load(write_starter(tmp_path))
    assert found.warnings == ()
    assert len(found.seats) == len(found.agents) == 12
    assert [seat.id for seat in found.duty_seats] == ["1001", "1002"]


def test_all_ten_numbers_are_there_in_their_modes(tmp_path: Path) -> None:
    lines = load(write_starter(tmp_path)).rules().lines
    assert set(lines) == NUMBERS
    assert {number for number, line in lines.items() if line.mode is Mode.OWN} == {"12345"}
    assert {number for number, line in lines.items() if line.into == "12345"} == {"96510", "12336", "12312", "96196"}
    assert all(line.owner and line.zone for line in lines.values() if line.mode is Mode.PARALLEL)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(seats=st.integers(1, 80))
def test_every_line_has_an_expert_in_its_first_ring_whatever_the_number_of_seats(tmp_path: Path, seats: int) -> None:
    file = tmp_path / "hotline.toml"
    file.write_text(starter_config(seats=seats))
    found = load(file, check_secrets=False)
    assert found.warnings == ()
    rules = found.rules()
    for line in rules.lines.values():
        need = line.rings[0].need
        assert line.rings[0].skills
        assert any(admits(need, agent.id, agent.skills, frozenset()) for agent in rules.agents.values())


def test_ports_are_put_where_they_are_wanted(tmp_path: Path) -> None:
    found = load(write_starter(tmp_path, fastagi_port=14573, http_port=18345, ami_port=15138, first_seat=2001, seats=3))
    assert found.service.fastagi_address == ("127.0.0.1", 14573)
    assert found.service.http_address == ("127.0.0.1", 18345)
    assert found.pbxs[0].ami_address == ("127.0.0.1", 15138)
    assert [seat.id for seat in found.seats] == ["2001", "2002", "2003"]


def test_secrets_are_private_new_each_time_and_the_token_only_as_its_sum(tmp_path: Path) -> None:
    one, two = load(write_starter(tmp_path / "one")), load(write_starter(tmp_path / "two"))
    assert one.number_keys() != two.number_keys()
    assert one.ami_secret(one.pbxs[0]) != two.ami_secret(two.pbxs[0])
    assert one.tokens[0].sha256 == hashlib.sha256(one.cli_token().encode()).hexdigest()
    assert one.cli_token() not in one.file.read_text()
    for file in (tmp_path / "one" / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "one" / "secrets").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "kept", ["hotline.toml", "secrets/number.key", "secrets/ami", "secrets/cli.token", "secrets/seats"]
)
def test_nothing_that_exists_is_overwritten_and_nothing_else_is_made(tmp_path: Path, kept: str) -> None:
    file = tmp_path / kept
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    with pytest.raises(StarterError, match="nothing was changed"):
        write_starter(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "mine"


def test_a_hotline_without_seats_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one seat"):
        starter_config(seats=0)


def test_the_last_resort_is_written_only_when_it_is_known() -> None:
    assert "duty_telephone" not in tomllib.loads(starter_config())["fallback"]
    text = starter_config(duty_telephone="PJSIP/13800000000@carrier")
    assert tomllib.loads(text)["fallback"]["duty_telephone"] == "PJSIP/13800000000@carrier"
