"""Records the transcripts beside this file from a real Asterisk: `ASTERISK=16 python -m tests.transcripts.ami.record`.

The PBX runs the configuration that we deliver, seats and callers are SIPp's, and a small AGI server decides what each
story wants. The wire is what an AMI session of the service's own user gets; twice a second it also asks for the
lists of a rebuild, so the folder shows both: what happened, and what Asterisk said of itself in between.

Numbers of callers are invented here. Give names of scenarios to record only those.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from config.render import write
from sandbox import root
from sandbox.instance import Ports
from sandbox.people import CARRIER, Caller, Listener, Seats
from sandbox.scenario import BUSY, REJECTS, RINGS_FOR_EVER, SILENT, Habit
from sandbox.waiting import until
from service.cli.stage import Stage
from telephony import names
from tests.slots import own_slot

HERE = Path(__file__).parent
LOOK_S = 0.5
RING_S = 2
REMOTE, REMOTE_S = "2001", 9
REMOTE_SEAT = f"""
[timing]
remote_ring_s = 5
remote_confirm_s = 2

[[seat]]
id = "{REMOTE}"
telephone = "13900000001"
trunk = "carrier"
"""


@dataclass
class Decider:
    """Answers `/route` with the next decision, then holds the caller; `/after` with `after`, later with a goodbye."""

    rounds: list[str]
    after: names.Verb = names.Verb.GOODBYE
    ring_s: int = RING_S
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\n\n")).decode()
        decision = self.decide("agi_network_script: after" in head)
        if decision is None:
            await reader.read()  # held until the caller or the lease ends it
        else:
            writer.write(f'SET VARIABLE {names.DECISION} "{decision}"\n'.encode())
            await reader.readline()
        writer.close()

    def decide(self, after: bool) -> str | None:
        deadline_ms = int((time.time() + 2) * 1000)
        if after:
            verb, self.after = self.after, names.Verb.GOODBYE
            return names.decision(verb, deadline_ms=deadline_ms)
        self.asked += 1
        if self.asked > len(self.rounds):
            return None
        seats = self.rounds[self.asked - 1]
        if seats == names.Verb.FALLBACK:
            return names.decision(names.Verb.FALLBACK, deadline_ms=deadline_ms)
        return names.decision(names.Verb.PRESENT, f"p{self.asked}", deadline_ms, self.ring_s, tuple(seats.split("&")))


@dataclass(frozen=True)
class Story:
    """`seats`: habit by user; `play` does the callers' part, and that of the remote agent when `remote` is his habit."""

    about: str
    rounds: list[str]
    seats: dict[str, Habit]
    play: Callable[[Lab], Awaitable[None]]
    after: names.Verb = names.Verb.GOODBYE
    remote: Habit | None = None


@dataclass
class Lab:
    stage: Stage
    folder: Path
    telephone: Listener

    def caller(self, number: str = "12345", **more: object) -> Caller:
        return Caller(self.stage.pbx, number, self.folder, name="市民", **more)  # type: ignore[arg-type]


async def _one_caller(lab: Lab, *, talk_s: float | None = None, patience_s: float | None = None) -> None:
    async with lab.caller(talk_s=talk_s, patience_s=patience_s) as caller:
        await caller.until_ended(40)


async def _patient(lab: Lab) -> None:
    await _one_caller(lab)


async def _talks_half_a_second(lab: Lab) -> None:
    await _one_caller(lab, talk_s=0.5)


async def _gives_up(lab: Lab) -> None:
    await _one_caller(lab, patience_s=0.8)


async def _two_callers(lab: Lab) -> None:
    async with lab.caller() as first, lab.caller("12333", caller="13800000002", talk_s=0.6) as second:
        await first.until_ended(40)
        await second.until_ended(40)


async def _unknown_number(lab: Lab) -> None:
    async with lab.caller("99999") as caller:
        await caller.until_ended(10)


async def _without_number(lab: Lab) -> None:
    async with lab.caller(from_header='"Anonymous" <sip:anonymous@anonymous.invalid>', talk_s=0.3) as caller:
        await caller.until_ended(10)


async def _confirmed_at_the_second_time(lab: Lab) -> None:
    async with lab.caller(talk_s=0.5) as caller:
        await lab.telephone.until(lambda legs: len(legs) == 2 and legs[1].state == "talking", 40)
        await asyncio.sleep(LOOK_S)  # a list that shows him asked
        await lab.telephone.press("1")
        await caller.until_ended(40)


SHORT = Habit(ring_s=0.3, talk_s=0.5)
LATE = Habit(ring_s=0.6, talk_s=0.5)
LATER = Habit(ring_s=1.2, talk_s=0.5)
WAITS = Habit(ring_s=0.3)
DIES = Habit(ring_s=0.3, audio_s=0.3)

STORIES = {
    "caller_hangs_up": Story("answered, the caller says goodbye", ["1001"], {"1001": WAITS}, _talks_half_a_second),
    "agent_hangs_up": Story("answered, the agent says goodbye", ["1001"], {"1001": SHORT}, _patient),
    "phone_lost_and_back": Story(
        "the phone dies in talk (no RTP for 2 s); the caller is brought back and answered at the next seat",
        ["1001", "1002"],
        {"1001": DIES, "1002": SHORT},
        _patient,
        names.Verb.BACK,
    ),
    "phone_lost_call_ends": Story(
        "the phone dies in talk and nobody brings the caller back", ["1001"], {"1001": DIES}, _patient
    ),
    "abandon_while_ringing": Story(
        "the caller gives up while 1001 rings", ["1001"], {"1001": RINGS_FOR_EVER}, _gives_up
    ),
    "abandon_while_held": Story("the caller gives up while nobody is presented", [], {}, _gives_up),
    "rings_out_then_next": Story(
        "1001 lets it ring, 1002 answers", ["1001", "1002"], {"1001": RINGS_FOR_EVER, "1002": SHORT}, _patient
    ),
    "busy_rejected_then_next": Story(
        "1001 is busy, 1002 rejects (603), 1003 answers",
        ["1001", "1002", "1003"],
        {"1001": BUSY, "1002": REJECTS, "1003": SHORT},
        _patient,
    ),
    "dead_phone_then_next": Story(
        "1001 says nothing at all, 1002 answers", ["1001", "1002"], {"1001": SILENT, "1002": SHORT}, _patient
    ),
    "several_seats": Story(
        "three seats ring at once, 1002 answers and says goodbye",
        ["1001&1002&1003"],
        {"1001": RINGS_FOR_EVER, "1002": LATE, "1003": RINGS_FOR_EVER},
        _patient,
    ),
    "several_seats_caller_hangs_up": Story(
        "two seats ring at once, 1002 answers, the caller says goodbye",
        ["1001&1002"],
        {"1001": RINGS_FOR_EVER, "1002": WAITS},
        _talks_half_a_second,
    ),
    "several_seats_abandoned": Story(
        "two seats ring at once, the caller gives up",
        ["1001&1002"],
        {"1001": RINGS_FOR_EVER, "1002": RINGS_FOR_EVER},
        _gives_up,
    ),
    "several_seats_phone_lost": Story(
        "two seats ring at once, 1002 answers and dies in talk",
        ["1001&1002"],
        {"1001": RINGS_FOR_EVER, "1002": DIES},
        _patient,
    ),
    "fallback_by_queue": Story(
        "the dialplan alone: the duty queue rings a busy seat, then one that answers",
        [names.Verb.FALLBACK],
        {"1001": BUSY, "1002": SHORT},
        _patient,
    ),
    "remote_seat": Story(
        "a remote seat: a mailbox picks up first, then the agent does and presses 1; the caller says goodbye",
        [REMOTE, REMOTE],
        {},
        _confirmed_at_the_second_time,
        remote=WAITS,
    ),
    "remote_seat_beside_a_phone": Story(
        "a remote seat and a phone ring at once; a mailbox picks up, and the phone answers while it is asked for the key",
        [f"{REMOTE}&1001"],
        {"1001": LATER},
        _patient,
        remote=WAITS,
    ),
    "two_calls": Story(
        "two calls at once, each with its own seat", ["1001", "1002"], {"1001": LATE, "1002": WAITS}, _two_callers
    ),
    "unknown_number": Story("a number that is not ours", [], {}, _unknown_number),
    "number_withheld": Story("a caller without a number", ["1001"], {"1001": WAITS}, _without_number),
}


async def record(stage: Stage, name: str, story: Story) -> None:
    """One story: its wire, its first words of explanation. `expected.txt` is written by hand or by the tests."""
    folder = HERE / (name if stage.sandbox.asterisk.version.startswith("22.") else f"{name}_on_16")
    folder.mkdir(exist_ok=True)
    decider = Decider(list(story.rounds), story.after, RING_S if story.remote is None else REMOTE_S)
    agi = await asyncio.start_server(decider.serve, "127.0.0.1", stage.ports.fastagi)
    with tempfile.TemporaryDirectory() as scratch:
        telephone = Listener(stage.pbx, CARRIER, stage.ports.far, Path(scratch), habit=story.remote or RINGS_FOR_EVER)
        lab = Lab(stage, Path(scratch), telephone)
        seats = [Seats(stage.pbx, [user], lab.folder, habit=habit) for user, habit in story.seats.items()]
        for phone in (*seats, telephone):
            await phone.start()
        await until(lambda: _free(stage, list(story.seats)), 20, "seats are free")
        await stage.sandbox.cli(f"dialplan set global {names.FROZEN_UNTIL} 0")
        async with _wire(stage) as read:
            await story.play(lab)
            await until(lambda: _quiet(stage), 20, "no channel is left")
        for phone in (*seats, telephone):
            await phone.stop()
    agi.close()
    (folder / "wire.ami").write_bytes(read)
    version = stage.sandbox.asterisk.version
    (folder / "about.md").write_text(
        f"# {name}\n\n{story.about[0].upper()}{story.about[1:]}.\n\nAsterisk {version} with the delivered dialplan, "
        "rtp_timeout=2, SIPp as seats and callers; numbers invented.\n"
    )


async def _free(stage: Stage, users: list[str]) -> bool:
    shown = await stage.sandbox.cli("pjsip show endpoints")
    return all(re.search(rf"Endpoint:\s+{user}\S*\s+Not in use", shown) for user in users)


async def _quiet(stage: Stage) -> bool:
    return "0 active channels" in await stage.sandbox.cli("core show channels count")


@asynccontextmanager
async def _wire(stage: Stage) -> AsyncIterator[bytearray]:
    """Everything that Asterisk writes to one AMI session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.ports.ami)
    secret = stage.settings.ami_secret(stage.settings.pbxs[0])
    user = stage.settings.pbxs[0].user
    writer.write(f"Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\nEvents: system,call,user\r\n\r\n".encode())
    read = bytearray()

    async def listen() -> None:
        while data := await reader.read(65536):
            read.extend(data)

    async def look() -> None:
        number = 0
        while True:
            number += 1
            for action, label in (("DeviceStateList", "devices"), ("CoreShowChannels", "channels")):
                writer.write(f"Action: {action}\r\nActionID: {label}-{number}\r\n\r\n".encode())
            await asyncio.sleep(LOOK_S)

    tasks = [asyncio.create_task(listen()), asyncio.create_task(look())]
    try:
        yield read
        await until(lambda: read.count(b"ListItems: 0") and read.endswith(b"\r\n\r\n"), 5, "a last, empty list")
    finally:
        for task in tasks:
            task.cancel()
        writer.close()


async def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch, own_slot() as slot:
        stage = Stage(Path(scratch), root.find(), Ports.of_slot(slot), seats=3, edit=lambda text: text + REMOTE_SEAT)
        stage.sandbox.write({})
        files = {name: text.replace("rtp_timeout=15", "rtp_timeout=2") for name, text in write(stage.plan()).items()}
        await stage.sandbox.start(files)
        try:
            for name, story in STORIES.items():
                if not wanted or name in wanted:
                    print(name, flush=True)
                    await record(stage, name, story)
        finally:
            await stage.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
