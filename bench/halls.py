"""Two halls of people on one Asterisk: one works for the hotline, one for `Queue()`, set up as well as it can be.

Seat 1001 of the hotline has a twin, 2001, with the same skills, who is a member of queues only. A line's number with an 8
before it goes to the line's queue: penalties are the rings (the first that a person belongs to, counted from 1),
`queuerules.conf` lets the next in at the ring's time, `strategy=leastrecent`, `autofill=yes`, `ringinuse=no`,
`shared_lastcall=yes`, `wrapuptime` and `timeout` as the hotline's, `retry=1`, the least it takes.
Nobody sends sound: the seats' `rtp_timeout` is off.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Final

from bench.place import FIRST_SEAT, Options, bench_folder, roomy, users
from routing.choice import first_ring_of
from routing.model import Line, Mode, Rules
from sandbox import root
from service.cli.stage import Stage

FIRST_TWIN: Final = 2001
TWIN_NUMBER: Final = "8"  # before the number of a line


@contextlib.asynccontextmanager
async def halls(options: Options, seats: int, wrap_up_s: int) -> AsyncIterator[Stage]:
    """The stage, serving; all of it is gone afterwards."""
    twins = "\n".join(f'[[seat]]\nid = "{user}"\ndial = "PJSIP/{user}"' for user in users(seats, FIRST_TWIN))
    more = f"[timing]\nwrap_up_s = {wrap_up_s}\nanswer_notice_after_s = 0\n{twins}\n"
    with bench_folder(options, "city") as folder:
        ports = roomy(options.slot)
        stage = Stage(folder, root.find(), ports, seats=seats, edit=lambda text: f"{text}\n{more}")
        async with stage.serving(lambda files: _queues(files, stage.settings.rules(), wrap_up_s)):
            yield stage


def _queues(files: dict[str, str], rules: Rules, wrap_up_s: int) -> None:
    """Adds the queues of all lines, and the numbers that lead to them."""
    files["pjsip.conf"] = re.sub(r"(?m)^rtp_timeout=\d+$", "rtp_timeout=0", files["pjsip.conf"])
    files["queues.conf"] = files["queues.conf"].replace("[general]", "[general]\nshared_lastcall=yes", 1)
    files["queuerules.conf"] = ""
    numbers = ["[hotline-in](+)"]
    for line in rules.lines.values():
        served = line.number if line.mode is not Mode.MERGED else line.into
        numbers += [
            f"exten => {TWIN_NUMBER}{line.number},1,Set(QUEUE_MAX_PENALTY=1)",
            f" same => n,Queue(of-{served},r)",
        ]
        if served == line.number:
            files["queues.conf"] += _queue(line, rules, wrap_up_s)
            files["queuerules.conf"] += _rule(line)
    files["extensions.conf"] += "\n".join(numbers) + "\n"


def _queue(line: Line, rules: Rules, wrap_up_s: int) -> str:
    members = []
    for agent in rules.agents.values():
        ring = first_ring_of(agent, rules.seats[agent.id], line.rings)
        if ring is not None:
            device = f"PJSIP/{int(agent.id) - FIRST_SEAT + FIRST_TWIN}"
            members.append(f"member => {device},{ring + 1},{agent.id},{device}")
    return "\n".join([
        f"\n[of-{line.number}]", f"defaultrule=of-{line.number}", "strategy=leastrecent", "autofill=yes", "ringinuse=no",
        f"timeout={rules.timing.ring_s:.0f}", "retry=1", f"wrapuptime={wrap_up_s}", *members, "",
    ])  # fmt: skip


def _rule(line: Line) -> str:
    """From each ring's time on its penalty may be had too."""
    rows = [f"penaltychange => {ring.after_s:.0f},{nth}" for nth, ring in enumerate(line.rings, 1) if ring.after_s > 0]
    return "\n".join([f"\n[of-{line.number}]", *rows, ""])
