"""The first configuration: ten numbers, as many agents and seats as wanted, and secrets that nobody else has.

`hotline init` and every sandbox begin with this. Nothing here is a default password: each secret is drawn from the
system's random source on the spot, and of a token only its SHA-256 goes into the configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from storage.keys import KEY_BYTES

SKILLS: Final = {
    "general": "综合",
    "hrss": "人社",
    "tax": "税务",
    "fund": "公积金",
    "medical": "医保",
    "legal": "公共法律服务",
}
OWN: Final = ("12345", "政务服务便民热线")
PARALLEL: Final = (
    ("12333", "人力资源和社会保障", "市人力资源和社会保障局", "hrss"),
    ("12366", "纳税缴费服务", "市税务局", "tax"),
    ("12329", "住房公积金", "市住房公积金管理中心", "fund"),
    ("12393", "医疗保障", "市医疗保障局", "medical"),
    ("12348", "公共法律服务", "市司法局", "legal"),
)
MERGED: Final = (
    ("96510", "原96510热线"),
    ("12336", "自然资源违法举报"),
    ("12312", "商务举报投诉"),
    ("96196", "交通服务"),
)
ZONES: Final = tuple(zone for *_, zone in PARALLEL)
EMERGENCY: Final = ("110", "119", "120", "122", "12395")


class StarterError(Exception):
    """Something is there already; the text says what to do."""


@dataclass(frozen=True, slots=True)
class StarterAgent:
    id: str
    zones: tuple[str, ...]  # the first is home
    next_zone: str | None  # cross-trained, at a low level

    @property
    def skills(self) -> dict[str, int]:
        own = {"general": 5 if self.zones else 8, **dict.fromkeys(self.zones, 8)}
        return own if self.next_zone is None or self.next_zone in own else {**own, self.next_zone: 2}


def starter_agents(seats: int, first_seat: int = 1001) -> list[StarterAgent]:
    """So that every zone has a skilled agent, whatever the number: few agents know several zones, of many agents about
    every sixth has none and takes everything."""
    ids = [str(first_seat + index) for index in range(seats)]
    if seats < len(ZONES):
        return [StarterAgent(id_, ZONES[index::seats], None) for index, id_ in enumerate(ids)]
    experts = seats // (len(ZONES) + 1) * len(ZONES) or len(ZONES)
    homes = list(islice(cycle(ZONES), experts))
    found = [
        StarterAgent(id_, (home,), ZONES[(ZONES.index(home) + 1) % len(ZONES)])
        for id_, home in zip(ids, homes, strict=False)
    ]
    return found + [StarterAgent(id_, (), None) for id_ in ids[experts:]]


def starter_config(
    *,
    seats: int = 12,
    first_seat: int = 1001,
    fastagi_port: int = 4573,
    http_port: int = 8345,
    ami_port: int = 5038,
    token_sha256: str | None = None,
    duty_telephone: str | None = None,
    cel_file: str | None = None,
) -> str:
    """The text of a `hotline.toml` that loads. Without `token_sha256` it has no [[token]].

    Raises:
        ValueError: fewer than one seat.
    """
    if seats < 1:
        raise ValueError("a hotline needs at least one seat")
    agents = starter_agents(seats, first_seat)
    duty = [agent.id for agent in agents[:2]]
    parts = [
        _head(fastagi_port, http_port, ami_port, cel_file),
        _token(token_sha256),
        _table("skills", SKILLS),
        *_lines(),
        *(_agent(agent) for agent in agents),
        *(_table("[seat]", {"id": agent.id, "dial": f"PJSIP/{agent.id}"}) for agent in agents),
        _TRUNKS,
        *(_emergency(number) for number in EMERGENCY),
        _fallback(duty, duty_telephone),
    ]
    return "\n".join(part for part in parts if part)


_HEAD: Final = """\
# The hotline's configuration. All times in seconds. Every key and its default: docs/configuration.md
# After a change: hotline check

timezone = "Asia/Shanghai"

[service]
fastagi  = "tcp:{fastagi_port}:interface=127.0.0.1"
http     = "127.0.0.1:{http_port}"
database = "sqlite+aiosqlite:///var/hotline.db"
data_dir = "var"
number_key_file = "secrets/number.key"  # keep a copy: without it stored caller numbers cannot be read
cli_token_file  = "secrets/cli.token"
seat_password_file = "secrets/seats"    # SIP passwords of the seats

[target]
answer_within_s = 15
ratio = 0.95

[[pbx]]
name = "pbx1"
ami = "127.0.0.1:{ami_port}"
user = "hotline"
secret_file = "secrets/ami"
"""
_TRUNKS: Final = """\
# Addresses of the trunks: put in those of your carrier and centres.
[[trunk]]
name = "carrier"
match = ["127.0.0.2"]
dial = "PJSIP/{number}@carrier"

[[trunk]]
name = "police"
match = ["127.0.0.3"]
dial = "PJSIP/{number}@police"
emergency = true

[[trunk]]
name = "department"
match = ["127.0.0.4"]
dial = "PJSIP/{number}@department"

# By which one a plain number is dialled, by whoever may dial one.
[dialing]
trunk = "carrier"
"""


def _head(fastagi_port: int, http_port: int, ami_port: int, cel_file: str | None) -> str:
    text = _HEAD.format(fastagi_port=fastagi_port, http_port=http_port, ami_port=ami_port)
    return text if cel_file is None else f"{text}cel_file = {json.dumps(cel_file)}\n"


def _token(sha256: str | None) -> str:
    return _table("[token]", {"name": "cli", "role": "engineer", "sha256": sha256}) if sha256 else ""


def _lines() -> list[str]:
    number, name = OWN
    own = _table("[line]", {"number": number, "name": name, "mode": "own"})
    parallel = [
        _table("[line]", {"number": number, "name": name, "mode": "parallel", "owner": owner, "zone": zone})
        for number, name, owner, zone in PARALLEL
    ]
    merged = [
        _table("[line]", {"number": number, "mode": "merged", "into": OWN[0], "subject": subject})
        for number, subject in MERGED
    ]
    return [own, *parallel, *merged]


def _agent(agent: StarterAgent) -> str:
    skills = ", ".join(f"{skill} = {level}" for skill, level in agent.skills.items())
    zone = {"zone": agent.zones[0]} if agent.zones else {}
    return _table("[agent]", {"id": agent.id, "name": f"坐席{agent.id}"} | zone) + f"skills = {{ {skills} }}\n"


def _emergency(number: str) -> str:
    routes = ", ".join(f'{{trunk = "{trunk}", number = "{number}"}}' for trunk in ("police", "carrier"))
    return _table("[emergency]", {"number": number}) + f"routes = [ {routes} ]\n"


def _fallback(duty_seats: Sequence[str], telephone: str | None) -> str:
    seats = ", ".join(f'"{seat}"' for seat in duty_seats)
    last = (
        f'duty_telephone = "{telephone}"' if telephone else '# duty_telephone = "PJSIP/NUMBER@carrier"  # last resort'
    )
    return f"[fallback]\nduty_seats = [{seats}]\n{last}\n"


def _table(name: str, pairs: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in pairs.items())


def random_password(_seat_id: str) -> str:
    return secrets.token_urlsafe(18)


def write_starter(
    folder: Path,
    *,
    seats: int = 12,
    first_seat: int = 1001,
    fastagi_port: int = 4573,
    http_port: int = 8345,
    ami_port: int = 5038,
    duty_telephone: str | None = None,
    cel_file: str | None = None,
    seat_password: Callable[[str], str] = random_password,
) -> Path:
    """Make `hotline.toml`, `secrets/` and `var/` in a folder; the path of the configuration.

    `seat_password`: seat id -> SIP password; sandboxes have passwords that people can remember.

    Raises:
        StarterError: one of the files exists. Nothing is overwritten: a lost number key is a lost archive.
        OSError: the folder cannot be written.
    """
    token = secrets.token_urlsafe(32)
    text = starter_config(
        seats=seats,
        first_seat=first_seat,
        fastagi_port=fastagi_port,
        http_port=http_port,
        ami_port=ami_port,
        token_sha256=hashlib.sha256(token.encode()).hexdigest(),
        duty_telephone=duty_telephone,
        cel_file=cel_file,
    )
    files = {
        folder / "secrets" / "number.key": f"{os.urandom(KEY_BYTES).hex()}\n".encode(),
        folder / "secrets" / "ami": f"{secrets.token_urlsafe(24)}\n".encode(),
        folder / "secrets" / "cli.token": f"{token}\n".encode(),
        folder / "secrets" / "seats": _seats_file(seats, first_seat, seat_password).encode(),
        folder / "hotline.toml": text.encode(),
    }
    if there := [str(file) for file in files if file.exists()]:
        raise StarterError(f"{', '.join(there)} exists; nothing was changed. Type: hotline init --folder ANOTHER")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("secrets", "var", "var/recordings"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    for file, content in files.items():
        _write_new(file, content, 0o644 if file.suffix == ".toml" else 0o600)
    return folder / "hotline.toml"


def _seats_file(seats: int, first_seat: int, seat_password: Callable[[str], str]) -> str:
    lines = [f"{agent.id} {seat_password(agent.id)}" for agent in starter_agents(seats, first_seat)]
    return "\n".join(["# SIP passwords of the seats: <seat id> <password>", *lines, ""])


def _write_new(file: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
