"""Who hears whom, and who is connected with whom: what a joined call is judged by from outside.

Ears are `sandbox.voice`; connections are what Asterisk's console says, the same on 16 and 22, read strictly: a line that is
not understood is an error, never a line left out.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sandbox.instance import Sandbox
from sandbox.voice import Voice
from sandbox.waiting import Patience, until
from service.cli.stage import Stage

Heard = dict[str, set[str]]
SETTLED_S: Final = 0.25  # longer than what an ear remembers, so that two looks share no sound
POLL_S: Final = 0.05


# -- who hears whom ---------------------------------------------------------------------------------------------------


def who_hears_whom(voices: Mapping[str, Voice]) -> Heard:
    """Name -> the names whose tone comes to it now; a tone that belongs to none of these is named by its pitch."""
    names = {voice.pitch: name for name, voice in voices.items()}
    return {name: {names.get(hz, f"{hz} Hz") for hz in voice.hears()} for name, voice in voices.items()}


def everybody(names: Collection[str]) -> Heard:
    """Each of them hears all the others."""
    return {name: set(names) - {name} for name in names}


class HeardOtherwise(AssertionError):
    """Somebody does not hear whom he should, or hears whom he must not; the text says who."""


async def until_heard(
    voices: Mapping[str, Voice], wanted: Mapping[str, Collection[str]], limit_s: float = 20.0
) -> None:
    """Waits until each of these hears exactly whom he should, in two looks with no sound in common. Who is not in
    `wanted` hears nobody.

    Raises:
        HeardOtherwise: it was not so within `limit_s`.
    """
    goal = {name: set(wanted.get(name, ())) for name in voices}
    so_since: float | None = None
    patience = Patience(limit_s)
    while True:
        heard, now = who_hears_whom(voices), time.monotonic()
        so_since = (so_since or now) if heard == goal else None
        if so_since is not None and now - so_since >= SETTLED_S:
            return
        if patience.over:
            raise HeardOtherwise(f"after {limit_s:g} s: {difference(goal, heard)}")
        await asyncio.sleep(POLL_S)


def difference(wanted: Heard, heard: Heard) -> str:
    """In words, what is not as it should be."""
    found = []
    for name in wanted:
        here = heard.get(name, set())
        if missing := sorted(wanted[name] - here):
            found.append(f"{name} does not hear {', '.join(missing)}")
        if extra := sorted(here - wanted[name]):
            found.append(f"{name} hears {', '.join(extra)}, whom he must not")
    return "; ".join(found) or "all as it should be, but not for long enough"


# -- who is connected with whom ---------------------------------------------------------------------------------------


class NotUnderstood(AssertionError):
    """Asterisk's console said something that this module does not know."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of `core show channels concise`. `bridge` is "" for a channel that is in none."""

    name: str
    state: str
    application: str
    data: str
    bridge: str
    uniqueid: str

    @property
    def who(self) -> str:
        """The endpoint, or what a Local channel leads to: `1001`, `carrier`, `police`."""
        match = re.fullmatch(r"(?:PJSIP/(.+)-[0-9a-f]{8}|Local/([^@]+)@.+)", self.name)
        return (match[1] or match[2]) if match else self.name


@dataclass(frozen=True, slots=True)
class Joined:
    """Where a caller is and who with. `place`: conference, bridge, alone (a channel in no bridge), or gone.

    `others`: who else is in his bridge; `conference`: who is in the conference of his call, he or not; `marked`: who of
    those is marked. All sorted, by `Channel.who`.
    """

    place: str
    others: tuple[str, ...] = ()
    conference: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()


async def channels(sandbox: Sandbox) -> list[Channel]:
    """All channels but the announcers that a conference makes for itself."""
    found = [_channel(line) for line in (await sandbox.cli("core show channels concise")).splitlines() if line.strip()]
    return [channel for channel in found if not channel.name.startswith("CBAnn/")]


def _channel(line: str) -> Channel:
    fields = line.split("!")
    if len(fields) != 14:
        raise NotUnderstood(f"a channel with {len(fields)} fields: {line}")
    return Channel(fields[0], fields[4], fields[5], fields[6], fields[12], fields[13])


_MEMBER: Final = re.compile(r"(\S+) +(?:([AMWEmw]+) +)?\S+ +\S+ +\S+(?: +\S+)? *")


async def members(sandbox: Sandbox, conference: str) -> dict[str, str]:
    """Channel name -> its flags (M marked, E ends with the last marked, W waits) in a conference; empty for none."""
    text = await sandbox.cli(f"confbridge list {conference}")
    if text.startswith("No conference bridge named"):
        return {}
    head, line, *rows = text.splitlines()
    if not head.startswith("Channel ") or not line.startswith("====="):
        raise NotUnderstood(text)
    return dict(_member(row) for row in rows if row.strip())


def _member(row: str) -> tuple[str, str]:
    match = _MEMBER.fullmatch(row)
    if match is None:
        raise NotUnderstood(f"a member of a conference: {row}")
    return match[1], match[2] or ""


async def joined(sandbox: Sandbox, call_id: str) -> Joined:
    """Where the caller of a call is, and who with. The conference's own list and the bridges must agree, or somebody is
    on his way between them: asked again until they do.
    """

    async def agreed() -> Joined | None:
        return await _joined(sandbox, call_id)

    found = await until(agreed, 10, "conference and bridges of a call agree")
    assert found is not None
    return found


async def until_joined(sandbox: Sandbox, call_id: str, wanted: Joined, limit_s: float = 20.0) -> None:
    """Waits until the caller of a call is there, and with these.

    Raises:
        AssertionError: he is not; the text says where he is.
    """
    patience = Patience(limit_s)
    while (found := await joined(sandbox, call_id)) != wanted:
        if patience.over:
            raise AssertionError(f"after {limit_s:g} s: {found}, not {wanted}")
        await asyncio.sleep(POLL_S)


async def _joined(sandbox: Sandbox, call_id: str) -> Joined | None:
    """None: lists that were taken one after the other contradict each other."""
    listed = await members(sandbox, call_id)
    names = {channel.name: channel for channel in await channels(sandbox)}
    if not set(listed) <= set(names):
        return None
    room = {names[name].bridge for name in listed}
    if len(room) > 1 or room == {""} or any((c.bridge in room) != (c.name in listed) for c in names.values()):
        return None
    conference = _who(names[name] for name in listed)
    marked = _who(names[name] for name, flags in listed.items() if "M" in flags)
    caller = next((channel for channel in names.values() if channel.uniqueid == call_id.partition("-")[2]), None)
    if caller is None:
        return Joined("gone", (), conference, marked)
    others = _who(c for c in names.values() if caller.bridge and c.bridge == caller.bridge and c is not caller)
    place = "conference" if caller.name in listed else "bridge" if caller.bridge else "alone"
    return Joined(place, others, conference, marked)


def _who(found: Iterable[Channel]) -> tuple[str, ...]:
    return tuple(sorted(channel.who for channel in found))


# -- what is left -----------------------------------------------------------------------------------------------------


async def left(sandbox: Sandbox) -> list[str]:
    """Channels, bridges and conferences that there are, in words; empty: none."""
    found = [f"channel {channel.name} in {channel.application}" for channel in await channels(sandbox)]
    found += [f"bridge {row}" for row in _rows(await sandbox.cli("bridge show all"), "Bridge-ID ")]
    rooms = await sandbox.cli("confbridge list")
    if not rooms.startswith("No such command"):
        found += [f"conference {row}" for row in _rows(rooms, "Conference Bridge Name ")]
    return found


def _rows(table: str, head: str) -> list[str]:
    first, *rows = table.strip().splitlines()
    if not first.startswith(head):
        raise NotUnderstood(table)
    return [row.strip() for row in rows if row.strip() and not row.startswith("=====")]


async def nothing_left(stage: Stage, limit_s: float = 15.0) -> None:
    """No channel, bridge or conference is left in Asterisk, and no seat rings or talks."""

    async def empty() -> bool:
        last[:] = await left(stage.sandbox)
        last.extend(
            f"seat {s['seat']} {s['state']}" for s in await _seats(stage) if s["state"] in ("ringing", "talking")
        )
        return not last

    last: list[str] = []
    try:
        await until(empty, limit_s)
    except AssertionError:
        raise AssertionError(f"left after {limit_s:g} s: {'; '.join(last)}") from None


async def _seats(stage: Stage) -> list[dict[str, str]]:
    found = await stage.api("/api/v1/seats")
    assert isinstance(found, list)
    return found
