"""Which Asterisk is taken, and that a root is built once, whole or not at all. debootstrap is a small script here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import apt, root
from sandbox.root import RootError

TRIPLET = root._triplet()
# Makes what `root` looks for: a "loader" that says the version, the program, modules, prompts.
DEBOOTSTRAP = f"""#!/bin/sh
for last; do target=$before; before=$last; done
echo "I: Retrieving Packages"
echo "$@" >> "$CALLS"
[ -n "$BROKEN" ] && {{ mkdir -p "$target/half"; echo "E: no such suite"; exit 1; }}
lib=$target/usr/lib/{TRIPLET}
mkdir -p "$lib/asterisk/modules" "$target/usr/sbin" "$target/usr/share/asterisk/sounds/en_X" "$target/etc/alternatives"
printf '#!/bin/sh\\necho Asterisk %s\\n' "$VERSION" > "$lib/ld-linux-x86-64.so.2"
chmod +x "$lib/ld-linux-x86-64.so.2"
touch "$target/usr/sbin/asterisk"
ln -s /usr/share/asterisk/sounds/en_X "$target/etc/alternatives/prompt"
ln -s /etc/alternatives/prompt "$target/usr/share/asterisk/sounds/en"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Asterisk, with a debootstrap and a mirror, and an empty cache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "debootstrap").write_text(DEBOOTSTRAP)
    (programs / "debootstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{_path_without_asterisk()}")
    monkeypatch.setenv("HOTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("VERSION", "22.10.1+dfsg")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    source = apt.Source("http://mirror.example/debian", "bookworm", ("main",))
    monkeypatch.setattr(apt, "sources", lambda: [source])
    return tmp_path


def _path_without_asterisk() -> str:
    return ":".join(p for p in os.environ["PATH"].split(":") if not Path(p, "asterisk").exists())


@pytest.mark.parametrize(
    ("series", "version", "fit"),
    [
        (22, "22.10.1+dfsg", True),
        (22, "22.11.0", True),
        (22, "22.9.0", False),
        (22, "20.20.0", False),
        (22, "23.1.0", False),
        (16, "16.28.0~dfsg-0+deb11u4", True),
        (16, "16.16.1", False),
        (16, "18.10.0", False),
    ],
)
def test_version_is_fit_or_not(series: int, version: str, fit: bool) -> None:
    assert root.SERIES[series].fit(root.version_tuple(version)) is fit


def test_version_of_a_program_that_says_nothing_is_fit_for_nothing() -> None:
    assert not any(kind.fit(root.version_tuple("")) for kind in root.SERIES.values())


def test_root_is_built_once_with_the_machines_mirror_and_then_reused(machine: Path) -> None:
    told: list[str] = []
    first = root.find(22, tell=told.append)
    again = root.find(22, tell=told.append)
    assert first == again
    assert first.version == "22.10.1+dfsg"
    calls = (machine / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].endswith("http://mirror.example/debian")
    assert "sid" in calls[0].split()
    assert "ready" in told[-1]


def test_prompts_lead_into_the_root_and_not_to_the_host(machine: Path) -> None:
    found = root.find(22, tell=lambda _: None)
    assert (found.data / "sounds/en").readlink() == Path("en_X")


def test_failed_build_says_why_and_leaves_nothing_behind(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(RootError, match="no such suite"):
        root.find(22, tell=lambda _: None)
    assert [path.name for path in (machine / "cache").iterdir() if path.is_dir()] == []


def test_what_an_interrupted_build_left_is_removed(machine: Path) -> None:
    left = machine / "cache/asterisk-22.building-1"
    left.mkdir(parents=True)
    root.find(22, tell=lambda _: None)
    assert not left.exists()


def test_build_of_a_wrong_version_is_refused(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERSION", "22.9.0")
    with pytest.raises(RootError, match="not fit"):
        root.find(22, tell=lambda _: None)


def test_processes_that_need_it_at_once_build_it_once(machine: Path) -> None:
    code = (
        "import os; from sandbox import apt, root; os.geteuid = lambda: 0\n"
        "apt.sources = lambda: [apt.Source('http://mirror.example/debian', 'bookworm', ('main',))]\n"
        "print(root.find(22).version)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(3)
    ]
    assert [process.communicate()[0].strip() for process in running] == ["22.10.1+dfsg"] * 3
    assert len((machine / "calls").read_text().splitlines()) == 1


def test_without_root_one_line_says_what_to_type(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RootError, match=r"needs root\. Type: sudo"):
        root.find(22, tell=lambda _: None)


def test_without_a_debian_mirror_it_fails_clearly(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "sources", list)
    with pytest.raises(RootError, match="no Debian mirror"):
        root.find(22, tell=lambda _: None)


def test_security_archive_that_cannot_be_used_is_told_and_main_stays(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSION", "16.28.0~dfsg")
    told: list[str] = []
    assert root.find(16, tell=told.append).version == "16.28.0~dfsg"
    assert any("Asterisk stays as bullseye main has it" in line for line in told)


@pytest.mark.parametrize("asked", ["18", "latest", "-1"])
def test_series_that_we_do_not_run_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTERISK", asked)
    with pytest.raises(RootError, match="16, 22"):
        root.wanted_series()
