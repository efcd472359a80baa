"""What a configuration says about seats behind a trunk (云座席), and about the lines that a seat takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from config.plan import REMOTE
from routing.model import Mode, SignIn
from service.settings_findings import Finding, unknown
from service.settings_lines import Path
from service.settings_tables import SeatTable

if TYPE_CHECKING:
    from service.settings import Settings


def remote_seats(settings: Settings) -> Iterator[Finding]:
    """Each has a telephone of its own and a way to it, and nobody is signed in there by a phone that never registers."""
    known: dict[str, int] = {}
    dials = settings.dial_strings()
    for index, seat in enumerate(settings.seats):
        yield from _way(settings, seat, index)
        dial = dials[seat.id]
        if not REMOTE.fullmatch(dial):
            continue
        if (first := known.setdefault(dial, index)) < index:
            key = "dial" if seat.telephone is None else "telephone"
            yield Finding(("seat", index, key), f"rings the same telephone as seat[{first}]", "each only once")
    remote = remote_ids(settings)
    for index, agent in enumerate(settings.agents):
        if agent.sign_in is SignIn.PHONE and agent.id in remote:
            yield Finding(
                ("agent", index, "id"),
                'has sign_in = "phone" at a remote seat, whose telephone never registers',
                'sign_in = "agent"',
            )


def remote_ids(settings: Settings) -> set[str]:
    """Seats whose telephone is behind a trunk."""
    dials = settings.dial_strings()
    return {seat.id for seat in settings.seats if seat.telephone is not None or REMOTE.fullmatch(dials[seat.id])}


def _way(settings: Settings, seat: SeatTable, index: int) -> Iterator[Finding]:
    path: Path = ("seat", index)
    names = [trunk.name for trunk in settings.trunks]
    if seat.telephone is None:
        if seat.trunk is not None:
            yield Finding((*path, "trunk"), "is only for a seat with telephone")
        return
    if seat.dial is not None:
        yield Finding((*path, "dial"), "cannot be given with telephone: its trunk says how it is dialled")
    if seat.trunk is not None and seat.trunk not in names:
        yield unknown((*path, "trunk"), "trunk", seat.trunk, names)
    elif seat.trunk_of(settings.trunks) is None:
        yield Finding(path, "has a telephone and needs the key trunk", ", ".join(names) or "a [[trunk]] first")
    elif not REMOTE.fullmatch(seat.dial_string(settings.trunks)):
        name = seat.trunk_of(settings.trunks)
        yield Finding(
            (*path, "telephone"), f'cannot be reached by the trunk "{name}"', "dial = PJSIP/{number}@NAME there"
        )


def limited_seats(settings: Settings) -> Iterator[Finding]:
    modes = {line.number: line.mode for line in settings.lines}
    into = {line.number: line.into for line in settings.lines}
    served = [number for number, mode in modes.items() if mode is not Mode.MERGED]
    for index, seat in enumerate(settings.seats):
        for place, number in enumerate(seat.lines):
            path: Path = ("seat", index, "lines", place)
            if number not in modes:
                yield unknown(path, "line", number, served)
            elif modes[number] is Mode.MERGED:
                yield Finding(path, f"is merged: its callers are those of {into[number]}", ", ".join(served))
