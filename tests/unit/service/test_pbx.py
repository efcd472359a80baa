"""From the configuration to the plan that Asterisk's files are rendered from."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.plan import PbxPlan, problems
from service.pbx import DEBIAN, fallback_script, plan_of, sip_side
from service.settings import load
from service.starter import write_starter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_starter(tmp_path, seats=3, seat_password=lambda seat: f"sip-{seat}")


def planned(file: Path) -> PbxPlan:
    settings = load(file)
    return plan_of(settings, settings.pbxs[0], sip=sip_side(settings, settings.pbxs[0]))


def test_plan_has_what_the_configuration_says(file: Path) -> None:
    settings, plan = load(file), planned(file)
    assert (plan.fastagi_host, plan.fastagi_port) == settings.service.fastagi_address
    assert (plan.ami_bind, plan.ami_port, plan.ami_user) == ("127.0.0.1", 5038, "hotline")
    assert plan.ami_secret == settings.ami_secret(settings.pbxs[0])
    assert plan.seat_passwords == {"1001": "sip-1001", "1002": "sip-1002", "1003": "sip-1003"}
    assert plan.duty_seats == ("1001", "1002")
    assert plan.directories == DEBIAN
    assert problems(plan) == []


def test_sip_side_is_what_the_configuration_says(file: Path) -> None:
    file.write_text(
        file.read_text().replace("[[pbx]]\n", '[[pbx]]\nsip = "127.0.0.9:5070"\nrtp_ports = [31000, 31100]\n')
    )
    plan = planned(file)
    assert (plan.sip_bind, plan.sip_port, plan.rtp) == ("127.0.0.9", 5070, (31000, 31100))


def test_snapshot_is_where_the_service_writes_it(file: Path) -> None:
    settings = load(file)
    assert Path(planned(file).snapshot) == settings.data_dir.resolve() / "snapshot.json"


def test_without_passwords_no_seat_registers_here(file: Path) -> None:
    (file.parent / "secrets" / "seats").unlink()
    assert planned(file).seat_passwords == {}


@pytest.mark.parametrize(
    ("match", "host"),
    [
        ([], ""),
        (["10.1.0.0/16"], ""),
        (["10.1.0.0/16", "10.2.0.1", "10.2.0.2"], "10.2.0.1"),
        (["sip.example.org"], "sip.example.org"),
    ],
)
def test_calls_to_a_trunk_go_to_its_first_address_and_to_no_network(file: Path, match: list[str], host: str) -> None:
    sources = ", ".join(f'"{source}"' for source in match)
    file.write_text(file.read_text().replace('match = ["127.0.0.2"]', f"match = [{sources}]"))
    carrier = planned(file).trunks[0]
    assert (carrier.name, carrier.match, carrier.host) == ("carrier", tuple(match), host)


def test_trunk_keeps_its_own_rank_and_patience(file: Path) -> None:
    file.write_text(file.read_text().replace("emergency = true", "emergency = true\nanswer_notice_after_s = 20"))
    police = planned(file).trunks[1]
    assert (police.name, police.emergency, police.answer_notice_after_s) == ("police", True, 20.0)
    assert police.dial == "PJSIP/{number}@police"


def test_duty_telephone_is_none_until_there_is_one(file: Path) -> None:
    assert planned(file).duty_telephone == ""
    file.write_text(file.read_text().replace("# duty_telephone", "duty_telephone").replace("NUMBER@", "13800000000@"))
    assert planned(file).duty_telephone == "PJSIP/13800000000@carrier"


def test_script_that_asterisk_starts_is_beside_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert fallback_script() == str(tmp_path / "hotline-fallback-agi"), (
        "told where it belongs, also while it is missing"
    )
    elsewhere = tmp_path / "elsewhere" / "hotline-fallback-agi"
    elsewhere.parent.mkdir()
    elsewhere.touch(mode=0o755)
    assert fallback_script() == str(elsewhere)
    (tmp_path / "hotline-fallback-agi").touch()
    assert fallback_script() == str(tmp_path / "hotline-fallback-agi")
