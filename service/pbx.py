"""From `hotline.toml` to the plan that Asterisk's configuration is rendered from."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.plan import NOBODY_NAMED, Centre, Directories, PbxPlan, RunAs, Trunk
from service.settings import Settings
from service.settings_tables import PbxTable, TrunkTable
from service.snapshots import SNAPSHOT_FILE

DEBIAN: Final = Directories(
    etc="/etc/asterisk",
    moddir="/usr/lib/x86_64-linux-gnu/asterisk/modules",
    varlib="/var/lib/asterisk",
    data="/usr/share/asterisk",
    keys="/var/lib/asterisk",
    agi="/usr/share/asterisk/agi-bin",
    spool="/var/spool/asterisk",
    run="/var/run/asterisk",
    log="/var/log/asterisk",
    db="/var/lib/asterisk",
)


@dataclass(frozen=True, slots=True)
class SipSide:
    """What only the SIP side knows: where it listens, which RTP ports it may use, how seats prove who they are."""

    bind: str
    port: int
    rtp: tuple[int, int]
    seat_passwords: Mapping[str, str]  # seats without one are configured elsewhere


def sip_side(settings: Settings, pbx: PbxTable) -> SipSide:
    """As the configuration says. Raises SecretError."""
    host, port = pbx.sip_address
    return SipSide(host, port, pbx.rtp_ports, settings.seat_passwords())


def plan_of(
    settings: Settings,
    pbx: PbxTable,
    *,
    sip: SipSide,
    directories: Directories = DEBIAN,
    run_as: RunAs = NOBODY_NAMED,
    version: tuple[int, ...] = (22, 10),
) -> PbxPlan:
    """Everything `config.render.render` needs for one Asterisk. Raises SecretError."""
    fastagi_host, fastagi_port = settings.service.fastagi_address
    ami_host, ami_port = pbx.ami_address
    return PbxPlan(
        rules=settings.rules(),
        trunks=tuple(_trunk(trunk) for trunk in settings.trunks),
        centres=_centres(settings),
        duty_seats=tuple(seat.id for seat in settings.duty_seats),
        duty_telephone=settings.fallback.duty_telephone or "",
        fastagi_host=fastagi_host,
        fastagi_port=fastagi_port,
        ami_bind=ami_host,
        ami_port=ami_port,
        ami_user=pbx.user,
        ami_secret=settings.ami_secret(pbx),
        sip_bind=sip.bind,
        sip_port=sip.port,
        rtp=sip.rtp,
        seat_passwords=dict(sip.seat_passwords),
        directories=directories,
        run_as=run_as,
        fallback_script=fallback_script(),
        snapshot=str(settings.data_dir.resolve() / SNAPSHOT_FILE),
        asterisk_version=version,
        voice_notice=str(settings.voice_notice or ""),
        test_caller=settings.probe_caller(),
        test_talk_s=settings.probe.talk_s,
        test_voice=str(settings.probe_voice or ""),
        records=settings.recording.enabled,
        recordings_directory=str(settings.recordings_dir),
        timezone=settings.timezone,
    )


def _trunk(trunk: TrunkTable) -> Trunk:
    hosts = [source for source in trunk.match if "/" not in source]
    return Trunk(
        trunk.name,
        tuple(trunk.match),
        trunk.dial,
        trunk.emergency,
        trunk.answer_notice_after_s,
        host=hosts[0] if hosts else "",
        lost_after_s=trunk.lost_after_s,
        cases=trunk.takes_cases,
        case_prefix=trunk.case_prefix,
    )


def _centres(settings: Settings) -> tuple[Centre, ...]:
    dials = {trunk.name: trunk.dial for trunk in settings.trunks}
    return tuple(
        Centre(
            table.number,
            tuple(dials[route.trunk].replace("{number}", route.number) for route in table.routes),
            table.first_sound_s,
            table.answer_s,
        )
        for table in settings.emergencies
    )


def fallback_script() -> str:
    """The program beside this Python that Asterisk starts when the service is out of reach."""
    beside = Path(sys.executable).with_name("hotline-fallback-agi")
    return str(beside) if beside.exists() else shutil.which("hotline-fallback-agi") or str(beside)
