"""The configuration as operators write it, and as the core gets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.plan import problems
from routing.model import DEFAULT_RINGS, Mode, Ring, SignIn, Timing, Zone
from routing.need import InGroup, Skilled
from service.pbx import plan_of, sip_side
from service.settings import SecretError, Settings, SettingsError, load
from service.starter import write_starter
from storage.keys import KeySet

Read = Callable[[str], Settings]


def test_the_sample_loads_with_one_warning_about_the_missing_duty_seat(folder: Path) -> None:
    settings = load(folder / "hotline.toml")
    assert [problem.path for problem in settings.warnings] == ["fallback.duty_seats[1]"]
    assert [seat.id for seat in settings.duty_seats] == ["1001"]


def test_the_sample_gives_the_core_its_rules(folder: Path) -> None:
    rules = load(folder / "hotline.toml").rules()
    assert rules.timing == Timing()
    assert list(rules.lines) == ["12345", "12333", "12336"]
    assert rules.lines["12333"].zone == "hrss"
    assert rules.lines["12333"].rings[0] == Ring(0.0, Skilled("hrss", 5))
    assert rules.agents["1001"].skills == {"general": 5, "hrss": 8}
    assert rules.agents["1001"].sign_in is SignIn.PHONE
    assert rules.seats["1001"].dial == "PJSIP/1001"
    assert rules.skills["tax"] == "税务"


def test_a_merged_line_is_served_by_the_line_it_joined_under_its_own_subject(read: Read, sample_text: str) -> None:
    text = sample_text.replace('mode   = "own" ', 'answer_within_s = 10\nratio = 0.9\nmode = "own" ')
    rules = read(text).rules()
    merged, own = rules.lines["12336"], rules.lines["12345"]
    assert (merged.mode, merged.into, merged.subject) == (Mode.MERGED, "12345", "自然资源违法举报")
    assert (merged.rings, merged.zone) == (own.rings, own.zone)
    assert (merged.answer_within_s, merged.ratio) == (10.0, 0.9)
    assert merged.name == own.name


def test_merged_line_has_its_own_class_or_that_of_the_line_it_joined(read: Read, sample_text: str) -> None:
    text = sample_text.replace('mode   = "own"', 'mode   = "own"\npriority = 2')
    trunks = text.replace("emergency = true", "emergency = true\npriority = -1")
    assert read(trunks).rules().trunks["police"].priority == -1
    assert read(text).rules().lines["12336"].priority == 2
    own = text.replace('into   = "12345"', 'into   = "12345"\npriority = 0')
    assert read(own).rules().lines["12336"].priority == 0


def test_zone_has_bounds_for_lending(read: Read, sample_text: str) -> None:
    zones = read(sample_text + '[[zone]]\nid = "hrss"\nlend_ratio = 0.9\n').rules().zones
    assert zones == {"hrss": Zone("hrss", "hrss", lend_ratio=0.9, lend_wait_s=0.0)}


def without_rings(text: str) -> str:
    return "\n".join(row for row in text.splitlines() if not row.startswith("rings"))


def test_a_line_without_rings_gets_those_of_its_zone_or_the_common_ones(read: Read, sample_text: str) -> None:
    rules = read(without_rings(sample_text)).rules()
    assert rules.lines["12345"].rings == DEFAULT_RINGS
    assert rules.lines["12333"].rings == (
        Ring(0.0, Skilled("hrss", 5)),
        Ring(3.0, Skilled("hrss", 1)),
        Ring(6.0, Skilled("general", 1)),
        Ring(10.0, InGroup("reserve")),
    )


def test_every_default_reaches_the_reserve_while_the_target_can_still_be_met(read: Read, sample_text: str) -> None:
    settings = read(without_rings(sample_text))
    for line in settings.rules().lines.values():
        assert max(ring.after_s for ring in line.rings) <= 10 < line.answer_within_s


def test_keys_not_given_have_their_defaults(read: Read) -> None:
    settings = read(
        '[[pbx]]\nname = "pbx1"\nsecret_file = "secrets/ami"\n[skills]\ngeneral = "综合"\n[[line]]\nnumber = "12345"\n'
        '[[agent]]\nid = "1001"\nskills = { general = 5 }\n[[seat]]\nid = "1001"\n'
    )
    assert settings.timezone == "Asia/Shanghai"
    assert settings.service.fastagi_address == ("127.0.0.1", 4573)
    assert settings.service.http_address == ("127.0.0.1", 8345)
    assert settings.pbxs[0].ami_address == ("127.0.0.1", 5038)
    assert settings.rules().timing == Timing()
    assert settings.rules().lines["12345"].name == "12345"
    assert settings.rules().agents["1001"].name == "1001"
    assert settings.rules().seats["1001"].dial == "PJSIP/1001"
    assert (settings.target.answer_within_s, settings.target.ratio) == (15.0, 0.95)


def test_relative_paths_start_at_the_folder_of_the_configuration(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(folder)
    settings = load(Path("hotline.toml"))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert settings.base_dir == folder
    assert settings.data_dir == folder / "var"
    assert settings.number_keys() == KeySet.of(bytes(range(32)))
    assert settings.database_url() == f"sqlite+aiosqlite:///{folder}/var/hotline.db"


def test_an_absolute_database_file_stays_where_it_is(read: Read, sample_text: str) -> None:
    text = sample_text.replace("sqlite+aiosqlite:///var/hotline.db", "sqlite+aiosqlite:////srv/records.db")
    assert read(text).database_url() == "sqlite+aiosqlite:////srv/records.db"


def test_settings_cannot_be_changed(folder: Path) -> None:
    settings = load(folder / "hotline.toml")
    with pytest.raises(ValueError, match="frozen"):
        settings.service.http = "0.0.0.0:1"


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(folder: Path, sample_text: str) -> None:
    (folder / "hotline.toml").write_bytes(b"\xef\xbb\xbf" + sample_text.replace("\n", "\r\n").encode())
    assert load(folder / "hotline.toml").rules().lines["12345"].name == "政务服务便民热线"


@pytest.mark.parametrize("seats", [1, 12, 40])
def test_what_loads_can_be_put_into_the_files_of_asterisk(tmp_path: Path, seats: int) -> None:
    settings = load(write_starter(tmp_path, seats=seats, duty_telephone="PJSIP/13800000000@carrier"))
    assert problems(plan_of(settings, settings.pbxs[0], sip=sip_side(settings, settings.pbxs[0]))) == []


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_secrets_come_from_their_files(folder: Path) -> None:
    settings = load(folder / "hotline.toml")
    assert settings.ami_secret(settings.pbxs[0]) == "ami-secret"
    assert settings.cli_token() == "example-token"


def test_the_environment_goes_before_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (folder / "secrets").iterdir():
        file.unlink()
    monkeypatch.setenv("HOTLINE_NUMBER_KEY", "ab" * 32)
    monkeypatch.setenv("HOTLINE_AMI_SECRET_PBX1", "from-outside")
    settings = load(folder / "hotline.toml")
    assert settings.number_keys() == KeySet.of(b"\xab" * 32)
    assert settings.ami_secret(settings.pbxs[0]) == "from-outside"


def test_a_password_of_postgresql_is_put_into_the_url_with_its_odd_letters(
    read: Read, sample_text: str, folder: Path
) -> None:
    (folder / "secrets" / "db").write_text("p@ss:w/rd\n")
    (folder / "secrets" / "db").chmod(0o600)
    text = sample_text.replace(
        '"sqlite+aiosqlite:///var/hotline.db"',
        '"postgresql+asyncpg://hot@db/records"\ndatabase_password_file = "secrets/db"',
    )
    assert read(text).database_url() == "postgresql+asyncpg://hot:p%40ss%3Aw%2Frd@db/records"


def test_postgresql_without_a_password_is_left_to_its_own_rules(read: Read, sample_text: str) -> None:
    text = sample_text.replace(
        "sqlite+aiosqlite:///var/hotline.db", "postgresql+asyncpg:///records?host=/run/postgresql"
    )
    assert read(text).database_url() == "postgresql+asyncpg:///records?host=/run/postgresql"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda key: key.chmod(0o640), "chmod 600"),
        (lambda key: key.unlink(), "does not exist"),
        (lambda key: key.write_bytes(b"abcd"), "must hold 64 hex digits"),
        (lambda key: key.write_bytes(b"no hex" * 12), "must hold 64 hex digits"),
        (lambda key: key.write_bytes(b"\xff" * 32), "is not text"),
        (lambda key: key.write_bytes(b""), "is empty"),
    ],
)
def test_a_number_key_that_cannot_be_used_says_what_to_do(
    folder: Path, spoil: Callable[[Path], object], says: str
) -> None:
    settings = load(folder / "hotline.toml")
    spoil(folder / "secrets" / "number.key")
    with pytest.raises(SecretError, match=says):
        settings.number_keys()


def test_a_program_that_needs_no_secret_loads_without_them(folder: Path) -> None:
    (folder / "secrets" / "number.key").unlink()
    assert load(folder / "hotline.toml", check_secrets=False).rules().lines


def test_no_text_of_the_settings_shows_a_secret(folder: Path) -> None:
    shown = repr(load(folder / "hotline.toml"))
    assert "ami-secret" not in shown
    assert "example-token" not in shown


@pytest.mark.parametrize("secret", ["with blank", "semi;colon", "密钥"])
def test_a_secret_that_manager_conf_cannot_carry_is_refused_without_showing_it(folder: Path, secret: str) -> None:
    (folder / "secrets" / "ami").write_text(secret)
    with pytest.raises(SettingsError) as caught:
        load(folder / "hotline.toml")
    assert [problem.path for problem in caught.value.errors] == ["pbx[0].secret_file"]
    assert secret not in str(caught.value)
