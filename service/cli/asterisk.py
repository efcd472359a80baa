"""`hotline asterisk render|diff|install`: Asterisk's configuration, made from hotline.toml."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from config.plan import PbxPlan, PlanError
from config.render import render
from service.asterisk_folder import BEFORE, AsteriskConf, hidden_from_asterisk, not_recordable, text_of
from service.asterisk_folder import install as install_files
from service.cli.output import DEFAULT_CONFIG, GOOD, NO, CommandError, ConfigOption, say
from service.pbx import DEBIAN, plan_of, sip_side
from service.settings import load

app = typer.Typer(help="Render, compare and install Asterisk's configuration.", no_args_is_help=True)

ETC: Final = Path("/etc/asterisk")
CONF: Final = "asterisk.conf"
Folder = Annotated[Path, typer.Option(help="Asterisk's configuration folder.")]
Version = Annotated[str, typer.Option("--asterisk", help="Version the files are for, e.g. 22.10 or 16.28.")]
Directories = Annotated[
    Path | None,
    typer.Option(
        help="An asterisk.conf whose folders and user stay. Default: that of /etc/asterisk, else Debian's folders."
    ),
]
_SECRET: Final = re.compile(r"^([+ -]\s*(?:password|secret)\s*=>?).*")


@app.command("render")
def render_files(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
    config: ConfigOption = DEFAULT_CONFIG,
    asterisk: Version = "22.10",
    directories: Directories = None,
) -> None:
    """Write the files into a folder of their own."""
    conf = directories or (ETC / CONF if (ETC / CONF).exists() else None)
    files = _files(_plan(config, asterisk, conf))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.touch(mode=0o600)  # some hold secrets
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from None
    typer.echo(f"{len(files)} files written to {folder}")


@app.command()
def diff(folder: Folder = ETC, config: ConfigOption = DEFAULT_CONFIG, asterisk: Version = "22.10") -> None:
    """Show what `install` would change; passwords are not shown. Exit 1 when there is a difference."""
    changed = False
    for name, text in _files(_plan(config, asterisk, _conf_in(folder))).items():
        old = _text(folder / name)
        lines = difflib.unified_diff(
            old.splitlines(), text.splitlines(), str(folder / name), f"{name} (rendered)", lineterm=""
        )
        for line in lines:
            changed = True
            typer.echo(_SECRET.sub(r"\1 ***", line))
    raise typer.Exit(NO if changed else GOOD)


@app.command()
def install(folder: Folder = ETC, config: ConfigOption = DEFAULT_CONFIG, asterisk: Version = "22.10") -> None:
    """Replace the files in Asterisk's folder, keep each old one as NAME.before-hotline, say what to type next."""
    plan = _plan(config, asterisk, _conf_in(folder))
    files = _files(plan)
    try:
        changed = install_files(plan, files, folder)
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}; run it as root") from None
    for place in hidden_from_asterisk(plan):
        say(
            f"warning: Asterisk's user cannot read {place}; without it only the duty seats ring while the service is away"
        )
    if (problem := not_recordable(plan)) is not None:
        say(f"warning: calls are not recorded: {problem}")
    if not changed:
        typer.echo(f"all {len(files)} files in {folder} are as they should be")
        return
    typer.echo(f"{len(changed)} files changed in {folder}; what was there before us is kept as NAME{BEFORE}")
    typer.echo("now type: asterisk -rx 'core restart gracefully'")


def _plan(config: Path, version: str, conf: Path | None) -> PbxPlan:
    settings = load(config, check_seats=True)
    pbx = settings.pbxs[0]
    found = AsteriskConf(DEBIAN) if conf is None else _read_conf(conf)
    return plan_of(
        settings,
        pbx,
        sip=sip_side(settings, pbx),
        directories=found.directories,
        run_as=found.run_as,
        version=_numbers(version),
    )


def _files(plan: PbxPlan) -> dict[str, str]:
    try:
        return render(plan)
    except PlanError as error:
        raise CommandError(str(error)) from None


def _numbers(version: str) -> tuple[int, ...]:
    """`22.10`, or what `asterisk -V` says: `22.10.1~dfsg-1`, `certified/20.7-cert3`."""
    found = re.match(r"(?:certified/)?([0-9]{1,3}(?:\.[0-9]{1,3}){1,2})(?![0-9.])", version)
    if found is None:
        raise CommandError(f"--asterisk {version}: write it like 22.10")
    return tuple(int(part) for part in found[1].split("."))


def _conf_in(folder: Path) -> Path:
    conf = folder / CONF
    if not conf.exists():
        raise CommandError(f"there is no {conf}: name Asterisk's configuration folder with --folder")
    return conf


def _read_conf(conf: Path) -> AsteriskConf:
    try:
        return AsteriskConf.read(conf, DEBIAN)
    except OSError as error:
        raise CommandError(f"{conf} cannot be read: {error.strerror}") from None


def _text(path: Path) -> str:
    try:
        return text_of(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}; run it as root") from None
