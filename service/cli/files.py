"""What commands read and write besides arguments: files, and numbers. Errors are CommandErrors of one sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import fail

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only look: tell what would change.")]
OutArgument = Annotated[Path | None, typer.Argument(help="A file; without one standard output.")]


def read_file(file: Path) -> bytes:
    """The whole file; `-` is standard input."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


def asked_number(word: str = "Number") -> str:
    """The first line of standard input, or what is typed at a terminal: arguments are seen by everybody on the machine."""
    if sys.stdin.isatty():
        return str(typer.prompt(word, err=True)).strip()
    number = sys.stdin.readline().strip()
    if not number:
        fail("no number: type it when asked, send it by standard input, or name a call with --call")
    return number


def write_file(file: Path | None, data: bytes, mode: int = 0o666) -> None:
    """To the file, or to standard output. `mode` is that of a new file, before the umask."""
    if file is None:
        sys.stdout.buffer.write(data)
        return
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
            out.write(data)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")
