"""`hotline sandbox up|down|status|demo|calls`: a private Asterisk for development. docs/sandbox.md says how to call in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from sandbox import root
from sandbox.instance import Sandbox, SandboxError, end
from sandbox.places import Ports, State, default_folder, default_folders
from sandbox.root import RootError
from service.cli.demo import demo, place_calls
from service.cli.output import GOOD, NO, Cell, JsonOption, fail, print_rows, say
from service.cli.stage import Stage
from service.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="A private Asterisk with simulated callers and seats.",
)
app.command("demo")(demo)
app.command("calls")(place_calls)

COLUMNS: Final = ("folder", "version", "pid", "sip", "ami", "fastagi", "http", "calls")
ASTERISK: Final = "asterisk"  # the part of a sandbox's folder that is Asterisk's

SlotOption = Annotated[int, typer.Option(help="Which set of ports and which folder, 0 to 21.")]
FolderOption = Annotated[Path | None, typer.Option(help="Where its files are, instead of the slot's folder.")]
PortOption = Annotated[int | None, typer.Option(min=1, max=65535, help="Instead of the slot's port.")]


@app.command()
def up(
    slot: SlotOption = 0,
    folder: FolderOption = None,
    asterisk: Annotated[int, typer.Option(envvar="ASTERISK", help="Series of Asterisk: 22 or 16.")] = 22,
    seats: Annotated[int, typer.Option(min=1, max=999, help="How many seats: 1001, 1002, ...")] = 12,
    sip_port: PortOption = None,
    ami_port: PortOption = None,
    fastagi_port: PortOption = None,
    http_port: PortOption = None,
) -> None:
    """Start a private Asterisk, configured for a hotline with ten numbers; returns when it is up."""
    try:
        ports = Ports.of_slot(slot, sip=sip_port, ami=ami_port, fastagi=fastagi_port, http=http_port)
        if asterisk not in root.SERIES:
            fail(f"--asterisk {asterisk}: choose one of {', '.join(map(str, sorted(root.SERIES)))}")
        program = root.find(asterisk)
        asyncio.run(_up(folder or default_folder(slot), program, ports, seats))
    except (RootError, SandboxError, ValueError) as error:
        fail(str(error))


async def _up(folder: Path, program: root.Asterisk, ports: Ports, seats: int) -> None:
    stage = Stage(folder, program, ports, seats=seats, attached=False)
    try:
        _check_same(stage.settings, ports, stage.config)
        await stage.start_asterisk()
    finally:
        await stage.http.aclose()
    users = [seat.id for seat in stage.settings.seats]
    typer.echo(f"Asterisk {program.version} is up, process {stage.sandbox.pid}")
    typer.echo(f"SIP 127.0.0.1:{ports.sip}/udp   AMI 127.0.0.1:{ports.ami}   files {folder}")
    typer.echo(f"seats {users[0]} to {users[-1]}, password seat-<user>")
    typer.echo(f"next: hotline serve --config {stage.config}")


def _check_same(settings: Settings, ports: Ports, file: Path) -> None:
    """A folder used before has its configuration already, perhaps with the ports of another time.

    Raises:
        SandboxError: they are not those of now.
    """
    _, ami = settings.pbxs[0].ami_address
    _, fastagi = settings.service.fastagi_address
    if (ami, fastagi) != (ports.ami, ports.fastagi):
        hint = f"type --ami-port {ami} --fastagi-port {fastagi}, or choose another --folder"
        raise SandboxError(f"{file} is for AMI port {ami} and FastAGI port {fastagi}: {hint}")


@app.command()
def down(slot: SlotOption = 0, folder: FolderOption = None) -> None:
    """End it. Its files stay."""
    where = folder or default_folder(slot)
    if asyncio.run(end(where / ASTERISK)):
        say(f"the sandbox in {where} has ended")
    else:
        say(f"no sandbox runs in {where}")


@app.command()
def status(
    slot: Annotated[int | None, typer.Option(help="Only this one; all by default.")] = None,
    folder: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the sandboxes that run. Exit code 1 when none does."""
    one = folder or (None if slot is None else default_folder(slot))
    rows = [row for where in ([one] if one else default_folders()) if (row := _row(where)) is not None]
    print_rows(COLUMNS, rows, as_json=as_json)
    raise typer.Exit(GOOD if rows else NO)


def _row(folder: Path) -> Mapping[str, Cell] | None:
    state = State.read(folder / ASTERISK)
    if state is None:
        return None
    ports = {name: port for name, port in asdict(state.ports).items() if name in COLUMNS}
    return {"folder": str(folder), "version": state.version, "pid": state.pid, **ports, "calls": _calls(folder, state)}


def _calls(folder: Path, state: State) -> int | None:
    """Calls in progress; None when Asterisk does not say."""
    program = root.Asterisk(state.command, state.version, Path(), Path())
    sandbox = Sandbox(folder / ASTERISK, program, state.ports, attached=False)
    try:
        said = asyncio.run(sandbox.cli("core show channels count", limit_s=3))
    except SandboxError:
        return None
    counts = [line.split()[0] for line in said.splitlines() if "active call" in line]
    return int(counts[0]) if counts and counts[0].isdecimal() else None
