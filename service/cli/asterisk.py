"""`hotline asterisk render|diff|install`: Asterisk's configuration, made from hotline.toml."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import Annotated

import typer

from config.plan import PlanError
from config.render import render
from service.cli.output import CommandError
from service.pbx import SipSide, plan_of
from service.settings import load

app = typer.Typer(help="Render, compare and install Asterisk's configuration.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", envvar="HOTLINE_CONFIG", help="The configuration file.")]
Folder = Annotated[Path, typer.Option(help="Asterisk's configuration folder.")]
Version = Annotated[str, typer.Option("--asterisk", help="Version the files are for, e.g. 22.10 or 16.28.")]
DEFAULT = Path("hotline.toml")
ETC = Path("/etc/asterisk")


def _files(config: Path, version: str) -> dict[str, str]:
    settings = load(config)
    if not settings.pbxs:
        raise CommandError(f"{config} names no Asterisk: add a [[pbx]] table (`hotline init` shows one).")
    try:
        numbers = tuple(int(part) for part in version.split("."))
        return render(plan_of(settings, settings.pbxs[0], sip=SipSide(), version=numbers))
    except ValueError as error:
        if isinstance(error, PlanError):
            raise CommandError(str(error)) from None
        raise CommandError(f"--asterisk {version}: write it like 22.10") from None


@app.command("render")
def render_files(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
    config: Config = DEFAULT,
    asterisk: Version = "22.10",
) -> None:
    """Write the files into a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _files(config, asterisk).items():
        path = folder / name
        path.touch(mode=0o600)  # some hold secrets
        path.write_text(text, encoding="utf-8")
    typer.echo(f"written to {folder}")


@app.command()
def diff(folder: Folder = ETC, config: Config = DEFAULT, asterisk: Version = "22.10") -> None:
    """Show what `install` would change. Exit 1 when there is a difference."""
    changed = False
    for name, text in _files(config, asterisk).items():
        old = _text(folder / name)
        lines = difflib.unified_diff(
            old.splitlines(), text.splitlines(), str(folder / name), f"{name} (rendered)", lineterm=""
        )
        for line in lines:
            changed = True
            typer.echo(line)
    raise typer.Exit(1 if changed else 0)


@app.command()
def install(folder: Folder = ETC, config: Config = DEFAULT, asterisk: Version = "22.10") -> None:
    """Replace the files in Asterisk's folder, keep each old one as NAME.before-hotline, say what to type next."""
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder: name Asterisk's configuration folder with --folder")
    files = _files(config, asterisk)
    for name, text in files.items():
        _replace(folder / name, text)
    typer.echo(f"{len(files)} files installed in {folder}. Now type: asterisk -rx 'core restart gracefully'")


def _replace(path: Path, text: str) -> None:
    before = path.with_name(path.name + ".before-hotline")
    try:
        if path.exists() and not before.exists():
            shutil.copy2(path, before)
        fresh = path.with_name(path.name + ".new")
        fresh.touch(mode=0o640)
        fresh.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copystat(path, fresh)
            owner = path.stat()
            shutil.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; run it as root") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}; run it as root") from None
