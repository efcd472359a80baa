"""A small plan to render, every part of it as it might be in a city."""

from __future__ import annotations

from config.plan import Directories, PbxPlan, Trunk
from routing.model import Line, Mode, Rules, SeatProfile, Timing

LINES = {
    "12345": Line("12345", "政务服务便民热线"),
    "12333": Line("12333", "人力资源和社会保障", Mode.PARALLEL),
    "12336": Line("12336", "", Mode.MERGED, into="12345", subject="自然资源违法举报"),
}
SEATS = {
    "1001": SeatProfile("1001", "PJSIP/1001"),
    "desk-2_b": SeatProfile("desk-2_b", "PJSIP/phone.7"),
    "9001": SeatProfile("9001", "PJSIP/13800000009@carrier", remote=True),
}
DIRECTORIES = Directories(
    etc="/etc/asterisk",
    moddir="/usr/lib/asterisk/modules",
    varlib="/var/lib/asterisk",
    data="/usr/share/asterisk",
    keys="/var/lib/asterisk/keys",
    agi="/usr/share/asterisk/agi-bin",
    spool="/var/spool/asterisk",
    run="/run/asterisk",
    log="/var/log/asterisk",
    db="/var/lib/asterisk",
)


def plan(**other: object) -> PbxPlan:
    """The plan, with these fields otherwise."""
    values: dict[str, object] = {
        "rules": Rules(Timing(), LINES, {}, SEATS),
        "trunks": (
            Trunk("carrier", ("192.0.2.0/24", "198.51.100.7"), "PJSIP/{number}@carrier", host="192.0.2.1"),
            Trunk("police", ("203.0.113.5",), "PJSIP/{number}@police", emergency=True),
        ),
        "duty_seats": ("1001", "9001"),
        "duty_telephone": "PJSIP/13800000000@carrier",
        "fastagi_host": "127.0.0.1",
        "fastagi_port": 4573,
        "ami_bind": "127.0.0.1",
        "ami_port": 5038,
        "ami_user": "hotline",
        "ami_secret": "s3cret",
        "sip_bind": "192.0.2.10",
        "sip_port": 5060,
        "rtp": (10000, 20000),
        "seat_passwords": {"1001": "seat-1001", "desk-2_b": "p@ss"},
        "directories": DIRECTORIES,
        "fallback_script": "/opt/hotline/bin/hotline-fallback-agi",
        "snapshot": "/var/lib/hotline/snapshot.json",
        "asterisk_version": (22, 10, 1),
        **other,
    }
    return PbxPlan(**values)  # type: ignore[arg-type]


def rules(**other: object) -> Rules:
    values: dict[str, object] = {"timing": Timing(), "lines": LINES, "agents": {}, "seats": SEATS, **other}
    return Rules(**values)  # type: ignore[arg-type]
