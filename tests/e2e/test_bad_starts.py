"""What is wrong at the start is one line that says what to do, and exit code 2; what can wait does not keep the service
from serving."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.contract.fake_ami import FakeAmi

Edit = Callable[[str], str]
STARTS_S = 90.0  # beside much else a start takes long; what hangs, hangs


def replacing(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


async def hotline(*arguments: str) -> tuple[int, str]:
    """Exit code and everything printed by a command that ends by itself."""
    out = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "service", *arguments]
    started = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.STDOUT
    )
    try:
        text, _ = await asyncio.wait_for(started.communicate(), STARTS_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()
    assert started.returncode is not None
    return started.returncode, text.decode()


async def refused(stage: Stage) -> str:
    """The one line by which `hotline serve` refuses to start."""
    code, text = await hotline("serve", "--config", str(stage.config))
    assert code == 2, text
    assert "Traceback" not in text
    told = [line for line in text.splitlines() if line.startswith("hotline: ")]
    assert len(told) == 1, text
    return told[0]


@pytest_asyncio.fixture(loop_scope="session")
async def staged(tmp_path: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Callable[..., Stage]]:
    """Makes a hotline in a folder, without Asterisk; its service, if one was started, is ended."""
    made: list[Stage] = []

    def make(edit: Edit = lambda text: text, **other_ports: int) -> Stage:
        folder = tmp_path / f"hotline-{len(made)}"
        made.append(Stage(folder, asterisk, Ports(**{**port_numbers(ports), **other_ports}), seats=2, edit=edit))
        return made[-1]

    yield make
    for stage in made:
        await stage.stop()


def port_numbers(ports: Ports) -> dict[str, int]:
    return {name: getattr(ports, name) for name in Ports.__slots__}


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


# -- ports ------------------------------------------------------------------------------------------------------------


async def test_fastagi_port_that_is_taken_is_named_with_its_key(staged: Callable[..., Stage], ports: Ports) -> None:
    stage = staged()
    with taken(ports.fastagi):
        line = await refused(stage)
    assert str(ports.fastagi) in line
    assert "[service] fastagi" in line


async def test_http_port_that_is_taken_is_named_with_its_key(staged: Callable[..., Stage], ports: Ports) -> None:
    stage = staged()
    with taken(ports.http):
        line = await refused(stage)
    assert f"127.0.0.1:{ports.http}: another program holds this port" in line
    assert "http" in line
    assert "[service]" in line


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("interface=127.0.0.1", "interface=192.0.2.1", "fastagi"),
        ('http     = "127.0.0.1', 'http     = "192.0.2.1', "http"),
    ],
)
async def test_address_that_is_not_of_this_machine_is_refused(
    staged: Callable[..., Stage], old: str, new: str, key: str
) -> None:
    line = await refused(staged(replacing(old, new)))
    assert "192.0.2.1" in line
    assert key in line


# -- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("///var/hotline.db", "///hotline.toml/hotline.db", "cannot be made"),
        ("///var/hotline.db", "///secrets", "is a folder; name a file"),
        ('data_dir = "var"', 'data_dir = "hotline.toml"', "hotline.toml"),
        ('data_dir = "var"', 'data_dir = "secrets/ami/var"', "secrets/ami"),
    ],
)
async def test_place_where_nothing_can_be_written_is_named(
    staged: Callable[..., Stage], old: str, new: str, words: str
) -> None:
    assert words in await refused(staged(replacing(old, new)))


async def until_said(stage: Stage, *words: str) -> str:
    """The first line of the service's log with all these words."""

    def said() -> str | None:
        lines = (stage.folder / "service.log").read_text().splitlines()
        return next((line for line in lines if all(word in line for word in words)), None)

    found = await stage.until(said, 15, f"the log says {words}")
    assert isinstance(found, str)
    return found


async def serves_without(stage: Stage, *parts: str) -> None:
    """Waits until callers are served, with exactly these parts out of order."""

    async def so() -> bool:
        answer = await stage.http.get("/readyz")
        return answer.status_code == 200 and answer.json()["degraded"] == list(parts)

    await stage.until(so, 15, f"serving, degraded: {parts}")


@pytest.mark.parametrize("spoilt", ["no database at all\n" * 300, None])
async def test_database_that_is_none_is_told_and_the_service_serves_without_it(
    staged: Callable[..., Stage], spoilt: str | None
) -> None:
    """SQLite says what it is only when it is asked; /proc can be written by nobody, not even by root."""
    stage = staged((lambda text: text) if spoilt else replacing("///var/hotline.db", "////proc/hotline.db"))
    if spoilt:
        (stage.folder / "var" / "hotline.db").write_text(spoilt)
    await stage.start_service(ready=False)
    line = await until_said(stage, '"state": "degraded"', "the database does not take records")
    assert "move it away" in line if spoilt else "unable to open database file" in line
    await serves_without(stage, "ami", "database", "agents", "workdays", "restrictions", "departments", "hidden")
    assert await stage.end_service() == 0


async def test_second_service_on_the_same_folder_is_refused_and_the_first_goes_on(
    staged: Callable[..., Stage],
) -> None:
    stage = staged()
    await stage.start_service(ready=False)
    await until_said(stage, '"serving"')
    line = await refused(stage)
    assert str(stage.folder / "var") in line
    await serves_without(stage, "ami")


# -- Asterisk ---------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def asterisk_says(stage: Stage, version: str) -> AsyncIterator[FakeAmi]:
    secret = (stage.folder / "secrets" / "ami").read_text().strip()
    fake = FakeAmi(secret=secret, version=version)
    fake.port = stage.ports.ami
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()


@pytest.mark.parametrize(
    ("version", "what_to_do"),
    [
        ("16.27.0", "install 16.28 or newer"),
        ("22.9.1", "install 22.10 or newer, or set allow_known_deadlock"),
    ],
)
async def test_asterisk_that_must_not_be_used_is_refused_in_one_line(
    staged: Callable[..., Stage], version: str, what_to_do: str
) -> None:
    stage = staged()
    async with asterisk_says(stage, version):
        await stage.start_service(ready=False)
        line = await until_said(stage, '"state": "refused"', f"Asterisk {version}", what_to_do)
        assert '"level": "error"' in line
        await serves_without(stage, "ami")
        assert (stage.folder / "service.log").read_text().count(what_to_do) == 1
        await stage.end_service()


async def test_asterisk_with_the_known_deadlock_is_used_when_that_is_wanted(staged: Callable[..., Stage]) -> None:
    stage = staged(replacing("[[pbx]]\n", "[[pbx]]\nallow_known_deadlock = true\n"))
    async with asterisk_says(stage, "22.9.1"):
        await stage.start_service()
        await serves_without(stage)
        await stage.end_service()


# -- configuration ----------------------------------------------------------------------------------------------------


async def test_all_mistakes_of_a_file_are_told_at_once_with_key_line_and_what_is_allowed(
    staged: Callable[..., Stage],
) -> None:
    stage = staged()
    text = stage.config.read_text()
    text = text.replace('into = "12345"', 'into = "12344"', 1).replace("answer_within_s = 15", "answer_within = 15")
    text = text.replace("ratio = 0.95", "ratio = 95")
    stage.config.write_text(text)
    (stage.folder / "secrets" / "ami").chmod(0o644)
    lines = [number for number, row in enumerate(text.splitlines(), 1) if "12344" in row or "answer_within =" in row]
    for command in (("serve",), ("check",)):
        code, said = await hotline(*command, "--config", str(stage.config))
        assert code == 2
        assert "Traceback" not in said
        assert all(f"line {number}: " in said for number in lines), said
        assert 'target.answer_within is an unknown key (did you mean "answer_within_s"?)' in said
        assert "target.ratio is out of range (allowed: above 0, at most 1)" in said
        assert "chmod 600" in said


COMMANDS = (
    ("check",),
    ("serve",),
    ("status",),
    ("calls",),
    ("asterisk", "render", "out"),
    ("asterisk", "diff"),
    ("asterisk", "install"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_file_that_is_no_configuration_exits_2_everywhere(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00" * 50)
    (tmp_path / "half.toml").write_text("[service\n")
    (tmp_path / "asterisk.conf").touch()
    folder = ("--folder", str(tmp_path)) if command[-1] in ("diff", "install") else ()
    files = {"missing.toml": "cannot be read", "bytes.toml": "not UTF-8 text", "half.toml": "not TOML"}
    starts = (hotline(*command, *folder, "--config", str(tmp_path / name)) for name in files)
    for (code, said), words in zip(await asyncio.gather(*starts), files.values(), strict=True):
        assert (code, "Traceback" in said) == (2, False), said
        assert words in said


WRONG_USES = (
    ("nonsense",),
    ("serve", "--port", "1"),
    ("check", "more"),
    ("calls", "--limit", "many"),
    ("asterisk", "nonsense"),
    ("asterisk", "render"),
    ("sandbox", "up", "--slot", "99"),
    ("sandbox", "demo", "--rate", "fast"),
    ("init", "--seats", "-1"),
)


async def test_wrong_use_exits_2_without_a_traceback() -> None:
    for arguments in WRONG_USES:
        code, said = await hotline(*arguments)
        assert (code, "Traceback" in said) == (2, False), (arguments, said)
        assert said.strip()
