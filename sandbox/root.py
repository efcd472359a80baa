"""Finds the Asterisk that the sandbox runs: `asterisk` on PATH when its version is fit, else a Debian root built once.

The root is a folder made by debootstrap under the cache (`~/.cache/hotline/asterisk-22`, or under `HOTLINE_CACHE`).
Asterisk runs from it without chroot, by the root's own dynamic loader, so that AGI scripts, configuration and logs
are the host's (docs/decisions/0008). A root appears by one rename: it is there whole or not at all. A lock lets
several processes that need it at once build it once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox import apt

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Series:
    """An Asterisk series we run, and the Debian suite that has it."""

    number: int
    suite: str
    fit: Callable[[tuple[int, ...]], bool]
    security: str | None = None  # suite of the security archive that upgrades `suite`


SERIES: Final[Mapping[int, Series]] = {
    22: Series(22, "sid", lambda v: v[0] == 22 and v >= (22, 10)),
    16: Series(16, "bullseye", lambda v: v[0] == 16 and v >= (16, 28), security="bullseye-security"),
}


class RootError(Exception):
    """No fit Asterisk here, and none could be built. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Asterisk:
    """A program to run. `command` starts it (options follow); `modules` and `data` are its own folders."""

    command: tuple[str, ...]
    version: str
    modules: Path
    data: Path


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress for people, not a log


def cache_folder() -> Path:
    """Where roots are kept: `HOTLINE_CACHE`, else `hotline` under the user's cache folder."""
    if named := os.environ.get("HOTLINE_CACHE"):
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "hotline"


def wanted_series() -> int:
    """The series asked for by `ASTERISK` (22 unless told otherwise).

    Raises:
        RootError: `ASTERISK` names a series that we do not run.
    """
    named = os.environ.get("ASTERISK") or "22"
    if not named.isdecimal() or int(named) not in SERIES:
        raise RootError(f"ASTERISK={named}: choose one of {', '.join(map(str, sorted(SERIES)))}")
    return int(named)


def find(series: int | None = None, *, tell: Say = say) -> Asterisk:
    """The Asterisk to run: from PATH, from the cache, or built now (about a minute, needs root).

    Raises:
        RootError: there is none and it cannot be built.
    """
    kind = SERIES[series or wanted_series()]
    if (installed := _on_path(kind)) is not None:
        return installed
    root = cache_folder() / f"asterisk-{kind.number}"
    if not root.is_dir():
        _build_once(kind, root, tell)
    found = _in_root(root)
    if not kind.fit(version_tuple(found.version)):
        raise RootError(f"Asterisk {found.version} in {root} is not fit. Type: rm -rf {root}  and start again")
    return found


def version_tuple(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version: `22.10.1+dfsg` is (22, 10, 1). (0,) when there are none."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else (0,)


def _version(command: tuple[str, ...]) -> str:
    """What `asterisk -V` says, without the name; "" when it does not run."""
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip().removeprefix("Asterisk ")


def _on_path(kind: Series) -> Asterisk | None:
    program = shutil.which("asterisk")
    if program is None:
        return None
    version = _version((program,))
    folders = [p for p in (Path("/usr/lib") / _triplet(), Path("/usr/lib64"), Path("/usr/lib")) if p.is_dir()]
    modules = [p / "asterisk/modules" for p in folders if (p / "asterisk/modules").is_dir()]
    data = [p for p in (Path("/usr/share/asterisk"), Path("/var/lib/asterisk")) if p.is_dir()]
    if not (kind.fit(version_tuple(version)) and modules and data):
        return None
    return Asterisk((program,), version, modules[0], data[0])


def _triplet() -> str:
    return str(sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu")


def _in_root(root: Path) -> Asterisk:
    libraries = [root / "usr/lib" / _triplet(), root / "lib" / _triplet(), root / "usr/lib"]
    # not lib64/: in older suites that is a link to an absolute path, the host's loader or none
    loaders = [p for folder in libraries for p in folder.glob("ld-linux-*.so.*") if p.exists()]
    program = root / "usr/sbin/asterisk"
    if not loaders or not program.exists():
        raise RootError(f"{root} holds no Asterisk. Type: rm -rf {root}  and start again")
    path = ":".join(map(str, libraries))
    command = (str(loaders[0]), "--library-path", path, str(program))
    modules = [p for folder in libraries if (p := folder / "asterisk/modules").is_dir()]
    if not modules:
        raise RootError(f"{root} holds no modules. Type: rm -rf {root}  and start again")
    return Asterisk(command, _version(command), modules[0], root / "usr/share/asterisk")


def _build_once(kind: Series, root: Path, tell: Say) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root.with_suffix(".lock"), lambda: tell(f"another process builds Asterisk {kind.number}: waiting")):
        if not root.is_dir():
            _build(kind, root, tell)


@contextlib.contextmanager
def _locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build(kind: Series, root: Path, tell: Say) -> None:
    """Makes `root`. What an interrupted build left is removed first; our own is removed when it fails."""
    found = apt.sources()
    mirror = apt.mirror(found)
    _check_possible(kind, mirror)
    for left in root.parent.glob(f"{root.name}.building-*"):
        _remove(left)
    target = root.with_name(f"{root.name}.building-{os.getpid()}")
    log = root.with_suffix(".log")
    began = time.monotonic()
    tell(f"building Asterisk {kind.number} once from Debian {kind.suite}: about a minute, 500 MB, log in {log}")
    try:
        include = "--include=asterisk,asterisk-modules"
        _run(["debootstrap", "--variant=minbase", include, kind.suite, str(target), str(mirror)], log, tell)
        if kind.security is not None:
            _upgrade(kind, target, str(mirror), apt.security_mirror(found), log, tell)
        shutil.rmtree(target / "var/cache/apt/archives", ignore_errors=True)
        _settle_prompts(target)
        target.rename(root)
    except BaseException:
        _remove(target)
        raise
    tell(f"Asterisk {_in_root(root).version} is ready in {root} after {time.monotonic() - began:.0f} s")


def _check_possible(kind: Series, mirror: str | None) -> None:
    what = f"Asterisk {kind.number} is not on PATH and has to be built"
    if os.geteuid() != 0:
        raise RootError(f"{what}, which needs root. Type: sudo -E {' '.join(sys.argv)}")
    if shutil.which("debootstrap") is None:
        raise RootError(f"{what}, which needs debootstrap. Type: apt-get install debootstrap")
    if mirror is None:
        raise RootError(f"{what}, but the apt sources of this machine name no Debian mirror. Add one to {apt.ETC_APT}")


_PHASES: Final = {"Retrieving Packages": "reading the package list", "Extracting": "unpacking"} | {
    "Installing core": "installing the base", "Configuring asterisk": "configuring Asterisk"
}  # fmt: skip


def _run(command: list[str], log: Path, tell: Say, *, env: Mapping[str, str] | None = None) -> None:
    """Runs a step of the build, its words to the log, a line for each new phase to the user."""
    waiting = dict(_PHASES)
    last = ""
    with log.open("a") as written:
        written.write(f"$ {' '.join(command)}\n")
        both = subprocess.STDOUT
        environment = {**os.environ, **_apt_proxy(), "LC_ALL": "C", **(env or {})}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=both, text=True, env=environment) as step:
            assert step.stdout is not None
            for line in step.stdout:
                written.write(line)
                last = line.strip() or last
                for sign in [sign for sign in waiting if sign in line]:
                    tell(f"  {waiting.pop(sign)}")
        if step.returncode != 0:
            raise RootError(f"{command[0]} failed: {last or f'exit code {step.returncode}'} (all of it in {log})")


def _apt_proxy() -> dict[str, str]:
    """apt's own proxy for debootstrap's downloads, when the environment names none."""
    if shutil.which("apt-config") is None or {"http_proxy", "HTTP_PROXY"} & os.environ.keys():
        return {}
    asked = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"], capture_output=True, text=True, check=False
    )
    value = asked.stdout.strip().removeprefix("proxy=").strip("'\"")
    return {"http_proxy": value} if value and value != "DIRECT" else {}


def _upgrade(kind: Series, target: Path, mirror: str, security: str | None, log: Path, tell: Say) -> None:
    """Takes Asterisk from the security archive. When that cannot be reached, main's version stays and we say so."""
    if security is None:
        tell(f"  the apt sources name no security archive: Asterisk stays as {kind.suite} main has it")
        return
    tell(f"  taking {kind.security}")
    lines = [f"deb {mirror} {kind.suite} main", f"deb {security} {kind.security} main"]
    (target / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    (target / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")  # no daemon starts from an upgrade
    (target / "usr/sbin/policy-rc.d").chmod(0o755)
    get = ["chroot", str(target), "apt-get", "-y", "-o", "Acquire::Check-Valid-Until=false"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        _run([*get, "update"], log, tell, env=quiet)
        _run([*get, "upgrade"], log, tell, env=quiet)
    except RootError as failure:
        tell(f"  {kind.security} cannot be used, Asterisk stays as {kind.suite} main has it: {failure}")


def _settle_prompts(target: Path) -> None:
    """Debian links a language's prompts through absolute paths, which from outside lead to the host: makes them ours."""
    for link in (target / "usr/share/asterisk/sounds").iterdir():
        if link.is_symlink() and str(link.readlink()).startswith("/etc/alternatives/"):
            chosen = target / str((target / str(link.readlink()).lstrip("/")).readlink()).lstrip("/")
            link.unlink()
            link.symlink_to(chosen.name)


def _remove(target: Path) -> None:
    """Removes a half-made root, after what debootstrap may have left mounted in it."""
    for inner in ("proc", "sys", "dev/pts", "dev/shm"):
        if os.path.ismount(target / inner):
            subprocess.run(["umount", "-l", str(target / inner)], check=False)
    shutil.rmtree(target, ignore_errors=True)
