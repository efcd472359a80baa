"""`hotline sandbox demo` and `make run`: the whole thing running, with people, watched live, judged at the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sandbox import root
from sandbox.instance import Ports, SandboxError, default_folder
from sandbox.people import Callers, Plan, Seats
from sandbox.process import PeopleError
from sandbox.root import RootError
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli import verdict
from service.cli.output import CommandError
from service.cli.stage import Stage, StageError
from service.cli.status import picture
from service.starter import MERGED, OWN, PARALLEL

NUMBERS: Final = (OWN[0], *(row[0] for row in PARALLEL), *(row[0] for row in MERGED))
SEATS: Final = 12
BATCH: Final = 100
SETTLE_S: Final = 10.0


def demo(
    calls: Annotated[int, typer.Option(min=0, help="Stop after so many calls with a verdict; 0: go on until INT.")] = 0,
    rate: Annotated[float, typer.Option(min=0, max=50, help="Calls a second; 0: seats only.")] = 1.0,
    slot: Annotated[int, typer.Option(help="Which set of ports.")] = 0,
) -> None:
    """Start a private Asterisk, the service, 12 seats and callers on all numbers; show what happens."""
    console = Console(stderr=False)
    try:
        agreed = asyncio.run(_run(console, calls, rate, slot))
    except (StageError, SandboxError, RootError, PeopleError) as error:
        raise CommandError(str(error)) from None
    raise typer.Exit(0 if agreed else 1)


async def _run(console: Console, calls: int, rate: float, slot: int) -> bool:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with _stage(console, slot) as stage:
        work = asyncio.create_task(_people(console, stage, calls, rate))
        stop = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not work.done():
                work.cancel()
            result = (await asyncio.gather(work, return_exceptions=True))[0]
        if isinstance(result, asyncio.CancelledError):
            console.print("ended")
            return calls == 0
        if isinstance(result, BaseException):
            raise result
        return result


@contextlib.asynccontextmanager
async def _stage(console: Console, slot: int) -> AsyncIterator[Stage]:
    """Asterisk and service, up; both are gone afterwards."""
    console.print("finding Asterisk")
    asterisk = await asyncio.to_thread(root.find)
    folder = default_folder(slot).with_name(f"demo-{slot}")
    shutil.rmtree(folder, ignore_errors=True)
    stage = Stage(folder, asterisk, Ports.of_slot(slot), seats=SEATS, edit=_quick)
    try:
        console.print(f"starting Asterisk {asterisk.version} (SIP 127.0.0.1:{stage.ports.sip}/udp)")
        await stage.start_asterisk()
        console.print("starting the service")
        await stage.start_service()
        yield stage
    finally:
        await stage.stop()


def _quick(text: str) -> str:
    """Simulated people work faster than real ones: two seconds of wrap-up."""
    return text if "[timing]" in text else text + "\n[timing]\nwrap_up_s = 2\n"


async def _people(console: Console, stage: Stage, calls: int, rate: float) -> bool:
    users = [seat.id for seat in stage.settings.seats]
    habits = (Habit(ring_s=0.4), Habit(ring_s=1.2), Habit(ring_s=2.0))
    groups = [
        Seats(stage.pbx, users[index :: len(habits)], stage.folder / f"seats-{index}", habit=habit, messages=False)
        for index, habit in enumerate(habits)
    ]
    async with contextlib.AsyncExitStack() as stack:
        for group in groups:
            await stack.enter_async_context(group)
        console.print(f"{len(users)} seats registered: {users[0]} to {users[-1]}")
        console.print(f"wallboard: {_wallboard(stage)}", soft_wrap=True)
        if rate == 0:
            console.print(
                f"no callers (RATE=0). Call any of {' '.join(NUMBERS)} as docs/sandbox.md says. End with Ctrl-C."
            )
        watch = asyncio.create_task(_watch(console, stage))
        try:
            legs = await _calls(stage, calls, rate)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
    return await _judge(console, stage, legs)


def _wallboard(stage: Stage) -> str:
    return f"http://127.0.0.1:{stage.ports.http}/wallboard?token={stage.settings.cli_token()}"


async def _calls(stage: Stage, calls: int, rate: float) -> list[Leg]:
    """Places the calls in batches; returns what all callers saw when the last has ended."""
    if rate == 0:
        await asyncio.Event().wait()
    chance, legs, placed = random.Random(12345), [], 0
    while calls == 0 or placed < calls:
        size = min(BATCH, calls - placed) if calls else BATCH
        plans = [_plan(placed + index, chance) for index in range(size)]
        async with Callers(stage.pbx, plans, stage.folder / f"callers-{placed}", per_s=rate) as callers:
            legs += await callers.until_all_ended(size / rate + 180)
        placed += size
    return legs


def _plan(index: int, chance: random.Random) -> Plan:
    """Numbers in turn; talks of 2 to 6 s; every twelfth caller is impatient."""
    patience_s = chance.uniform(0.1, 0.9) if index % 12 == 11 else chance.uniform(30, 60)
    number = NUMBERS[index % len(NUMBERS)]
    return Plan(number, f"138{chance.randrange(10**8):08d}", patience_s=patience_s, talk_s=chance.uniform(2, 6))


async def _watch(console: Console, stage: Stage) -> None:
    """The live table on a terminal; elsewhere a line every five seconds."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(5)
            console.print(_line(await stage.api("/api/v1/status")), soft_wrap=True)
    with Live(console=console, refresh_per_second=2) as live:
        while True:
            live.update(Group(picture(await stage.api("/api/v1/status")), Text(f"wallboard: {_wallboard(stage)}")))
            await asyncio.sleep(0.5)


def _line(status: Any) -> str:
    now, today = status["now"], status["today"] or {}
    parts = [time.strftime("%H:%M:%S"), f"offered {today.get('offered', '?')}", f"waiting {now['waiting']}"]
    seats = ", ".join(f"{state} {count}" for state, count in now["seats"].items())
    return "  ".join([*parts, f"talking {now['talking']}", f"seats: {seats}"])


async def _judge(console: Console, stage: Stage, legs: Sequence[Leg]) -> bool:
    """Waits until all three tell of every call, prints the summary, says whether they agree."""
    rules = stage.settings.rules()
    seen = verdict.by_callers(legs, rules.lines[OWN[0]].answer_within_s)
    problems: list[str] = []

    async def agree() -> bool:
        nonlocal problems
        problems = verdict.disagreements(seen, await stage.figures(), await _metrics(stage))
        return not problems

    with contextlib.suppress(StageError):
        await stage.until(agree, SETTLE_S)
    console.print(_summary(seen))
    for problem in problems:
        console.print(f"differs: {problem}", style="red")
    console.print("records, /metrics and callers agree" if not problems else "they do not agree")
    return not problems


async def _metrics(stage: Stage) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    samples = await stage.metrics()
    for line in stage.settings.rules().lines:
        judged = 'hotline_calls_judged_total{{line="{}",result="{}"}}'
        found[line] = {what: samples.get(judged.format(line, what), 0.0) for what in ("in_time", "late", "abandoned")}
        found[line]["offered"] = samples.get(f'hotline_calls_offered_total{{line="{line}"}}', 0.0)
    return found


def _summary(seen: dict[str, verdict.Seen]) -> Table:
    table = Table("number", "offered", "answered", "within 15 s", "abandoned", "p50 s", "p95 s", "max s")
    total = sum(seen.values(), verdict.Seen())
    for number, row in [*sorted(seen.items()), ("all", total)]:
        times = ["" if (s := row.quantile(share)) is None else f"{s:.2f}" for share in (0.5, 0.95, 1.0)]
        table.add_row(number, *(str(x) for x in (row.offered, row.answered, row.in_time, row.abandoned)), *times)
    return table


def place_calls(
    count: Annotated[int, typer.Option(min=1, help="How many calls.")] = 10,
    rate: Annotated[float, typer.Option(min=0.1, max=50, help="Calls a second.")] = 1.0,
    number: Annotated[str, typer.Option(help="Dialled number; default: all in turn.")] = "",
    slot: Annotated[int, typer.Option(help="Which running sandbox.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Where what callers saw is kept.")] = None,
) -> None:
    """Place calls into a running sandbox and print what the callers saw."""
    pbx = ("127.0.0.1", Ports.of_slot(slot).sip)
    chance = random.Random()
    plans = [_plan(index, chance) for index in range(count)]
    if number:
        plans = [Plan(number, plan.caller, patience_s=plan.patience_s, talk_s=plan.talk_s) for plan in plans]
    try:
        legs = asyncio.run(_place(pbx, plans, rate, folder or default_folder(slot).with_name(f"callers-{slot}")))
    except PeopleError as error:
        raise CommandError(str(error)) from None
    Console(file=sys.stdout).print(_summary(verdict.by_callers(legs, 15.0)))


async def _place(pbx: tuple[str, int], plans: list[Plan], rate: float, folder: Path) -> list[Leg]:
    shutil.rmtree(folder, ignore_errors=True)
    async with Callers(pbx, plans, folder, per_s=rate) as callers:
        return await callers.until_all_ended(len(plans) / rate + 180)
