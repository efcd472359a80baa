"""What `hotline asterisk install` leaves in Asterisk's folder is a whole configuration: a real Asterisk starts with it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Seat
from sandbox.process import PeopleError
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.evidence import record
from tests.e2e.staging import nothing_left_over

ELSEWHERE = """\
[1002](hotline-seat-phone)
auth=1002
aors=1002
[1002]
type=auth
auth_type=userpass
username=1002
password=seat-1002
[1002](hotline-seat-aor)
"""


async def hotline(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Exit code and all output of a command, as a shell starts it."""
    command = [sys.executable, "-m", "service", *arguments, "--config", str(stage.config)]
    out = asyncio.subprocess.PIPE
    started = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=asyncio.subprocess.STDOUT)
    text, _ = await started.communicate()
    assert started.returncode is not None
    return started.returncode, text.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    """An Asterisk that was there before us; the folder it reads is written by the command alone."""
    listens = f'sip = "127.0.0.1:{ports.sip}"\nrtp_ports = [{ports.rtp_first}, {ports.rtp_last}]\n'
    stage = Stage(folder, asterisk, ports, seats=3, edit=lambda text: text.replace("[[pbx]]\n", f"[[pbx]]\n{listens}"))
    (stage.folder / "secrets" / "seats").write_text("1001 seat-1001\n1003 another-one\n")
    folders = stage.sandbox.folders
    rows = {f"ast{name}dir": path for name, path in folders.texts().items() if name not in ("moddir", "varlib")}
    rows |= {"astmoddir": str(folders.moddir), "astvarlibdir": str(folders.varlib)}
    rows["astkeydir"] = rows.pop("astkeysdir")
    theirs = "[directories]\n" + "".join(f"{key} => {path}\n" for key, path in rows.items())
    stage.sandbox.write({"asterisk.conf": theirs, "pjsip_local.conf": ELSEWHERE})
    where = ("--folder", str(folders.etc), "--asterisk", asterisk.version)
    code, said = await hotline(stage, "asterisk", "install", *where)
    assert code == 0, said
    try:
        await stage.sandbox.start({path.name: path.read_text() for path in folders.etc.iterdir()})
        await stage.start_service()
        yield stage
    finally:
        await stage.stop()


@pytest.mark.parametrize("user", ["1001", "1002"])
async def test_seats_phone_registers_with_its_password_and_takes_a_call(stage: Stage, user: str) -> None:
    async with Seat(stage.pbx, user, stage.folder / f"seat-{user}") as seat:
        async with Caller(
            stage.pbx, "12345", stage.folder / f"caller-{user}", caller=f"1380000{user}", talk_s=0.3
        ) as caller:
            leg = await caller.until_ended()
        assert leg.code == 200
        assert len(seat.legs) == 1
    assert (await record(stage, caller)).seat_id == user
    await nothing_left_over(stage)


async def test_phone_with_a_password_that_is_not_in_the_file_stays_out(stage: Stage) -> None:
    seat = Seat(stage.pbx, "1003", stage.folder / "seat-1003")
    with pytest.raises(PeopleError):
        await seat.start(2.0)
    await seat.stop()
    assert "another-one" not in stage.sandbox.words(200)


async def test_installed_files_are_what_the_command_would_render_again(stage: Stage) -> None:
    where = ("--folder", str(stage.sandbox.folders.etc), "--asterisk", stage.sandbox.asterisk.version)
    code, said = await hotline(stage, "asterisk", "diff", *where)
    assert (code, said) == (0, "")


async def test_asterisk_has_loaded_every_file_without_a_complaint(stage: Stage) -> None:
    words = stage.sandbox.words(500)
    assert not [line for line in words.splitlines() if "ERROR" in line], words
