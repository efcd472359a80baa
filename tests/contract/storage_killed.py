"""Services that kill themselves: each tells a day, and the n-th dies before its n-th write; the next one tells the rest.

How many writes come before one of a kind varies with the batches, so the n-th death may miss a kind that came n-th the
time before and after it: for each kind of `MUST_DIE_AT` that was missed one more service dies before its first.

`python -m tests.contract.storage_killed URL DATA_DIR PASSWORD_FILE HOW` says for each pair `died <where>` and the keys of
what was kept before that; at last `lived <days>`. `HOW` is a name of `MUST_DIE_AT`. Each service is a process of its
own, forked before anything runs; death is SIGKILL, which no program can notice.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event

from storage.engine import _READ_ONLY, create_engine
from storage.journal import Journal
from storage.records import Records
from tests.contract.storage_day import day, journal_entries, key_of, written_of

SEGMENT_BYTES: Final = 6000  # some parts of a day, so that the journal changes its file while it is told
FOR_EVER_DAYS: Final = 36500.0
SAID: Final = 1


class Death:
    """Comes before the n-th write of a kind; 0: never. `half`: in the middle of the n-th write to the journal."""

    def __init__(self, told: int, nth: int, kind: str = "", *, half: bool) -> None:
        self._nth, self._count = nth, count(1)  # fsync runs on a thread of its own, so one step counts
        self._told, self._kind, self._half = told, kind, half
        self._write, self._fsync, self._open = os.write, os.fsync, os.open
        os.write, os.fsync, os.open = self.write, self.fsync, self.open

    def comes(self, where: str) -> bool:
        its_time = where.startswith(self._kind) and next(self._count) == self._nth
        if its_time:
            self._write(self._told, where.encode())
        return its_time

    def near(self, where: str) -> None:
        if not self._half and self.comes(where):
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, fd: int, data: bytes) -> int:
        if fd <= 2:
            return self._write(fd, data)
        self.near("journal write")
        if self._half and self.comes("half a line"):
            self._write(fd, data[: len(data) * 2 // 3])
            os.kill(os.getpid(), signal.SIGKILL)
        return self._write(fd, data)

    def fsync(self, fd: int) -> None:
        self.near("fsync")
        self._fsync(fd)

    def open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if flags & os.O_CREAT:
            self.near("new file")
        return self._open(path, flags, *rest, **more)

    def in_sql(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not connection.get_execution_options().get(_READ_ONLY, False):
            self.near("sql " + " ".join(statement.split()[:3]))

    def commits(self, connection: Any) -> None:
        if not connection.get_execution_options().get(_READ_ONLY, False):
            self.near("commit")


MUST_DIE_AT: Final = {  # between any two writes: at least before each of these
    "between": (
        "journal write", "new file", "commit", "sql INSERT INTO call_steps", "sql INSERT INTO calls",
        "sql INSERT INTO presentations", "sql DELETE FROM handoffs", "sql INSERT INTO handoffs",
        "sql INSERT INTO outbound_calls", "sql INSERT INTO probes", "sql UPDATE callbacks SET", "sql INSERT INTO outbox",
        "sql INSERT INTO agent_periods", "sql INSERT INTO intake", "sql INSERT INTO callbacks",
        "sql INSERT INTO journal_position",
    ),
    "within": ("half a line",),
}  # fmt: skip


async def serve(url: str, data_dir: Path, password: Path | None, number: int, death: Death) -> None:
    """Tells of a day what the journal does not have, part by part, each into the tables before the next one."""
    engine = create_engine(url, password_file=password)
    event.listen(engine.sync_engine, "before_cursor_execute", death.in_sql)
    event.listen(engine.sync_engine, "commit", death.commits)
    has = {key_of(entry) for entry in journal_entries(data_dir)}
    journal = Journal(data_dir / "journal", segment_bytes=SEGMENT_BYTES)
    records = Records(engine, journal, FOR_EVER_DAYS, hand_over=True)
    await records.flush(20)
    for part in day(number, await written_of(records, number)):
        if missing := [entry for entry in part if key_of(entry) not in has]:
            records.write(*missing)
            os.write(SAID, b"".join(f"{json.dumps(key_of(entry))}\n".encode() for entry in missing))
        await records.flush(20)
    await records.close()


class Services:
    """One after the other, on one database and one journal."""

    def __init__(self, url: str, data_dir: Path, password: Path | None, *, half: bool) -> None:
        self._arguments = url, data_dir, password
        self._half = half
        self._died, self._told = os.pipe()
        self.days = 0

    def day(self, nth: int, kind: str = "") -> str:
        """Where a service of this day was killed, as the next one told the rest; empty: nowhere."""
        if where := self._one(nth, kind):
            os.write(SAID, f"died {where}\n".encode())
            assert not self._one(0)
        self.days += 1
        return where

    def _one(self, nth: int, kind: str = "") -> str:
        child = os.fork()
        if child == 0:
            asyncio.run(serve(*self._arguments, self.days, Death(self._told, nth, kind, half=self._half)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return os.read(self._died, 1000).decode()
        if os.WEXITSTATUS(status):
            sys.exit(f"a service failed by itself: status {status}")
        return ""


def main(url: str, data_dir: str, password_file: str, how: str) -> None:
    services = Services(url, Path(data_dir), Path(password_file) if password_file else None, half=how == "within")
    died = set(iter(lambda: services.day(services.days + 1), ""))
    for kind in MUST_DIE_AT[how]:
        if not any(where.startswith(kind) for where in died):
            services.day(1, kind)
    os.write(SAID, f"lived {services.days}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
