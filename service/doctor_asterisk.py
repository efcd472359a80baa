"""Asterisk as `hotline doctor` finds it: by a manager connection of its own, and by the files it reads.

A connection of its own, for the service may be what is broken. Only questions are asked, with the rights the service has.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from config.plan import PlanError
from config.render import render
from service import clock
from service.asterisk_folder import AsteriskConf, text_of
from service.doctor import CONNECT_S, Finding, State
from service.pbx import DEBIAN, plan_of, sip_side
from service.settings import Settings
from telephony.ami.codec import AmiFieldError, AmiFramingError, Message, MessageReader, encode
from telephony.ami.versions import unfit

CONF: Final = "asterisk.conf"
CLOCKS_S: Final = 0.5  # a call whose clocks differ by more is flagged
ANSWER_S: Final = 5.0
READ_BYTES: Final = 65536
QUESTIONS: Final = ("CoreShowChannels", "DeviceStateList")  # what the service must be allowed
AWAY: Final = ("UNAVAILABLE", "INVALID")
NAMED: Final = 5
ROUNDED_S: Final = 1.0  # Asterisk tells whole seconds
_ASK_INSTALL: Final = "hotline asterisk install, then asterisk -rx 'core restart gracefully'"


class AmiRefused(Exception):
    """Asterisk said no; its own words."""


class Manager:
    """One connection, one question at a time. Blocking. Raises OSError, AmiFramingError, AmiRefused, AmiFieldError."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, CONNECT_S)
        self._socket.settimeout(ANSWER_S)
        self._reader = MessageReader(frozenset())
        self._found: list[Message] = []
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, action: str, **more: str) -> Message:
        """The response."""
        return self._ask(action, more)[0]

    def items(self, action: str) -> list[Message]:
        """The events of a list."""
        response, action_id = self._ask(action, {})
        if response.first("EventList") is None:
            return []
        found = []
        while (message := self._next(action_id)).name != f"{action}Complete":
            if message.first("EventList") == "Complete":
                break
            found.append(message)
        return found

    def _ask(self, action: str, more: Mapping[str, str]) -> tuple[Message, str]:
        self._asked += 1
        action_id = f"doctor-{self._asked}"
        self._socket.sendall(encode([("Action", action), ("ActionID", action_id), *more.items()]))
        response = self._next(action_id)
        if response.name not in ("Success", "Goodbye"):
            raise AmiRefused(response.first("Message") or "no reason given")
        return response, action_id

    def _next(self, action_id: str) -> Message:
        while True:
            while self._found:
                message = self._found.pop(0)
                if message.first("ActionID") == action_id:
                    return message
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise ConnectionResetError(0, "it ended the connection")
            self._found += self._reader.feed(data)


def asterisk(settings: Settings, folder: Path | None) -> Iterator[Finding]:
    """`folder`: of its configuration; None: it is not looked at."""
    pbx = settings.pbxs[0]
    host, port = pbx.ami_address
    version, loaded = "", None
    try:
        with Manager((host, port)) as manager:
            manager.ask("Login", Username=pbx.user, Secret=settings.ami_secret(pbx), Events="off")
            version = manager.ask("CoreSettings").one("AsteriskVersion")
            yield from _version(version, allowed=pbx.allow_known_deadlock)
            loaded = _loaded(manager.ask("CoreStatus"))
            yield from _clocks(float(manager.ask("Ping").one("Timestamp")))
            refused = _refused(manager)
            yield refused or Finding("AMI", State.OK, "login and rights are as the service needs them")
            if refused is None:
                yield from _devices(settings, manager)
    except AmiRefused as error:
        yield Finding("AMI", State.FAIL, f"{host}:{port} refuses {pbx.user}: {error}", _ASK_INSTALL)
    except (OSError, AmiFramingError, AmiFieldError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or "no answer"
        yield Finding("AMI", State.FAIL, f"no Asterisk at {host}:{port} ({why.lower()})", "systemctl status asterisk")
    if folder is not None:
        yield from _files(settings, folder, version, loaded)


def _loaded(status: Message) -> float:
    """When Asterisk read its files last; it says so by the clock of this machine."""
    day, time = status.one("CoreReloadDate"), status.one("CoreReloadTime")
    return datetime.strptime(f"{day} {time}", "%Y-%m-%d %H:%M:%S").timestamp()  # noqa: DTZ007


def _version(version: str, *, allowed: bool) -> Iterator[Finding]:
    problem = unfit(version, allow_known_deadlock=allowed)
    if problem is None:
        yield Finding("Asterisk", State.OK, f"version {version}")
    else:
        yield Finding("Asterisk", State.FAIL, problem, "apt-get install asterisk")


def _clocks(theirs: float) -> Iterator[Finding]:
    apart = abs(clock.wall() - theirs)
    if apart > CLOCKS_S:
        yield Finding("clocks", State.WARN, f"Asterisk's and ours are {apart:.1f} s apart", "timedatectl")
    else:
        yield Finding("clocks", State.OK, "Asterisk's and ours agree")


def _refused(manager: Manager) -> Finding | None:
    """What the manager user is not allowed and needs."""
    for question in QUESTIONS:
        try:
            manager.items(question)
        except AmiRefused as error:
            what = f"the manager user may not ask for {question}: {error}"
            return Finding("AMI", State.FAIL, what, _ASK_INSTALL)
    return None


def _devices(settings: Settings, manager: Manager) -> Iterator[Finding]:
    states = {item.first("Device"): item.first("State") for item in manager.items("DeviceStateList")}
    seats = {seat: device for seat, device in settings.dial_strings().items() if device.startswith("PJSIP/")}
    away = [seat for seat, device in seats.items() if states.get(device) in (*AWAY, None)]
    there = f"{len(seats) - len(away)} of {len(seats)} phones are registered"
    if away:
        what = f"{there}; not {_some(away)}"
        state = State.WARN if len(away) < len(seats) else State.FAIL
        yield Finding("seats", state, what, "asterisk -rx 'pjsip show contacts'")
    else:
        yield Finding("seats", State.OK, there)
    dead = [trunk.name for trunk in settings.trunks if states.get(f"PJSIP/{trunk.name}") in AWAY]
    if dead:
        yield Finding("trunks", State.FAIL, f"not reached: {_some(dead)}", "asterisk -rx 'pjsip show contacts'")
    elif settings.trunks:
        yield Finding("trunks", State.OK, "none is known to be out of reach")


def _files(settings: Settings, folder: Path, version: str, loaded: float | None) -> Iterator[Finding]:
    """What Asterisk is to read, against what is made of the configuration; and whether it has read it."""
    try:
        files = _rendered(settings, folder, version)
        differing = sorted(name for name, text in files.items() if text_of(folder / name) != text)
        unread = [] if loaded is None else sorted(n for n in files if _changed(folder / n) > loaded + ROUNDED_S)
    except OSError as error:
        what = f"{error.filename} cannot be read ({(error.strerror or 'no access').lower()})"
        yield Finding("dialplan", State.WARN, what, "sudo hotline doctor, or name the folder with --folder")
        return
    except PlanError as error:
        yield Finding("dialplan", State.FAIL, str(error), "hotline check")
        return
    if differing:
        what = f"{len(differing)} files in {folder} are not as rendered: {_some(differing)}"
        yield Finding("dialplan", State.WARN, what, "hotline asterisk diff")
    elif unread:
        what = f"Asterisk has not read what changed since: {_some(unread)}"
        yield Finding("dialplan", State.WARN, what, "asterisk -rx 'core reload'")
    else:
        yield Finding("dialplan", State.OK, f"all files in {folder} are as rendered")


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _rendered(settings: Settings, folder: Path, version: str) -> dict[str, str]:
    conf = AsteriskConf.read(folder / CONF, DEBIAN)
    pbx = settings.pbxs[0]
    numbers = tuple(int(part) for part in version.split("~")[0].split(".")[:2] if part.isdigit())
    plan = plan_of(
        settings, pbx, sip=sip_side(settings, pbx), directories=conf.directories, run_as=conf.run_as,
        version=numbers or (22, 10),
    )  # fmt: skip
    return render(plan)


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
