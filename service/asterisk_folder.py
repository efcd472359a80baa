"""Asterisk's own configuration folder: what is in it already, and putting ours there.

An `asterisk.conf` that is there says where this Asterisk keeps its things and whom it runs as; both stay as they are,
whatever the distribution. Ours are written so that Asterisk can read them and nobody else: some hold secrets.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from config.plan import NOBODY_NAMED, Directories, PbxPlan, RunAs
from config.render import sounds
from service import recording_files

BEFORE: Final = ".before-hotline"
_KEYS: Final = {
    "etc": "astetcdir",
    "moddir": "astmoddir",
    "varlib": "astvarlibdir",
    "data": "astdatadir",
    "keys": "astkeydir",
    "agi": "astagidir",
    "spool": "astspooldir",
    "run": "astrundir",
    "log": "astlogdir",
    "db": "astdbdir",
}
_SECTION: Final = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class AsteriskConf:
    """What an `asterisk.conf` says that must not change."""

    directories: Directories
    run_as: RunAs = NOBODY_NAMED

    @classmethod
    def read(cls, file: Path, otherwise: Directories) -> AsteriskConf:
        """A folder that the file does not name is that of `otherwise`. Raises OSError.

        Distributions deliver `[directories](!)`, a template without effect that shows the compiled-in folders: it is
        taken at its word.
        """
        pairs = _pairs(file.read_text(encoding="utf-8", errors="replace"))
        known = asdict(otherwise)
        named = {name: pairs.get(("directories", key), known[name]) for name, key in _KEYS.items()}
        run_as = RunAs(pairs.get(("options", "runuser"), ""), pairs.get(("options", "rungroup"), ""))
        return cls(replace(otherwise, **named), run_as)


def _pairs(text: str) -> dict[tuple[str, str], str]:
    """(section, key) -> value of a file in Asterisk's grammar."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        if match := _SECTION.match(line):
            section = match[1].strip().lower()
        elif "=" in line:
            key, _, value = line.partition("=")
            found[section, key.strip().lower()] = value.removeprefix(">").strip()
    return found


def text_of(path: Path) -> str:
    """A file as it is now; "" when there is none. Raises OSError."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def install(plan: PbxPlan, files: Mapping[str, str], folder: Path) -> list[Path]:
    """Puts the files into Asterisk's folder, and what they name beside it: the sounds, the folders for CEL and recordings.

    A file that differs is kept as NAME.before-hotline the first time, so that the state before us stays.

    Returns:
        The files that were changed. Raises OSError.
    """
    group = _group(plan, folder)
    changed = [folder / name for name, text in files.items() if text_of(folder / name) != text]
    for path in changed:
        _keep(path)
        _replace(path, files[path.name].encode(), 0o640, group)
    for path, sound in sounds(plan).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, sound, 0o644, group)
    _make_cel_folder(plan)
    _make_recordings_folder(plan)
    return changed


def _group(plan: PbxPlan, folder: Path) -> int:
    user = _asterisks_user(plan)
    return folder.stat().st_gid if user is None else user[1]


def _asterisks_user(plan: PbxPlan) -> tuple[int, int] | None:
    return spool_owner(plan.directories)


def spool_owner(directories: Directories) -> tuple[int, int] | None:
    """Whom Asterisk runs as: who owns its spool, which it must be able to write. None when there is no spool here."""
    try:
        found = Path(directories.spool).stat()
    except OSError:
        return None
    return found.st_uid, found.st_gid


def _make_cel_folder(plan: PbxPlan) -> None:
    """Asterisk writes there and does not make it."""
    log = Path(plan.directories.log)
    made = log / "cel-custom"
    if not made.is_dir():
        made.mkdir(parents=True)
        owner = log.stat()
        shutil.chown(made, owner.st_uid, owner.st_gid)


def _make_recordings_folder(plan: PbxPlan) -> None:
    """Asterisk's own and its group's, to which the service's user belongs; what is made in it stays in that group."""
    user = _asterisks_user(plan)
    if not plan.records or user is None:
        return
    made = Path(plan.recordings)
    made.mkdir(parents=True, exist_ok=True)
    shutil.chown(made, *user)
    made.chmod(recording_files.GROUP_WRITES)


def not_recordable(plan: PbxPlan) -> str | None:
    """Why Asterisk cannot record, in one sentence, or None."""
    user = _asterisks_user(plan)
    if not plan.records or user is None:
        return None
    hidden = None if user[0] == 0 else _first_hidden(Path(plan.recordings), *user)
    if hidden is not None:
        return f"Asterisk's user cannot pass {hidden}"
    return recording_files.trouble(Path(plan.recordings), user=user)


def _keep(path: Path) -> None:
    before = path.with_name(path.name + BEFORE)
    if path.exists() and not before.exists():
        shutil.copy2(path, before)
        owner = path.stat()
        os.chmod(before, stat.S_IMODE(owner.st_mode) & 0o660)
        shutil.chown(before, owner.st_uid, owner.st_gid)


def _replace(path: Path, content: bytes, mode: int, group: int) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        shutil.chown(fresh, group=group)
        fresh.chmod(mode)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def hidden_from_asterisk(plan: PbxPlan) -> list[Path]:
    """What the dialplan needs of us and Asterisk's user may not read or pass: its fallback would find no seats."""
    user = _asterisks_user(plan)
    if user is None or user[0] == 0:
        return []
    needed = (plan.fallback_script, str(Path(plan.snapshot).parent))
    hidden = [_first_hidden(Path(path), *user) for path in needed]
    return list(dict.fromkeys(place for place in hidden if place is not None))


def _first_hidden(needed: Path, uid: int, gid: int) -> Path | None:
    for place in [*reversed(needed.parents), needed]:
        try:
            found = place.stat()
        except OSError:
            return place
        shift = 6 if uid == found.st_uid else 3 if gid == found.st_gid else 0
        wanted = 0o1 if place.is_dir() else 0o5
        if (stat.S_IMODE(found.st_mode) >> shift) & wanted != wanted:
            return place
    return None
