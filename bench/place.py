"""Where the benches of calls take place: a whole hotline, with ways around it on the same Asterisk to compare with.

The same seats are reached by three numbers, from the same trunk:

    12345   the hotline: FastAGI, engine, guard, Dial
    80001   bare `Dial()`, seats in turn
    80002   `Queue()` with the seats as members: rrmemory, ringinuse=no, retry=1, no wrap-up
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sandbox import root
from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli.stage import Stage

OURS, DIAL, QUEUE = "12345", "80001", "80002"
NAMES: Final = {OURS: "ours", DIAL: "Dial", QUEUE: "Queue"}
FIRST_SEAT: Final = 1001
RTP_PORTS: Final = 5000  # a held caller has two of them
LIMIT_S: Final = 60.0  # beyond what the calls themselves take, something is wrong


@dataclass(frozen=True, slots=True)
class Options:
    """`quick`: a smoke of each bench, whose figures say nothing. `slot`: which set of ports."""

    quick: bool = False
    slot: int = 17
    folder: Path | None = None  # kept there; else a temporary one, removed


@contextlib.asynccontextmanager
async def place(options: Options, name: str, seats: int, more: str = "", **timing: float) -> AsyncIterator[Stage]:
    """The stage, serving; all of it is gone afterwards. `timing`: keys of `[timing]`; `more`: further tables.

    Nobody is recorded, for the ways around are not either; what that costs: docs/decisions/0022. Nobody sends sound, so
    nobody's leg is ended for that.
    """
    with bench_folder(options, name) as folder:
        ports = roomy(options.slot)
        rows = "\n".join(f"{key} = {value}" for key, value in {"wrap_up_s": 0, **timing}.items())
        tables = f"\n[timing]\n{rows}\n\n[recording]\nenabled = false\n{more}"

        def edit(text: str) -> str:
            return text.replace("[[trunk]]", "[[trunk]]\nlost_after_s = 0") + tables

        stage = Stage(folder, root.find(), ports, seats=seats, edit=edit)
        async with stage.serving(lambda files: ways_around(files, seats)):
            yield stage


def roomy(slot: int) -> Ports:
    """The ports of a slot, with sound for everybody."""
    return Ports.of_slot(slot, rtp_last=min(65535, Ports.of_slot(slot).rtp_first + RTP_PORTS - 1))


@contextlib.contextmanager
def bench_folder(options: Options, name: str) -> Iterator[Path]:
    if options.folder is not None:
        shutil.rmtree(options.folder / name, ignore_errors=True)
        yield options.folder / name
        return
    with tempfile.TemporaryDirectory(prefix=f"hotline-bench-{name}-") as folder:
        yield Path(folder)


def ways_around(files: dict[str, str], seats: int) -> None:
    """Adds the two numbers that do not ask the service."""
    files["extensions.conf"] += f"""
[hotline-in](+)
exten => {DIAL},1,Set(GLOBAL(BENCH_NEXT)=$[(0${{GLOBAL(BENCH_NEXT)}} + 1) % {seats}])
 same => n,Dial(PJSIP/$[{FIRST_SEAT} + ${{GLOBAL(BENCH_NEXT)}}],30)
exten => {QUEUE},1,Queue(bench,r)
"""
    members = "\n".join(f"member => PJSIP/{user}" for user in users(seats))
    files["queues.conf"] += f"""
[bench]
strategy=rrmemory
timeout=15
retry=1
wrapuptime=0
ringinuse=no
{members}
"""


def users(seats: int, first: int = FIRST_SEAT) -> list[str]:
    return [str(first + index) for index in range(seats)]


@contextlib.asynccontextmanager
async def people(stage: Stage, seats: int, habit: Habit) -> AsyncIterator[Seats]:
    """All seats registered, and known to the service as ready."""
    async with Seats(stage.pbx, users(seats), stage.folder / "seats", habit=habit, messages=False) as phones:

        async def ready() -> bool:
            return sum(seat["state"] == "ready" for seat in await stage.api("/api/v1/seats")) == seats

        await stage.until(ready, LIMIT_S, "all seats ready")
        yield phones


async def dial(stage: Stage, plans: Sequence[Plan], per_s: float, *, at_once: int | None = None) -> list[Leg]:
    """Places the calls and returns what each caller saw, in the order of `plans`, when all are over.

    `at_once`: so many callers at a time; the next dials when one is through.
    """
    plans = each_his_own(plans)
    callers = Callers(stage.pbx, plans, stage.folder / "callers", per_s=per_s, sound=False, at_once=at_once)
    async with callers:
        await callers.sipp.ended(len(plans) / per_s + sum(plan.talk_s or 0 for plan in plans) + LIMIT_S)
        return [leg for leg in callers.reports() if leg is not None]


def each_his_own(plans: Sequence[Plan]) -> list[Plan]:
    """A number for each caller: those of one number would share one place in the queue."""
    return [replace(plan, caller=f"138{nth:08}") for nth, plan in enumerate(plans)]


async def settled(stage: Stage) -> None:
    """No channel is left in Asterisk: the next turn begins on an idle machine."""

    async def empty() -> bool:
        return (await stage.sandbox.cli("core show channels count")).startswith("0 active channels")

    await stage.until(empty, LIMIT_S, "no channel left")


def answer_times(legs: Sequence[Leg]) -> list[float]:
    """INVITE to 200 in seconds, of those that were answered."""
    return [leg.answer_s for leg in legs if leg.answer_s is not None]


def lines_in(path: Path, pattern: str = "") -> int:
    """Lines of a log that hold the pattern."""
    if not path.exists():
        return 0
    return sum(bool(re.search(pattern, line)) for line in path.read_text(errors="replace").splitlines())
