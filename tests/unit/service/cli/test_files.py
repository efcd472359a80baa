"""Files of commands: read whole, from standard input for `-`, and written so that only those may read who should."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from service.cli.files import read_file, write_file
from service.cli.output import CommandError


def test_a_file_is_read_whole_and_a_dash_is_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\r\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfid\n")))
    assert (read_file(tmp_path / "a.csv"), read_file(Path("-"))) == (b"id\r\n", b"\xef\xbb\xbfid\n")


def test_what_is_written_stands_in_the_file_alone_and_in_the_mode_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    write_file(file, b"longer before", 0o600)
    write_file(file, b"short")
    assert (file.read_bytes(), os.stat(file).st_mode & 0o777) == (b"short", 0o600)


def test_without_a_file_it_goes_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_file(None, "坐席".encode())
    assert capfdbinary.readouterr().out == "坐席".encode()


def test_what_cannot_be_read_or_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"none\.csv cannot be read: No such file"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        write_file(tmp_path, b"x")
