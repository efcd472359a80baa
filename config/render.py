"""`hotline.toml` -> Asterisk's configuration files. One PBX plan in, one text per file out; nothing else is read.

The templates are in `config/asterisk/` and travel in the wheel. Every value that reaches them is checked before
(`config.plan.problems`), because Asterisk's files know no quoting that would hold an arbitrary text.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import jinja2

from config.feature_codes import ACK_MS, IDLE, feature_codes
from config.modules import has_disabled_events, modules_for
from config.plan import LOCAL_PHONE, Directories, PbxPlan, PlanError, Trunk, device, phone, problems, shown_name
from config.sounds import notice_sounds, tone_sounds
from routing.commands import Tone
from routing.model import SeatProfile
from telephony import names

__all__ = ["Directories", "PbxPlan", "PlanError", "Trunk", "render", "template_names", "write"]

SCRIPT_LIMIT: Final = 10  # fallback scripts at once: more would only make each of them slower (90 ms of CPU a start)
MOST_BEEPS: Final = 9
LONGEST_NUMBER: Final = 32  # digits, as in FastAGI requests (telephony.agi.codec)
SUFFIX: Final = ".j2"


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class _Seat:
    id: str
    dial: str
    device: str
    phone: str
    lamp: bool
    remote: bool


@dataclass(frozen=True, slots=True)
class _Line:
    number: str
    shown: str
    tones: str


def template_names() -> list[str]:
    """Names of the templates, e.g. `extensions.conf.j2`, in order."""
    return sorted(item.name for item in files("config").joinpath("asterisk").iterdir() if item.name.endswith(SUFFIX))


def template_text(name: str) -> str:
    return files("config").joinpath("asterisk", name).read_text(encoding="utf-8")


def render(plan: PbxPlan) -> dict[str, str]:
    """File name -> text of every file in Asterisk's configuration folder.

    Raises:
        PlanError: a value of the plan cannot stand in such a file; all of them in one text.
    """
    found = problems(plan)
    if found:
        raise PlanError("; ".join(found))
    environment = jinja2.Environment(  # noqa: S701 configuration files, not HTML; values are checked by `problems`
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    values = _values(plan)
    return {
        name.removesuffix(SUFFIX): environment.from_string(template_text(name)).render(values)
        for name in template_names()
    }


def write(plan: PbxPlan) -> dict[str, str]:
    """Render into `directories.etc` and make the notice sounds; each file is replaced whole. Returns the texts."""
    texts = render(plan)
    for name, text in texts.items():
        _replace(Path(plan.directories.etc, name), text.encode(), mode=0o640)
    Path(plan.directories.log, "cel-custom").mkdir(parents=True, exist_ok=True)  # Asterisk does not make it
    for path, sound in sounds(plan).items():
        _replace(path, sound, mode=0o644)
    return texts


def sounds(plan: PbxPlan) -> dict[Path, bytes]:
    """Every sound that the files name, and where it lies.

    Raises:
        PlanError: a spoken sound of the operator's cannot be read.
    """
    found = {Path(plan.notice, name): sound for name, sound in notice_sounds().items()}
    found |= {Path(plan.tones, name): sound for name, sound in tone_sounds().items()}
    for key, file, place in (
        ("restrictions.voice_notice", plan.voice_notice, plan.voice),
        ("probe.voice", plan.test_voice, plan.phrase),
    ):
        if file:
            source = Path(file)
            found[Path(place + source.suffix.lower())] = _read(source, key)
    return found


def _read(source: Path, key: str) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise PlanError(f"{key}: {source} cannot be read ({error.strerror})") from None


def _replace(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    fresh.replace(path)


def _values(plan: PbxPlan) -> dict[str, object]:
    rules, timing = plan.rules, plan.rules.timing
    seats = {seat.id: _seat(seat) for seat in rules.seats.values()}
    longer = any(seats[seat_id].remote for seat_id in plan.duty_seats)
    return {
        "lines": [
            _Line(line.number, shown_name(line, rules), _beeps(place))
            for place, line in enumerate(rules.lines.values(), 1)
        ],
        "numbers": ["X" * length for length in range(1, LONGEST_NUMBER + 1)],
        "seats": list(seats.values()),
        "duty_seats": [seats[seat_id] for seat_id in plan.duty_seats],
        "duty_telephone": plan.duty_telephone,
        "codes": feature_codes(centre.number for centre in plan.centres),
        "idle_codes": IDLE,
        "ack_ms": ACK_MS,
        "trunks": plan.trunks,
        "probed": _probed(plan),
        "emergencies": [
            {
                "number": centre.number,
                "dials": centre.dials,
                "first_sound_ms": round(centre.first_sound_s * 1000),
                "answer_ms": round(centre.answer_s * 1000),
            }
            for centre in plan.centres
        ],
        "passwords": _phone_passwords(plan),
        "lease_s": _number(timing.lease_s),
        "ring_s": max(1, round(timing.ring_s)),
        "remote_ring_s": round(timing.remote_ring_s),
        "confirm_ms": round(timing.remote_confirm_s * 1000),
        "duty_ring_s": round(timing.remote_ring_s + timing.remote_confirm_s + 1)
        if longer
        else max(1, round(timing.ring_s)),
        "restart_window_ms": round(timing.restart_window_s * 1000),
        "fastagi": f"agi://{plan.fastagi_host}:{plan.fastagi_port}",
        "fallback_script": plan.fallback_script,
        "snapshot": plan.snapshot,
        "script_limit": SCRIPT_LIMIT,
        "notice_directory": plan.notice,
        "restricted_notice": plan.voice,
        "warning_tone": f"{plan.tones}/warning",
        "test_caller": plan.test_caller,
        "test_talk_ms": round(plan.test_talk_s * 1000),
        "test_wait_s": _number(plan.test_talk_s + 4),
        "test_phrase": plan.phrase,
        "records": plan.records,
        "start_recording": _start_recording(plan),
        "record": _record(plan),
        "record_again": _start_recording(plan, options="ab"),
        "alarm": Tone.ALARM.value,
        "record_outbound": _start_recording(plan, names.OUT),
        "tones": [(tone.value, f"{plan.tones}/{tone}") for tone in Tone],
        "directories": plan.directories,
        "run_as": plan.run_as,
        "ami": _Address(plan.ami_bind, plan.ami_port),
        "ami_user": plan.ami_user,
        "ami_secret": plan.ami_secret,
        "sip": _Address(plan.sip_bind, plan.sip_port),
        "rtp_start": plan.rtp[0],
        "rtp_end": plan.rtp[1],
        "channel_variables": names.CHANNEL_VARIABLES,
        "has_disabled_events": has_disabled_events(plan.asterisk_version),
        "modules": modules_for(plan.asterisk_version),
    }


def _start_recording(plan: PbxPlan, id_variable: str = names.CALL, options: str = "b") -> str:
    """On the caller's own channel, whose bridges it holds (option b). See `service.recording_files`."""
    day = f"${{STRFTIME(${{{names.ARRIVED}:0:10}},{plan.timezone},%Y-%m-%d)}}"
    return f"MixMonitor({plan.recordings}/{day}/${{{id_variable}}}.wav,{options})"


def _record(plan: PbxPlan) -> str:
    """Before somebody is rung. Who was answered before is recorded afresh (`names.RECORD_AGAIN`)."""
    afresh = (
        f'ExecIf($["${{MIXMONITOR_FILENAME}}" != "" & "${{CHANNEL(state)}}" = "Up"]?Gosub({names.RECORD_AGAIN},s,1))'
    )
    start = f'ExecIf($["${{MIXMONITOR_FILENAME}}" = ""]?{_start_recording(plan)})'
    return f"{afresh}\n same => n,{start}"


def _probed(plan: PbxPlan) -> list[Trunk]:
    """Trunks that are routes of an emergency centre, with an address of their own."""
    used = {dial.rpartition("@")[2] for centre in plan.centres for dial in centre.dials}
    return [trunk for trunk in plan.trunks if trunk.name in used and trunk.host]


def _phone_passwords(plan: PbxPlan) -> list[tuple[str, str]]:
    """Name of the phone's endpoint and its password; the name is what the seat's dial string says."""
    phones = [
        (LOCAL_PHONE.fullmatch(plan.rules.seats[seat_id].dial), secret)
        for seat_id, secret in plan.seat_passwords.items()
    ]
    return [(match[1], secret) for match, secret in phones if match]


def _seat(seat: SeatProfile) -> _Seat:
    return _Seat(seat.id, seat.dial, device(seat), phone(seat), seat.lamp, seat.remote)


def _beeps(count: int) -> str:
    """A list of tones: so many short beeps, up to nine, then a pause, round and round."""
    return ",".join([*["660/120,0/180"] * min(count, MOST_BEEPS), "0/1000"])


def _number(value: float) -> str:
    return f"{value:g}"
