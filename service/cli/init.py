"""`hotline init`: a first configuration with its secrets, never over an existing one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import fail
from service.starter import StarterError, write_starter


def init(
    folder: Annotated[Path, typer.Option("--folder", "-f", help="Where to put it.")] = Path("."),
    seats: Annotated[int, typer.Option(min=1, max=5000, help="Number of agents and seats.")] = 12,
) -> None:
    """Make hotline.toml, secrets/ and var/ in a folder."""
    try:
        file = write_starter(folder, seats=seats)
    except StarterError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename} cannot be written: {error.strerror}")
    typer.echo(f"made {file} with ten numbers and {seats} seats, and {folder / 'secrets'}")
    typer.echo(f"next: put in the addresses of your trunks, then type: hotline check --config {file}")
