"""The fallback script and its snapshot: it names seats or says why not, and never fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from telephony.agi.fallback import MAX_VALUE, choose, joined, quoted, serve
from telephony.agi.snapshot import MAX_AGE_S, Snapshot, SnapshotError, read_snapshot, write_snapshot

NOW = 1795302613.0
ENVIRONMENT = "agi_request: fallback\nagi_callerid: 13800000000\n\n"
OK = "200 result=1\n"


class Replies:
    """Stands where pyst2's `AGI` stands; keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def execute(self, command: str, *args: str) -> object:
        self.told.append((command, *args))
        return {}


def run(path: Path, number: str, stdin: str) -> tuple[int, str, str]:
    """The program as Asterisk starts it."""
    code = "import sys; from telephony.agi.fallback import main; sys.exit(main())"
    argv = [sys.executable, "-c", code, str(path), number]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "snapshot.json"


def test_snapshot_read_is_the_snapshot_written(path: Path) -> None:
    snapshot = Snapshot(NOW, {"12345": ("1003", "1001"), "12333": ()})
    write_snapshot(str(path), snapshot)
    assert read_snapshot(str(path), NOW + 1) == snapshot
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_snapshot_that_cannot_be_written_leaves_the_old_one(path: Path) -> None:
    write_snapshot(str(path), Snapshot(NOW, {"12345": ("1001",)}))
    with pytest.raises(OSError, match="No such file"):
        write_snapshot(str(path.parent / "nowhere" / "snapshot.json"), Snapshot(NOW, {}))
    assert read_snapshot(str(path), NOW).lines == {"12345": ("1001",)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "missing"),
        ("", "corrupt"),
        ("{", "corrupt"),
        ("[]", "corrupt"),
        ("7", "corrupt"),
        ("[" * 100_000, "corrupt"),
        ('{"version": 2, "made_at": 1795302613, "lines": {}}', "corrupt"),
        ('{"version": 1, "made_at": "soon", "lines": {}}', "corrupt"),
        ('{"version": 1, "made_at": 1795302613, "lines": []}', "corrupt"),
        ('{"version": 1, "made_at": 1795302613, "lines": {"12345": "1001"}}', "corrupt"),
        ('{"version": 1, "made_at": 1795302613, "lines": {"12345": [1001]}}', "corrupt"),
        (json.dumps({"version": 1, "made_at": NOW - MAX_AGE_S - 1, "lines": {"12345": ["1001"]}}), "old"),
    ],
)
def test_unusable_snapshot_gives_no_seats_and_says_why(path: Path, text: str | None, reason: str) -> None:
    if text is not None:
        path.write_text(text)
    assert choose(str(path), "12345", NOW) == ("", reason)


def test_snapshot_of_a_clock_that_was_set_back_is_not_old(path: Path) -> None:
    write_snapshot(str(path), Snapshot(NOW + 3600, {"12345": ("1001",)}))
    assert read_snapshot(str(path), NOW).made_at == NOW + 3600


def test_error_names_no_path(path: Path) -> None:
    with pytest.raises(SnapshotError) as caught:
        read_snapshot(str(path), NOW)
    assert str(path) not in str(caught.value)


def test_seats_come_in_the_order_of_choice(path: Path) -> None:
    write_snapshot(str(path), Snapshot(NOW, {"12345": ("1003", "1001"), "12333": ()}))
    assert choose(str(path), "12345", NOW) == ("1003&1001", "ok")
    assert choose(str(path), "12333", NOW) == ("", "empty")
    assert choose(str(path), "99999", NOW) == ("", "unknown_line")


def test_seat_ids_that_the_dialplan_could_misread_are_left_out() -> None:
    assert joined(["1001", "1,2", "a&b", "${X}", 'q"', "", "desk-2_b"]) == "1001&desk-2_b"


def test_only_as_many_seats_as_one_command_holds() -> None:
    text = joined([f"{number:04d}" for number in range(5000)])
    assert len(text) <= MAX_VALUE
    assert text.startswith("0000&0001&")
    assert text.count("&") > 200


def test_value_cannot_end_its_quotes_or_its_line() -> None:
    assert quoted('a"b\\c\r\nHANGUP') == '"abcHANGUP"'


def test_reason_is_told_before_the_seats(path: Path) -> None:
    write_snapshot(str(path), Snapshot(NOW, {"12345": ("1001",)}))
    session = Replies()
    serve(session, str(path), "12345", NOW)
    assert session.told == [
        ("SET VARIABLE", "HOTLINE_FALLBACK_REASON", '"ok"'),
        ("SET VARIABLE", "HOTLINE_FALLBACK_SEATS", '"1001"'),
    ]


def test_program_speaks_agi_on_its_own_and_writes_no_header_anywhere(path: Path) -> None:
    write_snapshot(str(path), Snapshot(4_000_000_000, {"12345": ("1003", "1001")}))
    code, out, err = run(path, "12345", ENVIRONMENT + OK * 2)
    assert code == 0
    assert out == 'SET VARIABLE HOTLINE_FALLBACK_REASON "ok"\nSET VARIABLE HOTLINE_FALLBACK_SEATS "1003&1001"\n'
    assert "13800000000" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "stdin",
    [
        "",
        "agi_request: x\n",
        ENVIRONMENT,
        ENVIRONMENT + "HANGUP\n",
        ENVIRONMENT + "511 dead\n",
        ENVIRONMENT + "200 result=-1\n",
    ],
    ids=["nothing", "half an environment", "no reply", "hangup", "dead channel", "minus one"],
)
def test_caller_who_hangs_up_is_no_failure_of_the_program(path: Path, stdin: str) -> None:
    code, _, err = run(path, "12345", stdin)
    assert code == 0
    assert "Traceback" not in err


def test_program_without_arguments_still_ends_well() -> None:
    code = "import sys; from telephony.agi.fallback import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=ENVIRONMENT + OK * 2,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, "missing" in done.stdout) == (0, True)
