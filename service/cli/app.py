"""The command `hotline`. Each command is a module of its own, imported only when it is called, so that help is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from service.cli.output import CommandError


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives: `attribute` is a function, or a Typer application with commands of its own."""

    module: str
    attribute: str
    help: str


COMMANDS: Final = {
    "init": Entry("service.cli.init", "init", "Make hotline.toml, secrets/ and var/ in a folder."),
    "check": Entry("service.cli.check", "check", "Report all problems of the configuration at once."),
    "doctor": Entry("service.cli.doctor", "doctor", "One look at everything: how it stands, and what to type next."),
    "serve": Entry("service.cli.serve", "serve", "Run the service."),
    "reload": Entry("service.cli.reload", "reload", "Put a changed configuration in force; calls go on."),
    "status": Entry("service.cli.status", "status", "Lines, waiting callers, seats, and the ratio of today."),
    "agents": Entry("service.cli.agents", "app", "Who works here; add, import, skills, sign in and out, pause."),
    "departments": Entry(
        "service.cli.departments", "app", "Whom calls can be joined with: list, show, import, and who does not answer."
    ),
    "emergency": Entry("service.cli.emergency", "app", "Emergency handoffs: the monthly drill report."),
    "codes": Entry(
        "service.cli.codes", "codes", "The keys of a telephone, and short numbers of departments, to print."
    ),
    "callbacks": Entry("service.cli.callbacks", "app", "Citizens to be called back: list, add, call, done."),
    "outbox": Entry("service.cli.outbox", "app", "Deliveries to the work-order platform: list, retry, drop."),
    "workdays": Entry("service.cli.workdays", "app", "Holidays and moved workdays: list, set, import."),
    "calls": Entry("service.cli.calls", "calls", "The last calls: line, answer time, agent, outcome."),
    "report": Entry(
        "service.cli.report",
        "app",
        "Figures of a day, week, month or interval: table, CSV, JSON, a page with pictures.",
    ),
    "audit": Entry("service.cli.audit", "audit", "The figures of a day once more from its steps: do they agree?"),
    "forget": Entry("service.cli.forget", "forget", "Forget what is over its age, a citizen, or a call."),
    "holds": Entry("service.cli.holds", "app", "Legal holds, against forgetting: list, add, lift."),
    "probe": Entry("service.cli.probe", "probe", "Test calls from outside: is each number reached, how soon answered?"),
    "reconcile": Entry("service.cli.reconcile", "reconcile", "Asterisk's own record of calls held against ours."),
    "why": Entry("service.cli.why", "why", "Why a call went as it did: rings, seats and their reasons, on one page."),
    "simulate": Entry("service.cli.simulate", "run", "A day of calls on simulated time: other rules, other schemes."),
    "surge": Entry("service.cli.surge", "app", "Declare a surge: shorter wrap-up, the reserve from the start."),
    "forecast": Entry("service.cli.forecast", "forecast", "Callers expected by quarter of an hour, and who came."),
    "shadow": Entry("service.cli.shadow", "app", "Try other rules beside the live ones: what would be different?"),
    "restrictions": Entry(
        "service.cli.restrictions", "app", "Restricted numbers: reject, serve last, or limit the talk."
    ),
    "hidden": Entry("service.cli.hidden", "app", "Callers who asked to be hidden: list, add, end, read with a reason."),
    "number-key": Entry(
        "service.cli.number_key", "app", "The key that numbers are sealed under: renew, reseal, retire, status."
    ),
    "audit-log": Entry("service.cli.audit_log", "audit_log", "Who read numbers in clear, hid callers, changed keys."),
    "asterisk": Entry("service.cli.asterisk", "app", "Render, compare and install Asterisk's configuration."),
    "sandbox": Entry("service.cli.sandbox", "app", "A private Asterisk with simulated callers and seats."),
}


class LazyGroup(TyperGroup):
    """Lists the commands of the table; imports the one that is called."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.commands = {name: TyperCommand(name=name, help=entry.help) for name, entry in COMMANDS.items()}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _stand_in, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest


def load_command(name: str) -> Any:
    """The command or group, as a part of `hotline`: with its manner of help, without completion options of its own."""
    entry = COMMANDS[name]
    found = getattr(importlib.import_module(entry.module), entry.attribute)
    parent = typer.Typer(add_completion=False, rich_markup_mode=None)
    parent.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name)(found)
    group = get_command(parent)
    assert isinstance(group, TyperGroup)
    return group.commands[name]


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help is twice as quick
    pretty_exceptions_enable=False,  # its frames show local variables, and one may be a caller's number
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hotline {version('hotline12345')}")
        raise typer.Exit


@app.callback()
def hotline(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Call routing for public hotlines on Asterisk: someone dials 12345 and a person answers.

    Exit codes: 0 good; 1 the answer is "no" (unhealthy, target missed); 2 wrong use or configuration.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: mistakes of the user as one sentence each, bugs as a traceback."""
    try:
        app(args=arguments, prog_name="hotline")
    except CommandError as error:
        typer.echo(f"hotline: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        lines = _configuration_mistakes(error)
        if lines is None:
            raise
        typer.echo("\n".join(f"hotline: {line}" for line in lines), err=True)
        sys.exit(2)


def _configuration_mistakes(error: Exception) -> list[str] | None:
    """The sentences of an error in the configuration or a secret; None for everything else. Looked up late: its
    module is slow to import, and who raised it has imported it already."""
    settings = sys.modules.get("service.settings")
    if settings is None:
        return None
    if isinstance(error, settings.SettingsError):
        return [str(problem) for problem in error.errors]
    if isinstance(error, settings.SecretError):
        return [str(error)]
    return None
