"""`hotline serve`: runs the service in the foreground."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from console.server import HttpListenError
from service.cli.output import CommandError
from service.settings import load
from storage.errors import StorageError
from telephony.agi.server import AgiListenError


def serve(
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="HOTLINE_CONFIG", help="The configuration file.")
    ] = Path("hotline.toml"),
) -> None:
    """Run the service until INT or TERM; HUP reads the configuration again."""
    from service.main import run

    settings = load(config)
    if not settings.pbxs:
        raise CommandError(f"{config} names no Asterisk: add a [[pbx]] table (`hotline init` shows one).")
    try:
        asyncio.run(run(settings))
    except (StorageError, AgiListenError, HttpListenError) as error:
        raise CommandError(str(error)) from None
