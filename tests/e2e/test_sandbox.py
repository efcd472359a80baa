"""The sandbox itself, on a bare `Dial`: callers, seats, audio, and nothing left over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import astuple
from pathlib import Path

import pytest

from sandbox import bare, process
from sandbox.instance import Ports, Sandbox, SandboxError, State
from sandbox.people import CARRIER, CENTRE, Caller, Callers, Listener, Plan, Seat, Seats
from sandbox.process import PeopleError
from sandbox.root import Asterisk
from sandbox.scenario import BUSY, REJECTS, RINGS_FOR_EVER, SILENT, Habit
from sandbox.waiting import until
from tests.slots import beside

USERS = [str(user) for user in range(1001, 1010)]


@pytest.fixture(scope="module")
async def pbx(asterisk: Asterisk, ports: Ports, folder: Path) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(folder / "pbx", asterisk, ports)
    await sandbox.start(bare.configuration(sandbox.folders, ports, USERS, rtp_timeout_s=2))
    yield sandbox
    await sandbox.stop()


@pytest.fixture
def address(pbx: Sandbox) -> tuple[str, int]:
    return "127.0.0.1", pbx.ports.sip


@pytest.fixture(autouse=True)
async def nothing_left_over(pbx: Sandbox) -> AsyncIterator[None]:
    yield
    await until(lambda: _no_channels(pbx), 40, "no channel is left")


async def _no_channels(pbx: Sandbox) -> bool:
    return "0 active channels" in await pbx.cli("core show channels count")


async def _packets(pbx: Sandbox) -> list[int]:
    """Audio packets received so far on each leg."""
    rows = [line.split() for line in (await pbx.cli("pjsip show channelstats")).splitlines() if "alaw" in line]
    return [int(row[row.index("alaw") + 1]) for row in rows]


async def test_caller_reaches_a_seat_they_hear_each_other_and_both_see_the_end(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with (
        Seat(address, "1001", folder, habit=Habit(ring_s=0.2)) as seat,
        Caller(address, "1001", folder, caller="13800000001") as caller,
    ):
        await caller.until_talking()

        async def heard() -> bool:
            packets = await _packets(pbx)
            return len(packets) == 2 and min(packets) > 20

        await until(heard, 10, "audio from both ends")
        await caller.hang_up()
        saw = await caller.until_ended()
        served = await seat.until_ended()
    assert (saw.code, saw.ended_by, saw.rings) == (200, "us", 1)
    assert (served.code, served.ended_by, served.number) == (200, "them", "1001")
    assert saw.ringing_s is not None
    assert saw.answer_s is not None
    assert 0 < saw.ringing_s < saw.answer_s
    assert "<sip:13800000001@" in seat.invite()


async def test_seat_that_says_goodbye_ends_the_callers_call(address: tuple[str, int], folder: Path) -> None:
    async with Seat(address, "1001", folder, habit=Habit(talk_s=0.3)), Caller(address, "1001", folder) as caller:
        assert (await caller.until_ended()).ended_by == "them"


@pytest.mark.parametrize(("habit", "code"), [(BUSY, 486), (REJECTS, 403), (Habit(code=480), 480)])
async def test_refusal_of_the_seat_reaches_the_caller(
    address: tuple[str, int], folder: Path, habit: Habit, code: int
) -> None:
    async with Seat(address, "1002", folder, habit=habit) as seat, Caller(address, "1002", folder) as caller:
        saw = await caller.until_ended()
        assert (await seat.until_ended()).ended_by == "us"
    assert (saw.code, saw.ended_by) == (code, "them")


async def test_caller_who_loses_patience_cancels_and_the_seat_stops_ringing(
    address: tuple[str, int], folder: Path
) -> None:
    async with (
        Seat(address, "1003", folder, habit=RINGS_FOR_EVER) as seat,
        Caller(address, "1003", folder, patience_s=0.4) as caller,
    ):
        saw = await caller.until_ended()
        served = await seat.until_ended()
    assert (saw.code, saw.ended_by) == (487, "us")
    assert (served.code, served.ended_by) == (487, "them")


async def test_seat_picks_up_when_told(address: tuple[str, int], folder: Path) -> None:
    async with (
        Seat(address, "1003", folder, habit=RINGS_FOR_EVER) as seat,
        Caller(address, "1003", folder, talk_s=0.2) as caller,
    ):
        await seat.until_ringing()
        await seat.pick_up()
        assert (await caller.until_ended()).code == 200


async def test_silent_seat_says_nothing_to_a_call_and_is_still_there(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with (
        Seat(address, "1004", folder, habit=SILENT) as seat,
        Caller(address, "1004", folder) as caller,
    ):
        await seat.until(bool)
        await pbx.cli("pjsip qualify 1004")
        await until(lambda: _is_there(pbx, "1004"), 10)
        assert seat.leg.state == "calling"
        await caller.hang_up()
        assert (await caller.until_ended()).code == 487


async def _is_there(pbx: Sandbox, user: str) -> bool:
    return any(f" {user}/" in line and "Avail" in line for line in (await pbx.cli("pjsip show contacts")).splitlines())


async def test_seat_is_qualified_while_it_talks(pbx: Sandbox, address: tuple[str, int], folder: Path) -> None:
    async with Seat(address, "1005", folder) as seat, Caller(address, "1005", folder) as caller:
        await caller.until_talking()
        asked = seat.questions()
        await pbx.cli("pjsip qualify 1005")
        await until(lambda: seat.questions() > asked, 10, "an OPTIONS arrives")
        assert await _is_there(pbx, "1005")
        assert caller.leg.state == "talking"


async def test_seat_that_sends_no_more_sound_loses_its_call(address: tuple[str, int], folder: Path) -> None:
    async with Seat(address, "1005", folder) as seat, Caller(address, "1005", folder) as caller:
        await caller.until_talking()
        await seat.mute()
        assert (await caller.until_ended(15)).ended_by == "them"
        assert (await seat.until_ended()).ended_by == "them"


@pytest.mark.parametrize("way", ["kill", "freeze"])
async def test_phone_that_dies_in_talk_is_noticed_by_its_missing_sound(
    address: tuple[str, int], folder: Path, way: str
) -> None:
    seat = Seat(address, "1006", folder)
    await seat.start()
    async with Caller(address, "1006", folder) as caller:
        await caller.until_talking()
        getattr(seat, way)()
        assert (await caller.until_ended(15)).ended_by == "them"
    seat.thaw()
    await seat.stop()


async def test_seat_signs_out_when_it_stops_and_not_when_it_dies(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with Seat(address, "1007", folder):
        assert " 1007/" in await pbx.cli("pjsip show contacts")
    assert " 1007/" not in await pbx.cli("pjsip show contacts")
    seat = Seat(address, "1007", folder)
    await seat.start()
    seat.kill()
    assert " 1007/" in await pbx.cli("pjsip show contacts")


async def test_seat_takes_another_habit_at_the_same_address(address: tuple[str, int], folder: Path) -> None:
    async with Seat(address, "1002", folder, habit=BUSY) as seat:
        port = seat.sipp.port
        await seat.become(Habit())
        assert seat.sipp.port == port
        async with Caller(address, "1002", folder, talk_s=0.1) as caller:
            assert (await caller.until_ended()).code == 200


async def test_wrong_password_is_refused(asterisk: Asterisk, address: tuple[str, int], folder: Path) -> None:
    with pytest.raises(PeopleError, match="not registered"):
        await Seat(address, "1999", folder).start(limit_s=1.5)


async def test_many_callers_each_with_a_plan_and_a_report(address: tuple[str, int], folder: Path) -> None:
    plans = [Plan(USERS[n % 6], caller=f"1380000{n:04}", talk_s=0.2 + 0.02 * n) for n in range(30)]
    plans += [Plan("1009", patience_s=0.3) for _ in range(5)]
    async with (
        Seats(address, USERS[:6], folder, habit=Habit(ring_s=0.05)) as seats,
        Seat(address, "1009", folder, habit=RINGS_FOR_EVER),
        Callers(address, plans, folder, per_s=20) as callers,
    ):
        await callers.until_all_ended(40)
        reports = callers.reports()
        served = await seats.until(lambda legs: sum(leg.state == "ended" for leg in legs) >= 30)
    assert [leg.number for leg in reports if leg] == [plan.number for plan in plans]
    assert [leg.code for leg in reports if leg] == [200] * 30 + [487] * 5
    talks = [leg.talk_s for leg in reports if leg and leg.talk_s]
    assert talks[29] > talks[0]
    assert len(served) == 30


@pytest.mark.parametrize(
    "header",
    [
        '"a \\"quoted\\" one" <sip:13800000001@127.0.0.2>',
        """"'); DROP TABLE calls; -- ${SHELL(id)}" <sip:'or'1'='1;$id@127.0.0.2>""",
        "<sip:1380%0d%0aX-Evil:%20yes@127.0.0.2>",
        f'"{"长" * 3000}" <sip:{"9" * 200}@127.0.0.2>',
        '"Anonymous" <sip:anonymous@anonymous.invalid>',
    ],
)
async def test_any_text_can_be_a_callers_name(address: tuple[str, int], folder: Path, header: str) -> None:
    """The bare PBX may refuse such a caller, but caller and PBX go on."""
    async with Seat(address, "1001", folder), Caller(address, "1001", folder, from_header=header, talk_s=0.1) as caller:
        assert (await caller.until_ended()).code in {200, 400}
        async with Caller(address, "1001", folder, talk_s=0.1) as usual:
            assert (await usual.until_ended()).code == 200


async def test_request_that_the_pbx_cannot_parse_hurts_nobody_else(address: tuple[str, int], folder: Path) -> None:
    async with Seat(address, "1001", folder), Caller(address, "1001", folder, from_header="<sip:${X}@@;;") as caller:
        await caller.until(bool)
        async with Caller(address, "1001", folder, talk_s=0.1) as usual:
            assert (await usual.until_ended()).code == 200
        assert caller.leg.code is None
        caller.kill()


async def test_centre_answers_at_its_address_without_registering(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with Listener(address, CENTRE, pbx.ports.far, folder) as centre, Caller(address, "110", folder) as caller:
        await caller.until_talking()
        await centre.hang_up()
        assert (await caller.until_ended()).ended_by == "them"
        assert centre.leg.number == "110"


async def test_seats_are_back_without_doing_anything_after_a_restart(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with Seat(address, "1008", folder):
        before = pbx.pid
        await pbx.restart()
        assert pbx.pid != before
        async with Caller(address, "1008", folder, talk_s=0.1) as caller:
            assert (await caller.until_ended()).code == 200


async def test_frozen_asterisk_answers_nothing_until_it_is_thawed(pbx: Sandbox) -> None:
    pbx.freeze()
    with pytest.raises(SandboxError, match="no answer"):
        await pbx.cli("core show uptime", limit_s=0.5)
    pbx.thaw()
    assert "uptime" in (await pbx.cli("core show uptime")).lower()


async def test_second_start_and_a_taken_port_are_one_clear_line(
    pbx: Sandbox, asterisk: Asterisk, ports: Ports, folder: Path
) -> None:
    with pytest.raises(SandboxError, match="runs already"):
        await pbx.start({})
    with pytest.raises(SandboxError, match=f"port {ports.sip}.*--slot"):
        await Sandbox(folder / "other", asterisk, ports).start({})


async def test_folder_with_other_things_in_it_is_left_alone(asterisk: Asterisk, ports: Ports, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    with pytest.raises(SandboxError, match="other things"):
        Sandbox(tmp_path, asterisk, ports).write({})
    assert (tmp_path / "etc").is_dir()


async def test_state_file_finds_a_running_sandbox_and_forgets_a_dead_one(
    pbx: Sandbox, asterisk: Asterisk, ports: Ports
) -> None:
    assert State.read(pbx.folder) is not None
    other = Sandbox(pbx.folder, asterisk, ports)
    assert other.pid == pbx.pid
    await pbx.kill()
    assert State.read(pbx.folder) is None
    assert other.pid is None
    await pbx.restart()


async def test_configuration_that_cannot_boot_is_an_error_with_asterisks_last_words(
    asterisk: Asterisk, folder: Path, ports: Ports
) -> None:
    """No folder for modules: Asterisk ends by itself."""
    other = Sandbox(folder / "broken", asterisk, beside(ports, 1))
    with pytest.raises(SandboxError, match="ended while it started"):
        await other.start({"asterisk.conf": "[directories]\nastrundir => /proc/nowhere\n"})
    assert other.pid is None


async def test_stopped_sandbox_leaves_no_process(asterisk: Asterisk, folder: Path, ports: Ports) -> None:
    second = beside(ports, 2)
    other = Sandbox(folder / "second", asterisk, second)
    await other.start(bare.configuration(other.folders, second, ["1001"]))
    pid = other.pid
    assert pid is not None
    await other.stop()
    assert other.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await asyncio.wait_for(other.stop(), 1)


_STARTS_ALL = """
import asyncio, sys
from pathlib import Path
from sandbox import bare, root
from sandbox.instance import Ports, Sandbox
from sandbox.people import Seat
async def main(folder, ports):
    sandbox = Sandbox(folder / "pbx", root.find(), ports)
    await sandbox.start(bare.configuration(sandbox.folders, ports, ["1001"]))
    seat = Seat(("127.0.0.1", ports.sip), "1001", folder)
    await seat.start()
    print("up", flush=True)
    await asyncio.Event().wait()
asyncio.run(main(Path(sys.argv[1]), Ports(*map(int, sys.argv[2:]))))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_killed_starter_takes_asterisk_and_people_with_it(
    folder: Path, ports: Ports, number: signal.Signals
) -> None:
    mine = folder / f"starter-{number.name}"
    place = 3 if number is signal.SIGKILL else 4
    argv = [sys.executable, "-c", _STARTS_ALL, str(mine), *map(str, astuple(beside(ports, place)))]
    starter = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert starter.stdout is not None
    assert await asyncio.wait_for(starter.stdout.readline(), 60) == b"up\n"
    assert len(_processes_in(mine)) == 2
    starter.send_signal(number)
    await starter.wait()
    await until(lambda: not _processes_in(mine), 10, "no process is left")


def _processes_in(folder: Path) -> list[int]:
    """Processes, other than zombies, that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and (entry / "cwd").resolve().is_relative_to(folder.resolve()):
                found.append(int(entry.name))
    return found


async def test_sandbox_commands_bring_one_up_show_it_and_end_it(folder: Path, slot: int, ports: Ports) -> None:
    where, mine = str(folder / "commanded"), beside(ports, 5)
    wanted = [f"--{name}-port={getattr(mine, name)}" for name in ("sip", "ami", "fastagi", "http")]
    code, out, err = await _hotline("up", "--folder", where, "--slot", str(slot), *wanted)
    assert code == 0, err
    assert "is up" in out
    code, out, _ = await _hotline("status", "--folder", where, "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert (row["folder"], row["calls"]) == (where, 0)
    code, _, err = await _hotline("up", "--folder", where)
    assert code == 2
    assert "choose another --folder" in err
    assert (await _hotline("down", "--folder", where))[0] == 0
    assert not _processes_in(Path(where))
    assert (await _hotline("status", "--folder", where, "--json"))[:2] == (1, "[]\n")


async def _hotline(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `hotline sandbox ...`."""
    program = str(Path(sys.executable).with_name("hotline"))
    pipe = asyncio.subprocess.PIPE
    ran = await asyncio.create_subprocess_exec(program, "sandbox", *arguments, stdout=pipe, stderr=pipe)
    out, err = await ran.communicate()
    return ran.returncode or 0, out.decode(), err.decode()


async def test_phone_whose_port_somebody_took_gets_another(
    address: tuple[str, int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind((CARRIER, 0))
        taken = int(other.getsockname()[1])
        choice = iter([taken, process.free_port(CARRIER)])
        monkeypatch.setattr(process, "free_port", lambda ip: next(choice))
        async with Caller(address, "9999", folder) as caller:
            assert caller.sipp.port != taken
            assert (await caller.until_ended()).code == 404
        with pytest.raises(PeopleError, match="Address already in use"):
            await Listener(address, CARRIER, taken, folder).start()
