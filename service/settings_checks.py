"""What the tables of a configuration say about each other: names that do not exist, twice the same, nobody to serve.

Every check yields findings and none stops the next, so that an operator sees all mistakes at once.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from config.plan import LOCAL_PHONE
from routing.model import Mode, SignIn
from routing.need import InGroup, InZone, Named, Need, Skilled, admits, leaves
from service import (
    settings_callbacks,
    settings_cases,
    settings_departments,
    settings_outbox,
    settings_probe,
    settings_remote,
    settings_retention,
    settings_rosters,
)
from service.settings_findings import Check, Finding, known_groups, known_zones, unknown, warning
from service.settings_lines import Path
from service.settings_seats import few, read_seat_passwords
from service.settings_secrets import SecretError
from service.settings_tables import LineTable
from service.settings_values import is_loopback

if TYPE_CHECKING:
    from service.settings import Settings

SPECIAL_EXTENSIONS: Final = frozenset("hitseaoT")


def check(
    settings: Settings,
    *,
    check_secrets: bool,
    check_seats: bool,
    known_agents: Mapping[str, str | None] | None = None,
    gaps_allowed: bool = False,
) -> list[Finding]:
    checks = (*_CHECKS, *([secrets] if check_secrets else []), *([seat_passwords] if check_seats else []))
    found = (_named_elsewhere(finding, known_agents) for one in checks for finding in one(settings))
    gaps = (replace(gap, is_error=not gaps_allowed) for gap in settings_rosters.roster_gaps(settings))
    return [*(finding for finding in found if finding is not None), *gaps]


def _named_elsewhere(finding: Finding, known_agents: Mapping[str, str | None] | None) -> Finding | None:
    """An agent whom the file does not have, or his zone, may be in the database. Who has not asked it can only warn."""
    table, name = finding.refers_to or ("", "")
    if table not in ("agent", "zone"):
        return finding
    if known_agents is None:
        return replace(
            finding, text=f"{finding.text}; `hotline agents list` tells who is in the database", is_error=False
        )
    return None if name in (known_agents if table == "agent" else known_agents.values()) else finding


def enough(settings: Settings) -> Iterator[Finding]:
    """Without these tables no call can be answered."""
    for table, items in (("line", settings.lines), ("agent", settings.agents), ("seat", settings.seats)):
        if not items:
            yield Finding((table,), "is missing", f"at least one [[{table}]]")
    if len(settings.pbxs) != 1:
        yield Finding(("pbx",) if not settings.pbxs else ("pbx", 1), "must be there exactly once", "one [[pbx]]")


def duplicates(settings: Settings) -> Iterator[Finding]:
    named: tuple[tuple[str, str, Sequence[str | int]], ...] = (
        ("pbx", "name", [pbx.name for pbx in settings.pbxs]),
        ("token", "name", [token.name for token in settings.tokens]),
        ("token", "sha256", [token.sha256 for token in settings.tokens]),
        ("line", "number", [line.number for line in settings.lines]),
        ("reason", "code", [reason.code for reason in settings.reasons]),
        ("reason", "name", [reason.name for reason in settings.reasons]),
        ("agent", "id", [agent.id for agent in settings.agents]),
        ("seat", "id", [seat.id for seat in settings.seats]),
        ("zone", "id", [zone.id for zone in settings.zones]),
        ("trunk", "name", [trunk.name for trunk in settings.trunks]),
        ("emergency", "number", [emergency.number for emergency in settings.emergencies]),
        ("department", "id", [department.id for department in settings.departments]),
    )
    for table, key, values in named:
        for index, value in enumerate(values):
            if (first := values.index(value)) < index:
                yield Finding((table, index, key), f"is the same as {table}[{first}].{key}", "each only once")


def line_modes(settings: Settings) -> Iterator[Finding]:
    """A merged line is served as another, and only one step away: chains would hide who serves whom."""
    modes = {line.number: line.mode for line in settings.lines}
    targets = [number for number, mode in modes.items() if mode is not Mode.MERGED]
    for index, line in enumerate(settings.lines):
        if line.mode is not Mode.MERGED:
            if line.into is not None:
                yield Finding(("line", index, "into"), 'is only for mode = "merged"')
            continue
        if line.into is None:
            yield Finding(("line", index), 'has mode = "merged" and needs the key into', ", ".join(targets))
        elif line.into not in modes:
            yield unknown(("line", index, "into"), "line", line.into, targets)
        elif modes[line.into] is Mode.MERGED:
            yield Finding(("line", index, "into"), "names a line that is merged itself", ", ".join(targets))
        for key in ("rings", "zone", "answer_within_s", "ratio", "wrap_up_s", "last_agent_s"):
            if key in line.model_fields_set:
                yield Finding(
                    ("line", index, key), "cannot be given for a merged line: it takes that of the line it joins"
                )


def rings(settings: Settings) -> Iterator[Finding]:
    for index, line in enumerate(settings.lines):
        previous_s = 0.0
        for number, ring in enumerate(line.rings):
            path: Path = ("line", index, "rings", number)
            if (ring.need is None) == (ring.group is None):
                yield Finding(path, "must have either need or group", 'need = "skill>=level", or group = "name"')
            else:
                yield from _named_by(settings, ring.model().need, (*path, "group" if ring.need is None else "need"))
            if ring.after_s < previous_s:
                yield Finding((*path, "after_s"), "comes before the ring above it", f"{previous_s:g} or more")
            previous_s = max(previous_s, ring.after_s)


def _named_by(settings: Settings, need: Need, path: Path) -> Iterator[Finding]:
    groups, zones = known_groups(settings), known_zones(settings)
    agents = [agent.id for agent in settings.agents]
    for leaf, _ in leaves(need):
        match leaf:
            case Skilled(skill) if skill not in settings.skills:
                yield unknown(path, "skills", skill, list(settings.skills))
            case Named(agent) if agent not in agents:
                yield unknown(path, "agent", agent, agents)
            case InGroup(group) if group not in groups:
                yield warning(path, f'names the group "{group}", and no seat is in it')
            case InZone(zone) if zone not in zones:
                yield unknown(path, "zone", zone, sorted(zones))


def agents(settings: Settings) -> Iterator[Finding]:
    seats = {seat.id for seat in settings.seats}
    for index, agent in enumerate(settings.agents):
        for skill in agent.skills:
            if skill not in settings.skills:
                yield unknown(("agent", index, "skills", skill), "skills", skill, list(settings.skills))
        if not agent.skills:
            yield warning(("agent", index), 'has no skill: only a ring with need = "any" or a group reaches this agent')
        if agent.sign_in is SignIn.PHONE and agent.id not in seats:
            allowed = f'a [[seat]] with id = "{agent.id}", or sign_in = "agent"'
            yield Finding(
                ("agent", index, "id"),
                'has sign_in = "phone" and no seat of the same id',
                allowed,
                refers_to=("seat", agent.id),
            )


def served(settings: Settings) -> Iterator[Finding]:
    """A line whose rings reach nobody rings until its callers give up."""
    zones = {agent.zone for agent in settings.agents} | {skill for agent in settings.agents for skill in agent.skills}
    for index, line in enumerate(settings.lines):
        if line.mode is Mode.MERGED:
            continue
        if not _somebody_serves(settings, line):
            yield warning(("line", index), f"nobody can serve {line.number}: no agent or seat meets any of its rings")
        if line.zone is not None and line.zone not in zones:
            yield warning(("line", index, "zone"), f'no agent is in the zone "{line.zone}" or has a skill of that name')
    for index, zone in enumerate(settings.zones):
        if zone.id not in {agent.zone for agent in settings.agents}:
            yield warning(("zone", index, "id"), f'no agent is in the zone "{zone.id}": it has nobody to lend')


def _somebody_serves(settings: Settings, line: LineTable) -> bool:
    seats = [seat for seat in settings.seats if not seat.lines or line.number in seat.lines]
    everywhere = {frozenset(seat.groups) for seat in seats}
    at = {seat.id: {frozenset(seat.groups)} for seat in seats}
    return any(
        admits(ring.need, agent.id, agent.skills, groups, agent.zone)
        for ring in line.rings_or_default(settings.skills)
        for agent in settings.agents
        for groups in (everywhere if agent.sign_in is SignIn.AGENT else at.get(agent.id, ()))
    )


def trunks(settings: Settings) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for index, trunk in enumerate(settings.trunks):
        for number, source in enumerate(trunk.match):
            if (owner := owners.setdefault(source, trunk.name)) != trunk.name:
                yield Finding(("trunk", index, "match", number), f'is an address of the trunk "{owner}" already')
        if not trunk.match:
            yield warning(("trunk", index), "has no match: no call can arrive on it")
    if settings.trunks and not owners:
        yield warning(("trunk", 0), "no trunk can receive calls")


def names_in_asterisk(settings: Settings) -> Iterator[Finding]:
    """Ids become names of extensions, sections and files in Asterisk, where some are taken."""
    phones = {dial.partition("/")[2]: index for index, dial in enumerate(settings.dial_strings().values())}
    for index, seat in enumerate(settings.seats):
        if seat.id in SPECIAL_EXTENSIONS:
            yield Finding(("seat", index, "id"), "is a letter that Asterisk uses itself", "two characters or a digit")
    for index, trunk in enumerate(settings.trunks):
        if trunk.name in phones:
            yield Finding(("trunk", index, "name"), f"is also the name of the phone of seat[{phones[trunk.name]}]")
    if not re.fullmatch(r"/[^\s,;$()\"'|&\\\[\]{}]*", str(settings.data_dir.resolve())):
        yield Finding(
            ("service", "data_dir"), "lies in a folder whose name the dialplan cannot carry", "no blanks or signs"
        )


def emergencies(settings: Settings) -> Iterator[Finding]:
    names = [trunk.name for trunk in settings.trunks]
    numbers = {line.number for line in settings.lines}
    for index, emergency in enumerate(settings.emergencies):
        if emergency.number in numbers:
            yield Finding(("emergency", index, "number"), "is a [[line]] too")
        for number, route in enumerate(emergency.routes):
            if route.trunk not in names:
                yield unknown(("emergency", index, "routes", number, "trunk"), "trunk", route.trunk, names)


def dialing(settings: Settings) -> Iterator[Finding]:
    names = [trunk.name for trunk in settings.trunks]
    if settings.dialing.trunk is not None and settings.dialing.trunk not in names:
        yield unknown(("dialing", "trunk"), "trunk", settings.dialing.trunk, names)


def fallback(settings: Settings) -> Iterator[Finding]:
    """One duty seat less is a warning; no duty seat left is an empty safety net."""
    seats = [seat.id for seat in settings.seats]
    lost = [seat for seat in settings.fallback.duty_seats if seat not in seats]
    all_lost = bool(lost) and len(lost) == len(settings.fallback.duty_seats)
    for index, seat in enumerate(settings.fallback.duty_seats):
        if seat in lost:
            finding = unknown(("fallback", "duty_seats", index), "seat", seat, seats)
            yield finding if all_lost else replace(finding, text=f"{finding.text} and is left out", is_error=False)
    if not settings.fallback.duty_seats and settings.fallback.duty_telephone is None:
        yield warning(
            ("fallback",), "is empty: while the service is out of reach some callers reach nobody", "duty_seats"
        )


def network(settings: Settings) -> Iterator[Finding]:
    if not is_loopback(settings.service.http_address[0]):
        yield from _open_http(settings)
    if not is_loopback(settings.service.fastagi_address[0]):
        yield warning(
            ("service", "fastagi"), "is open to the network, and FastAGI knows no password", "interface=127.0.0.1"
        )
    for index, pbx in enumerate(settings.pbxs):
        if not is_loopback(pbx.ami_address[0]):
            yield warning(("pbx", index, "ami"), "is not on this machine: the manager's secret travels in clear text")


def _open_http(settings: Settings) -> Iterator[Finding]:
    path: Path = ("service", "http")
    if settings.tokens:
        yield warning(path, "is open to the network without TLS: put a proxy with TLS before it", "127.0.0.1:PORT")
    else:
        yield Finding(
            path, "is open to the network and there is no [[token]]", "127.0.0.1:PORT, or at least one [[token]]"
        )


def voice_notice(settings: Settings) -> Iterator[Finding]:
    """A rejected caller must hear where help is to be had; tones alone do not say it."""
    path: Path = ("restrictions", "voice_notice")
    file, allowed = settings.voice_notice, "a WAV file (8 kHz, mono, 16 bit) or an .alaw file"
    if file is None:
        return
    try:
        if file.suffix.lower() == ".wav":
            with wave.open(str(file)) as sound:
                shape = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
            problem = "" if shape == (8000, 1, 2) else f"has {shape[0]} Hz, {shape[1]} channels and {8 * shape[2]} bit"
        else:
            problem = "" if file.suffix.lower() == ".alaw" and file.stat().st_size else "is no sound that can be played"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (wave.Error, EOFError):
        problem = "is no WAV file"
    if problem:
        yield Finding(path, f"{file} {problem}", allowed)


def secrets(settings: Settings) -> Iterator[Finding]:
    readers: list[tuple[Path, Callable[[], object]]] = [
        (("service", "number_key_file"), settings.number_keys),
        (("service", "database_password_file"), settings.database_url),
    ]
    for index, pbx in enumerate(settings.pbxs):
        readers.append((("pbx", index, "secret_file"), partial(settings.ami_secret, pbx)))
    for path, read in readers:
        try:
            read()
        except SecretError as error:
            yield Finding(path, f"cannot be used: {error}")
    yield from settings_outbox.secret(settings)


def seat_passwords(settings: Settings) -> Iterator[Finding]:
    """Who is named in the file must be a seat whose phone registers here; who is missing may be meant."""
    path: Path = ("service", "seat_password_file")
    file = settings.seat_password_file
    try:
        known = read_seat_passwords(file)
    except SecretError as error:
        yield Finding(path, f"cannot be used: {error}")
        return
    is_local = {id_: LOCAL_PHONE.fullmatch(dial) is not None for id_, dial in settings.dial_strings().items()}
    wrong = [found for found in known if not is_local.get(found.seat_id, False)]
    if wrong:
        lines = few([str(found.line) for found in wrong])
        stranger = next((found.seat_id for found in wrong if found.seat_id not in is_local), None)
        yield Finding(
            path,
            f"cannot be used: {file} line {lines}: no [[seat]] with this id registers here",
            "id of a [[seat]] whose dial is PJSIP/NAME",
            refers_to=None if stranger is None else ("seat", stranger),
        )
    named = {found.seat_id for found in known}
    missing = [seat for seat, local in is_local.items() if local and seat not in named]
    if known and missing:
        yield warning(path, f"names a file without {few(missing)}: configure these phones in pjsip_local.conf")


_CHECKS: Final[tuple[Check, ...]] = (
    enough,
    duplicates,
    line_modes,
    rings,
    agents,
    served,
    trunks,
    names_in_asterisk,
    emergencies,
    dialing,
    fallback,
    settings_remote.remote_seats,
    settings_remote.limited_seats,
    network,
    voice_notice,
    settings_departments.departments,
    settings_departments.short_numbers,
    settings_departments.citizens_trunk,
    settings_callbacks.lost_calls,
    settings_cases.case_prefixes,
    settings_probe.probe,
    settings_probe.probe_schedules,
    settings_outbox.pauses,
    settings_retention.ages,
    settings_rosters.rosters,
    settings_rosters.overlaps,
)
