"""`hotline why CALL`: on one page why a call went as it did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from routing.model import AgentProfile
from service.cli.client import Client, Unreachable, url_of
from service.cli.output import DEFAULT_CONFIG, NO, ConfigOption, JsonOption, fail, print_json
from service.settings import Settings, load

SEATS_NAMED: Final = 16
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

CallArgument = Annotated[
    str, typer.Argument(metavar="CALL", help='Id of the call as in "hotline calls", or its beginning; or "last".')
]


def why(call: CallArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Tell why a call went as it did: rings, seats and their reasons, what Asterisk was told and said."""
    settings = load(config, check_secrets=False)
    try:
        with Client(url_of(settings), settings.cli_token()) as client:
            found, source = client.get(f"/api/v1/calls/{quote(call, safe='')}/why"), ""
    except Unreachable:
        _refuse_without_file(settings)
        found = asyncio.run(_from_database(settings, call))
        source = f"No service answers at {url_of(settings)}; this is what the database has."
    if as_json:
        print_json({**found, "source": "database" if source else "service"})
        return
    typer.echo("\n".join(([source, ""] if source else []) + list(page(found, settings.zone_info))))


async def _from_database(settings: Settings, wanted: str) -> Mapping[str, Any]:
    from service.why import from_records
    from storage.errors import StorageError, StorageUnavailable
    from storage.records import agents_of, archive_of

    url, rules = settings.database_url(), settings.rules()
    try:
        people = {row.id: AgentProfile(row.id, row.name or row.id) for row in await agents_of(url)}
        async with archive_of(url) as archive:
            found = await from_records(archive, wanted, replace(rules, agents={**rules.agents, **people}))
    except (StorageError, StorageUnavailable) as error:
        fail(f"no service answers at {url_of(settings)}, and {error}", NO)
    return fail(found, NO) if isinstance(found, str) else found


def _refuse_without_file(settings: Settings) -> None:
    """A question makes no database."""
    from storage.engine import sqlite_file_exists

    if not sqlite_file_exists(settings.database_url()):
        address = url_of(settings)
        fail(f"no service answers at {address}, and there is no database: start it with `hotline serve`", NO)


# -- the page ----------------------------------------------------------------------------------------------------------


def page(found: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    """The lines of the page; times are local."""
    call = found["call"]
    arrived = datetime.fromtimestamp(round(call["arrived_at"], 3), zone)
    yield f"Call {call['call_id']}"
    trunk = f" by trunk {found['trunk']}" if found["trunk"] else ""
    name = f" {found['line_name']}" if found["line_name"] else ""
    yield f"{WEEKDAYS[arrived.weekday()]} {arrived:%Y-%m-%d} {_clock(arrived)}, to {call['number']}{name}{trunk}"
    yield from _rings(found["rings"])
    yield ""
    for part in found["story"]:
        at = datetime.fromtimestamp(round(part["at"], 3), zone)
        yield f"{_clock(at)} {part['at'] - call['arrived_at']:10.3f} s  {part['text']}"
        yield from _reasons(part["candidates"])


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def _rings(rings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for ring in rings:
        when = f"after {ring['after_s']:g} s" if ring["after_s"] else "at once"
        yield f"Ring {ring['ring']} {when}: {ring['need']}"


def _reasons(groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for group in groups:
        named = " ".join(group["seats"][:SEATS_NAMED])
        more = group["total"] - min(len(group["seats"]), SEATS_NAMED)
        rest = "" if not more else f"{more} seats" if not named else f" and {more} more"
        yield f"{'':27}{group['text']}: {named}{rest}"
