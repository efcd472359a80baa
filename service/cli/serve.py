"""`hotline serve`: runs the service in the foreground."""

from __future__ import annotations

import asyncio
import os
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

    os.umask(0o027)  # records are for the service, and for the group that Asterisk shares with it
    settings = load(config, gaps_allowed=True)
    if not settings.pbxs:
        raise CommandError(f"{config} names no Asterisk: add a [[pbx]] table (`hotline init` shows one).")
    try:
        asyncio.run(run(settings))
    except (StorageError, AgiListenError, HttpListenError) as error:
        raise CommandError(str(error)) from None
