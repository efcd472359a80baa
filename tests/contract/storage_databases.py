"""Real databases for the storage contract: SQLite files, and one private PostgreSQL cluster for the whole run.

The cluster lives in a temporary folder, listens on a Unix socket only, asks for a password, and runs as `postgres` when
the tests run as root (PostgreSQL refuses root).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from storage.records import Records

PASSWORD = "only-in-tests"


class Postgres:
    """A cluster of our own. `stop` is a crash (immediate), so a `start` after it recovers from the log.

    `settings`: more options of the server, as `-c NAME=VALUE`.
    """

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self._settings = settings
        self._as_root = os.geteuid() == 0
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        assert versions, "PostgreSQL is missing: apt-get install postgresql"
        self._bin = versions[-1]
        self._databases = 0
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        if self._as_root:
            for path in (folder, self.password_file):
                shutil.chown(path, "postgres", "postgres")
        options = ["-U", "hotline", "-A", "scram-sha-256", "--pwfile", str(self.password_file)]
        self._run("initdb", "-D", str(folder / "data"), *options, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()

    def start(self) -> None:
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=40 {self._settings}"
        )
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-t", "60", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    @property
    def runs(self) -> bool:
        """A server that ran into something it could not survive has gone by itself."""
        return self._done("pg_ctl", "-D", str(self.folder / "data"), "status").returncode == 0

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        return await asyncpg.connect(host=str(self.folder), user="hotline", password=PASSWORD, database=database)

    async def new_database(self) -> str:
        self._databases += 1
        name = f"hotline_{self._databases}"
        connection = await self.connect()
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        return name

    def _run(self, program: str, *arguments: str) -> None:
        done = self._done(program, *arguments)
        assert done.returncode == 0, done.stdout.decode()

    def _done(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._bin / program), *arguments]
        if self._as_root:
            command = ["runuser", "-u", "postgres", "--", *command]
        return subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90
        )


def postgres_url(socket_folder: Path, name: str) -> str:
    return f"postgresql+asyncpg://hotline@/{name}?host={socket_folder}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="hotline-pg-"))
    cluster = Postgres(folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


@dataclass
class Database:
    """One empty database and one empty data_dir."""

    url: str
    data_dir: Path
    password_file: Path | None = None
    cluster: Postgres | None = None
    name: str = ""

    async def twin(self) -> Database:
        """Another empty one of the same kind."""
        folder = Path(tempfile.mkdtemp(dir=self.data_dir))
        if self.cluster is None:
            path = folder / "twin.db"
            return Database(f"sqlite+aiosqlite:///{path}", folder, name=str(path))
        name = await self.cluster.new_database()
        return Database(postgres_url(self.cluster.folder, name), folder, self.password_file, self.cluster, name)

    async def open(
        self, *, catch_up_s: float = 20.0, explanations_days: float = 36500.0, hand_over: bool = False
    ) -> Records:
        return await Records.open(
            self.url,
            self.data_dir,
            password_file=self.password_file,
            catch_up_s=catch_up_s,
            explanations_days=explanations_days,
            hand_over=hand_over,
        )

    async def rows(self, query: str) -> list[tuple]:
        """An outsider's view, by the driver alone."""
        if self.cluster is None:
            with contextlib.closing(sqlite3.connect(self.name, timeout=10)) as connection:
                return [tuple(row) for row in connection.execute(query)]
        connection = await self.cluster.connect(self.name)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Nobody else can write for the time being."""
        if self.cluster is None:
            mine = sqlite3.connect(self.name, isolation_level=None, timeout=10, check_same_thread=False)
            with contextlib.closing(mine) as connection:
                await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")  # the writer may be at work: let it end
                yield
                connection.execute("ROLLBACK")
            return
        holder = await self.cluster.connect(self.name)
        async with holder.transaction():
            await holder.execute("LOCK TABLE call_steps, calls IN ACCESS EXCLUSIVE MODE")
            yield
        await holder.close()

    @contextlib.asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """PostgreSQL only: whoever asks anything of it waits."""
        assert self.cluster is not None
        holder = await self.cluster.connect(self.name)
        async with holder.transaction():
            names = await holder.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            await holder.execute(f"LOCK TABLE {', '.join(row[0] for row in names)} IN ACCESS EXCLUSIVE MODE")
            yield
        await holder.close()


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty one of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "hotline.db"
        yield Database(f"sqlite+aiosqlite:///{path}", tmp_path, name=str(path))
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    name = await cluster.new_database()
    yield Database(postgres_url(cluster.folder, name), tmp_path, cluster.password_file, cluster, name)


@contextlib.asynccontextmanager
async def opened(database: Database, **how: float) -> AsyncIterator[Records]:
    records = await database.open(**how)
    try:
        yield records
    finally:
        await records.close()


async def until(condition, seconds: float = 30.0) -> None:
    """Waits for a condition; the bound is gross and only there to end a broken run."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - figures of the records are numbers, not events
            await asyncio.sleep(0.01)
