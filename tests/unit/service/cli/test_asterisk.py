"""`hotline asterisk render|diff|install` as a shell sees them, on folders of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.render import template_names
from service import asterisk_folder
from service.starter import write_starter
from tests.unit.service.cli.test_commands import run

Capture = pytest.CaptureFixture[str]
FILES = {name.removesuffix(".j2") for name in template_names()}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_starter(tmp_path / "hotline", seats=2, seat_password=lambda seat: f"sip-{seat}")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Asterisk's folder, as a distribution leaves it: its other folders are beside it."""
    etc = tmp_path / "asterisk" / "etc"
    etc.mkdir(parents=True)
    names = {"etc": "etc", "spool": "spool", "log": "log", "varlib": "varlib", "run": "run", "db": "db"}
    for name in names.values():
        (etc.parent / name).mkdir(exist_ok=True)
    rows = "".join(f"ast{key}dir => {etc.parent / name}\n" for key, name in names.items())
    (etc / "asterisk.conf").write_text(f"[directories](!)\n{rows}[options]\nrunuser = asterisk\n")
    (etc / "pjsip.conf").write_text("[theirs]\npassword=their-secret\n")
    return etc


def test_render_writes_every_file_and_no_other_can_read_it(capsys: Capture, config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code, out, _ = run(capsys, "asterisk", "render", str(folder), "--config", str(config))
    assert (code, out) == (0, f"{len(FILES)} files written to {folder}\n")
    assert {path.name for path in folder.iterdir()} == FILES
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_seats_with_a_password_are_rendered_and_others_are_left_to_pjsip_local(
    capsys: Capture, config: Path, tmp_path: Path
) -> None:
    (config.parent / "secrets" / "seats").write_text("1002 sip-1002\n")
    run(capsys, "asterisk", "render", str(tmp_path / "out"), "--config", str(config))
    text = (tmp_path / "out" / "pjsip.conf").read_text()
    assert "[1002](hotline-seat-phone)" in text
    assert "password=sip-1002" in text
    assert "[1001]" not in text
    assert text.endswith("#tryinclude pjsip_local.conf\n")


def test_where_asterisk_listens_is_as_configured(capsys: Capture, config: Path, tmp_path: Path) -> None:
    text = config.read_text().replace("[[pbx]]\n", '[[pbx]]\nsip = "10.1.2.3:5070"\nrtp_ports = [30000, 30999]\n')
    config.write_text(text)
    run(capsys, "asterisk", "render", str(tmp_path / "out"), "--config", str(config))
    assert "bind=10.1.2.3:5070\n" in (tmp_path / "out" / "pjsip.conf").read_text()
    rtp = (tmp_path / "out" / "rtp.conf").read_text()
    assert "rtpstart=30000\n" in rtp
    assert "rtpend=30999\n" in rtp


def test_render_takes_the_folders_of_an_asterisk_conf(capsys: Capture, config: Path, etc: Path, tmp_path: Path) -> None:
    conf = str(etc / "asterisk.conf")
    run(capsys, "asterisk", "render", str(tmp_path / "out"), "--config", str(config), "--directories", conf)
    text = (tmp_path / "out" / "asterisk.conf").read_text()
    assert f"astspooldir => {etc.parent / 'spool'}\n" in text
    assert "runuser = asterisk\n" in text


def test_files_for_an_old_asterisk_differ_from_those_for_a_new_one(
    capsys: Capture, config: Path, tmp_path: Path
) -> None:
    for version in ("16.28", "22.10.1+dfsg-3"):
        arguments = ("asterisk", "render", str(tmp_path / version), "--config", str(config), "--asterisk", version)
        assert run(capsys, *arguments)[0] == 0
    old, new = ((tmp_path / version / "modules.conf").read_text() for version in ("16.28", "22.10.1+dfsg-3"))
    assert "res_cdrel_custom" in new
    assert "res_cdrel_custom" not in old


def test_diff_shows_what_would_change_and_exits_1_without_a_password(capsys: Capture, config: Path, etc: Path) -> None:
    code, out, _ = run(capsys, "asterisk", "diff", "--folder", str(etc), "--config", str(config))
    assert code == 1
    assert f"--- {etc}/pjsip.conf\n" in out
    assert "-[theirs]\n" in out
    assert "+[1001](hotline-seat-phone)\n" in out
    assert "-password= ***\n" in out
    assert "+password= ***\n" in out
    assert not any(secret in out for secret in ("their-secret", "sip-1001"))
    assert (config.parent / "secrets" / "ami").read_text().strip() not in out
    assert sorted(path.name for path in etc.iterdir()) == ["asterisk.conf", "pjsip.conf"]


def test_install_keeps_what_was_there_and_then_nothing_differs(capsys: Capture, config: Path, etc: Path) -> None:
    arguments = ("--folder", str(etc), "--config", str(config))
    code, out, _ = run(capsys, "asterisk", "install", *arguments)
    assert code == 0
    assert "core restart gracefully" in out
    assert {path.name for path in etc.iterdir()} == FILES | {
        "pjsip.conf.before-hotline",
        "asterisk.conf.before-hotline",
    }
    assert (etc / "pjsip.conf.before-hotline").read_text() == "[theirs]\npassword=their-secret\n"
    assert run(capsys, "asterisk", "diff", *arguments)[:2] == (0, "")
    code, out, _ = run(capsys, "asterisk", "install", *arguments)
    assert (code, "as they should be" in out) == (0, True)


def test_install_leaves_pjsip_local_alone(capsys: Capture, config: Path, etc: Path) -> None:
    (etc / "pjsip_local.conf").write_text("[mine]\n")
    run(capsys, "asterisk", "install", "--folder", str(etc), "--config", str(config))
    assert (etc / "pjsip_local.conf").read_text() == "[mine]\n"


@pytest.mark.parametrize("command", ["diff", "install"])
def test_folder_without_an_asterisk_conf_is_refused_untouched(
    capsys: Capture, config: Path, tmp_path: Path, command: str
) -> None:
    code, out, err = run(capsys, "asterisk", command, "--folder", str(tmp_path), "--config", str(config))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--folder" in err
    assert [path.name for path in tmp_path.iterdir()] == ["hotline"]


@pytest.mark.parametrize("command", [("diff", "--folder"), ("install", "--folder"), ("render", "--directories")])
@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("secrets/seats", "1009 nobodys\n", "seat_password_file"),
        ("secrets/seats", "1001 bl ank\n", "line 1 must be a seat id"),
        ("hotline.toml", "pbxs = 1\n", "unknown key"),
    ],
)
def test_mistakes_in_the_configuration_exit_2_in_one_line_each(
    capsys: Capture, config: Path, etc: Path, command: tuple[str, str], file: str, content: str, words: str
) -> None:
    (config.parent / file).write_text(content)
    target = etc if command[0] != "render" else etc / "asterisk.conf"
    place = [str(etc.parent / "out")] if command[0] == "render" else []
    code, out, err = run(capsys, "asterisk", command[0], *place, command[1], str(target), "--config", str(config))
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert (etc / "pjsip.conf").read_text().startswith("[theirs]")


@pytest.mark.parametrize("version", ["22", "22.x", "-1.2", "22.10.1.1", "", "22.٣"])
def test_version_that_is_none_exits_2(capsys: Capture, config: Path, tmp_path: Path, version: str) -> None:
    arguments = ("asterisk", "render", str(tmp_path / "out"), "--config", str(config), f"--asterisk={version}")
    code, _, err = run(capsys, *arguments)
    assert (code, err) == (2, f"hotline: --asterisk {version}: write it like 22.10\n")


def test_folder_that_cannot_be_written_exits_2_in_one_sentence(capsys: Capture, config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = run(capsys, "asterisk", "render", str(tmp_path / "file" / "x"), "--config", str(config))
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot be written" in err


def test_asterisks_user_who_cannot_reach_the_snapshot_is_warned_of(
    capsys: Capture, config: Path, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asterisk_folder, "_asterisks_user", lambda plan: (os.getuid() + 1, os.getgid() + 1))
    code, _, err = run(capsys, "asterisk", "install", "--folder", str(etc), "--config", str(config))
    assert code == 0
    assert err.startswith("warning: Asterisk's user cannot read ")
