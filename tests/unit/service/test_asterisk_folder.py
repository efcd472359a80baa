"""What is in Asterisk's folder already stays: its directories, its user, and the files from before us."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from config.plan import Directories, PbxPlan, RunAs
from service import asterisk_folder
from service.asterisk_folder import AsteriskConf, hidden_from_asterisk, install, not_recordable
from service.pbx import DEBIAN, plan_of, sip_side
from service.settings import load
from service.starter import write_starter

# as Debian delivers it
DELIVERED = """\
; In order for Asterisk to process the [directories](!) stanza below,
[directories](!)
astetcdir => /etc/asterisk
astmoddir => /usr/lib/aarch64-linux-gnu/asterisk/modules
astspooldir = /srv/spool  ; moved
[options]
;runuser = nobody
runuser = asterisk
rungroup => voice
[files]
astspooldir => /not/this/one
"""


@pytest.fixture
def plan(tmp_path: Path) -> PbxPlan:
    """All of Asterisk's folders in one of ours."""
    names = ("etc", "moddir", "varlib", "data", "keys", "agi", "spool", "run", "log", "db")
    for name in names:
        (tmp_path / name).mkdir()
    directories = Directories(**{name: str(tmp_path / name) for name in names})
    settings = load(write_starter(tmp_path / "hotline", seats=2))
    pbx = settings.pbxs[0]
    return plan_of(settings, pbx, sip=sip_side(settings, pbx), directories=directories)


def read(tmp_path: Path, text: str) -> AsteriskConf:
    (tmp_path / "asterisk.conf").write_text(text)
    return AsteriskConf.read(tmp_path / "asterisk.conf", DEBIAN)


def test_folders_are_those_that_asterisk_has_already(tmp_path: Path) -> None:
    found = read(tmp_path, DELIVERED)
    assert found.directories == replace(
        DEBIAN, moddir="/usr/lib/aarch64-linux-gnu/asterisk/modules", spool="/srv/spool"
    )


def test_user_that_asterisk_runs_as_stays(tmp_path: Path) -> None:
    assert read(tmp_path, DELIVERED).run_as == RunAs("asterisk", "voice")
    assert read(tmp_path, "[options]\nverbose = 3\n").run_as == RunAs()


def test_first_file_that_was_there_is_kept_and_a_later_one_not(plan: PbxPlan) -> None:
    etc = Path(plan.directories.etc)
    (etc / "pjsip.conf").write_text("theirs")
    assert install(plan, {"pjsip.conf": "ours"}, etc) == [etc / "pjsip.conf"]
    assert install(plan, {"pjsip.conf": "ours, newer"}, etc) == [etc / "pjsip.conf"]
    assert (etc / "pjsip.conf").read_text() == "ours, newer"
    assert (etc / "pjsip.conf.before-hotline").read_text() == "theirs"


def test_nothing_is_changed_when_nothing_differs(plan: PbxPlan) -> None:
    etc = Path(plan.directories.etc)
    install(plan, {"pjsip.conf": "ours"}, etc)
    before = (etc / "pjsip.conf").stat().st_ino
    assert install(plan, {"pjsip.conf": "ours"}, etc) == []
    assert (etc / "pjsip.conf").stat().st_ino == before
    assert [path.name for path in etc.iterdir()] == ["pjsip.conf"]


def test_files_are_for_asterisks_group_and_nobody_else(plan: PbxPlan) -> None:
    etc = Path(plan.directories.etc)
    (etc / "manager.conf").write_text("theirs")
    (etc / "manager.conf").chmod(0o644)
    install(plan, {"manager.conf": "ours", "pjsip.conf": "ours"}, etc)
    for name in ("manager.conf", "pjsip.conf"):
        found = (etc / name).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o640, Path(plan.directories.spool).stat().st_gid), name
    assert stat.S_IMODE((etc / "manager.conf.before-hotline").stat().st_mode) & 0o007 == 0


def test_sounds_of_the_notice_and_the_folder_for_channel_events_are_there(plan: PbxPlan) -> None:
    install(plan, {}, Path(plan.directories.etc))
    assert list(Path(plan.notice).iterdir())
    assert (Path(plan.directories.log) / "cel-custom").is_dir()


def test_recordings_have_a_folder_of_asterisks_own_that_others_cannot_look_into(plan: PbxPlan) -> None:
    install(plan, {}, Path(plan.directories.etc))
    found, spool = Path(plan.recordings).stat(), Path(plan.directories.spool).stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o2770, spool.st_uid, spool.st_gid)
    assert not_recordable(plan) is None


def test_where_asterisk_cannot_record_is_found(plan: PbxPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.getuid() + 1
    monkeypatch.setattr(asterisk_folder, "_asterisks_user", lambda plan: (stranger, stranger))
    assert str(plan.recordings) in (not_recordable(plan) or "") or "cannot pass" in (not_recordable(plan) or "")
    assert not_recordable(replace(plan, records=False)) is None


def test_file_that_cannot_be_written_leaves_the_old_one_and_no_litter(plan: PbxPlan) -> None:
    etc = Path(plan.directories.etc)
    (etc / "pjsip.conf").mkdir()
    with pytest.raises(OSError, match="pjsip"):
        install(plan, {"pjsip.conf": "ours"}, etc)
    assert [path.name for path in etc.iterdir()] == ["pjsip.conf"]


def test_what_asterisks_user_cannot_reach_on_the_way_to_the_snapshot_is_found(
    plan: PbxPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(plan.snapshot).parent
    script = tmp_path / "fallback"
    script.touch(mode=0o755)
    plan = replace(plan, fallback_script=str(script))
    for place in (tmp_path, *tmp_path.parents):
        if place.is_relative_to(tempfile.gettempdir()) and place != Path(tempfile.gettempdir()):
            place.chmod(0o755)

    def hidden_from(uid: int, gid: int) -> list[Path]:
        monkeypatch.setattr(asterisk_folder, "_asterisks_user", lambda plan: (uid, gid))
        return hidden_from_asterisk(plan)

    stranger, group = os.getuid() + 1, os.getgid()
    assert hidden_from(0, 0) == [], "root reads everything"
    assert hidden_from(os.getuid(), group) == []
    assert hidden_from(stranger, group) == [data]
    data.chmod(0o710)
    assert hidden_from(stranger, group) == []
    assert hidden_from(stranger, group + 1) == [data]
    script.chmod(0o700)
    assert hidden_from(stranger, group) == [script]
    script.unlink()
    assert hidden_from(stranger, group) == [script]
