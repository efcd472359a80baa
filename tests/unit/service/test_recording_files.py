"""The files of recordings: found by the call's id, whole by their own header, and nothing else is ever touched."""

from __future__ import annotations

import hashlib
import os
import struct
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service import recording_files as files

ZONE = ZoneInfo("Asia/Shanghai")
CALL = "1795302613422-1795302613.7"  # 2026-11-22 07:10:13 in Shanghai
DAY = "2026-11-22"


def wav(seconds: float, told: int | None = None) -> bytes:
    """As Asterisk writes it; `told`: the length in the header, as written when it closes the file."""
    sound = bytes(int(seconds * files.BYTES_A_SECOND))
    size = len(sound) if told is None else told
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return head + b"data" + struct.pack("<I", size) + sound


def put(folder: Path, content: bytes, day: str = DAY, call: str = CALL) -> Path:
    path = folder / day / f"{call}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_whole_file_is_found_by_the_calls_id(tmp_path: Path) -> None:
    path = put(tmp_path, wav(2.5))
    found = files.find(tmp_path, CALL, ZONE)
    assert found == files.Found(f"{DAY}/{CALL}.wav", path.stat().st_size, closed=True)
    assert (found.seconds, found.empty) == (2.5, False)
    assert files.digest(tmp_path, found.file) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-23"])
def test_asterisk_may_count_its_days_otherwise(tmp_path: Path, day: str) -> None:
    put(tmp_path, wav(1), day)
    found = files.find(tmp_path, CALL, ZONE)
    assert found is not None
    assert found.file.startswith(day)


@pytest.mark.parametrize("content", [b"", b"RIFF", wav(0, 0), wav(3, 0), wav(3, 16_000)])
def test_a_file_that_asterisk_has_not_closed_is_not_whole(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, content)
    found = files.find(tmp_path, CALL, ZONE)
    assert found is not None
    assert not found.closed


@pytest.mark.parametrize("call", ["../../etc/passwd", "1795302613422-../x", "17953026-1.1", "", "1795302613422-a/b"])
def test_an_id_that_is_none_finds_nothing(tmp_path: Path, call: str) -> None:
    assert files.find(tmp_path, call, ZONE) is None


@pytest.mark.parametrize("folder", ["gone", "a file"])
def test_a_folder_that_is_none_has_no_file_and_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_text("")
    assert files.find(tmp_path / folder, CALL, ZONE) is None
    assert str(tmp_path / folder) in (files.trouble(tmp_path / folder) or "")


@pytest.mark.parametrize(
    "name", ["../secrets/number.key", "2026-11-22/../../x.wav", "x.wav", "2026-13-01/1.wav", "/etc/passwd"]
)
def test_a_name_that_leads_elsewhere_is_no_file_of_ours(tmp_path: Path, name: str) -> None:
    assert files.inside(tmp_path, name) is None


def test_a_name_of_ours_is_inside(tmp_path: Path) -> None:
    assert files.inside(tmp_path, f"{DAY}/{CALL}.wav") == tmp_path / DAY / f"{CALL}.wav"


def test_old_are_only_recordings_of_days_before(tmp_path: Path) -> None:
    put(tmp_path, b"x", "2026-01-01")
    put(tmp_path, b"x", "2026-01-02")
    put(tmp_path, b"x", "2026-01-03")
    (tmp_path / "2026-01-01" / "notes.txt").write_text("of somebody else")
    (tmp_path / "archive").mkdir()
    assert [name for _, name in files.old(tmp_path, date(2026, 1, 3))] == [
        f"2026-01-01/{CALL}.wav",
        f"2026-01-02/{CALL}.wav",
    ]


def test_only_empty_days_go(tmp_path: Path) -> None:
    put(tmp_path, b"x", "2026-01-01")
    (tmp_path / "2026-01-02").mkdir()
    (tmp_path / "2026-01-09").mkdir()
    files.forget_empty_days(tmp_path, date(2026, 1, 5))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-01-01", "2026-01-09"]


@pytest.mark.parametrize(
    ("mode", "user", "told"),
    [
        (0o2770, (4711, 4711), False),  # others
        (0o2770, (4711, os.getgid()), True),  # its group
        (0o2750, (4711, os.getgid()), False),
        (0o777, (4711, 4711), True),
        (0o700, (0, 0), True),  # root may everything
    ],
)
def test_whether_asterisks_user_may_write_there(tmp_path: Path, mode: int, user: tuple[int, int], told: bool) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    folder.chmod(mode)
    problem = files.trouble(folder, user=user)
    assert (problem is None) is told, problem


def test_too_little_space_is_told_with_what_is_left(tmp_path: Path) -> None:
    free = files.free_bytes(tmp_path)
    assert free is not None
    assert files.trouble(tmp_path, free // files.MB - 1000) is None
    assert "MB of space left" in (files.trouble(tmp_path, free // files.MB + 1000) or "")
    assert files.free_bytes(tmp_path / "not" / "there") is not None


def test_days_are_made_ahead_only_in_a_folder_of_another_user(tmp_path: Path) -> None:
    files.make_days(tmp_path, date(2026, 11, 30))
    assert list(tmp_path.iterdir()) == []
