"""The seats' passwords: a file that may be missing, must be private, and whose mistakes are told without repeating it."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import SettingsError, SettingsProblem, load
from service.settings_seats import read_seat_passwords
from service.settings_secrets import SecretError
from service.starter import write_starter


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def mistake_of(path: Path) -> str:
    with pytest.raises(SecretError) as caught:
        read_seat_passwords(path)
    return str(caught.value)


def test_lines_are_a_seat_and_its_password_and_comments_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "seats", "# the seats\n\n1001 one#1\n  1002\ttwo  \r\n#1003 three\n")
    assert read_seat_passwords(path) == [("1001", "one#1", 3), ("1002", "two", 4)]


def test_without_the_file_phones_are_configured_elsewhere(tmp_path: Path) -> None:
    assert read_seat_passwords(tmp_path / "seats") == []


def test_a_file_that_leads_nowhere_is_a_mistake_and_not_the_absence_of_one(tmp_path: Path) -> None:
    (tmp_path / "seats").symlink_to(tmp_path / "gone")
    assert "does not exist" in mistake_of(tmp_path / "seats")


def test_file_open_to_others_is_refused_with_the_command_that_closes_it(tmp_path: Path) -> None:
    path = write(tmp_path / "seats", "1001 one\n", 0o640)
    assert f"chmod 600 {path}" in mistake_of(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1001", "must be a seat id, a blank and a password"),
        ("1001 secret word", "must be a seat id, a blank and a password"),
        ("se;cret 1001", "must be a seat id, a blank and a password"),
        ("1001 sec;ret", "no ;"),
        ("1001 geheimnisß", "ASCII"),
        ("1001 >secret", "no > in front"),
        ("1001 " + "x" * 201, "ASCII"),
        ("1000 again", "same seat as line 1"),
    ],
)
def test_unfit_line_is_told_by_its_number_and_never_repeated(tmp_path: Path, line: str, words: str) -> None:
    text = mistake_of(write(tmp_path / "seats", f"1000 fine\n{line}\n"))
    assert "line 2" in text
    assert words in text
    assert not any(part in text for part in ("secret", "sec;", "geheim", "again", "fine"))


def test_many_mistakes_are_told_in_one_sentence_of_bounded_length(tmp_path: Path) -> None:
    text = mistake_of(write(tmp_path / "seats", "1001\n" * 500))
    assert "line 1 " in text
    assert "and 495 more" in text
    assert len(text) < 600


def test_bytes_that_are_no_text_are_a_mistake(tmp_path: Path) -> None:
    path = write(tmp_path / "seats", "")
    path.write_bytes(b"1001 \xff\xfe\n")
    assert "is not text" in mistake_of(path)


def test_first_configuration_has_a_password_of_its_own_for_each_seat(tmp_path: Path) -> None:
    settings = load(write_starter(tmp_path, seats=20), check_seats=True)
    passwords = settings.seat_passwords()
    assert set(passwords) == {seat.id for seat in settings.seats}
    assert len(set(passwords.values())) == 20
    assert min(map(len, passwords.values())) >= 20
    assert settings.warnings == ()


# -- what `hotline check` says ----------------------------------------------------------------------------------------


def problems(folder: Path) -> list[SettingsProblem]:
    with pytest.raises(SettingsError) as caught:
        load(folder / "hotline.toml", check_seats=True)
    return caught.value.errors


def test_password_for_nobody_is_one_error_that_names_the_lines(folder: Path) -> None:
    write(folder / "secrets" / "seats", "1001 one\nsecret 1002\n1009 nine\n")
    (problem,) = problems(folder)
    assert problem.path == "service.seat_password_file"
    assert "line 2, 3: no [[seat]] with this id" in problem.text
    assert "secret 1" not in problem.text
    assert "nine" not in problem.text


def test_password_for_a_seat_behind_a_trunk_is_an_error(folder: Path) -> None:
    file = folder / "hotline.toml"
    text = file.read_text().replace('dial = "PJSIP/1001"', 'dial = "PJSIP/1001@carrier"')
    file.write_text(text.replace('sign_in = "phone"', 'sign_in = "agent"'))
    write(folder / "secrets" / "seats", "1001 one\n")
    (problem,) = problems(folder)
    assert "registers here" in problem.text


def warnings(folder: Path) -> list[str]:
    found = load(folder / "hotline.toml", check_seats=True).warnings
    return [warning.text for warning in found if warning.path == "service.seat_password_file"]


def test_seat_without_a_line_is_a_warning_that_says_where_its_phone_is_configured(folder: Path) -> None:
    file = folder / "hotline.toml"
    file.write_text(file.read_text().replace("[[seat]]\n", '[[seat]]\nid = "1007"\n[[seat]]\n'))
    write(folder / "secrets" / "seats", "1001 one\n")
    (text,) = warnings(folder)
    assert "1007" in text
    assert "pjsip_local.conf" in text


def test_no_password_at_all_is_no_warning(folder: Path) -> None:
    assert warnings(folder) == []
    write(folder / "secrets" / "seats", "# none yet\n")
    assert warnings(folder) == []


def test_one_mistake_in_a_seat_is_not_told_again_by_its_password(folder: Path) -> None:
    write(folder / "secrets" / "seats", "1001 one\n")
    file = folder / "hotline.toml"
    file.write_text(file.read_text().replace('[[seat]]\nid = "1001"', "[[seat]]\nid = 1001"))
    assert [problem.path for problem in problems(folder)] == ["seat[0].id"]


def test_service_starts_whatever_is_in_the_file_of_passwords(folder: Path) -> None:
    write(folder / "secrets" / "seats", "nonsense\n", 0o644)
    assert load(folder / "hotline.toml").seats


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('sip = "sip.example.org:5060"', "address for SIP"),
        ('sip = "0.0.0.0"', "address for SIP"),
        ('sip = "[::]:5060"', "address for SIP"),
        ('sip = "0.0.0.0:0"', "not an address"),
        ("rtp_ports = [20000, 10000]", "range of ports"),
        ("rtp_ports = [80, 90]", "range of ports"),
        ("rtp_ports = [10000]", "missing"),
        ("rtp_ports = [10000, 10001, 10002]", "too many"),
    ],
)
def test_where_asterisk_listens_must_be_an_address_and_a_range(folder: Path, key: str, words: str) -> None:
    file = folder / "hotline.toml"
    file.write_text(file.read_text().replace("[[pbx]]\n", f"[[pbx]]\n{key}\n"))
    (problem,) = problems(folder)
    assert problem.path.startswith(f"pbx[0].{key.split()[0]}")
    assert words in problem.text


def test_where_asterisk_listens_is_read_as_host_port_and_ports(folder: Path) -> None:
    file = folder / "hotline.toml"
    file.write_text(
        file.read_text().replace("[[pbx]]\n", '[[pbx]]\nsip = "10.1.2.3:5070"\nrtp_ports = [30000, 30999]\n')
    )
    pbx = load(file).pbxs[0]
    assert (pbx.sip_address, pbx.rtp_ports) == (("10.1.2.3", 5070), (30000, 30999))
