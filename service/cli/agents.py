"""`hotline agents …`: who works here, and what they do now. Speaks to the running service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from service.cli.client import connect
from service.cli.files import DryRunOption, OutArgument, read_file, write_file
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say

COLUMNS: Final = ("agent", "name", "skills", "zone", "sign-in", "state", "seat", "reason")
PATH: Final = "/api/v1/agents"

app = typer.Typer(
    no_args_is_help=True,
    help="Who works here, with which skills; sign in and out, pause, ready.",
    rich_markup_mode=None,
)

AgentArgument = Annotated[str, typer.Argument(help="The agent's id.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Name shown to people.")]
ZoneOption = Annotated[str | None, typer.Option("--zone", help='The zone he belongs to; "" takes it away.')]
SignInOption = Annotated[str | None, typer.Option("--sign-in", help="phone: while it is registered; agent: by an act.")]


@app.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show all agents and what they do now."""
    with connect(config) as client:
        found = client.get(PATH)
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, [_row(agent) for agent in found], as_json=False)


@app.command()
def add(
    agent: AgentArgument,
    name: NameOption = None,
    skill: Annotated[list[str] | None, typer.Option("--skill", help="SKILL=LEVEL, again for each.")] = None,
    zone: ZoneOption = None,
    sign_in: SignInOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an agent."""
    given = {"name": name, "skills": levels(skill or []), "zone": zone or None, "sign_in": sign_in}
    with connect(config) as client:
        made = client.post(PATH, {"id": agent} | {key: value for key, value in given.items() if value is not None})
    say(f"agent {made['id']} is added")


@app.command()
def change(
    agent: AgentArgument,
    name: NameOption = None,
    zone: ZoneOption = None,
    sign_in: SignInOption = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Works here no more, or again; nobody is deleted.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change name, zone or sign-in of an agent, or disable him; what is not named stays."""
    changes: dict[str, Any] = {"name": name, "sign_in": sign_in, "disabled": disabled}
    changes = {key: value for key, value in changes.items() if value is not None}
    if zone is not None:
        changes["zone"] = zone or None
    if not changes:
        fail("nothing to change: name at least one of --name, --zone, --sign-in, --disable, --enable")
    _patch(config, agent, changes)


@app.command()
def skill(
    agent: AgentArgument,
    skills: Annotated[list[str], typer.Argument(help="SKILL=LEVEL, 1 to 10; 0 takes the skill away.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change skills of an agent; those not named stay."""
    _patch(config, agent, {"skills": levels(skills)})


@app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(help="A CSV file; - reads standard input.")] = None,
    from_config: Annotated[
        bool, typer.Option("--from-config", help="Take agents as hotline.toml has them instead.")
    ] = False,
    agent: Annotated[list[str] | None, typer.Option("--agent", help="With --from-config: only this one.")] = None,
    dry_run: DryRunOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Import agents: all of the file, or with any mistake in it none, and every mistake is told."""
    if (file is None) != from_config:
        fail("name either a CSV file or --from-config: hotline agents import agents.csv")
    asked = "?dry_run=true" if dry_run else ""
    with connect(config) as client:
        if from_config:
            found = client.post(f"{PATH}/from-config{asked}", {"agents": agent or []})
        else:
            assert file is not None
            found = client.post_bytes(f"{PATH}/import{asked}", read_file(file), "text/csv")
    if as_json:
        print_json(found)
        return
    begin = "would be " if dry_run else ""
    typer.echo(f"{begin}added {len(found['added'])}, {begin}changed {len(found['changed'])}, same {found['unchanged']}")


@app.command()
def export(
    file: OutArgument = None,
    chinese: Annotated[bool, typer.Option("--chinese", help="Headings in Chinese.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write all agents as CSV, for a spreadsheet or for `import`."""
    with connect(config) as client:
        data = client.get_bytes(f"{PATH}/export", chinese="true" if chinese else "false")
    write_file(file, data)


@app.command()
def login(
    agent: AgentArgument,
    seat: Annotated[str, typer.Argument(help="The seat he sits at: any free one.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Sign an agent in at a seat."""
    _act(config, agent, "sign-in", {"seat": seat})


@app.command()
def logout(agent: AgentArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Sign an agent out; who talks is signed out afterwards."""
    _act(config, agent, "sign-out")


@app.command()
def pause(
    agent: AgentArgument,
    reason: Annotated[str, typer.Argument(help="A [[reason]] of the configuration, by code or name.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """No calls for an agent; who talks is paused afterwards."""
    _act(config, agent, "pause", {"reason": reason})


@app.command()
def ready(agent: AgentArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Calls again."""
    _act(config, agent, "ready")


@app.command("extend-wrap-up")
def extend_wrap_up(agent: AgentArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """The same wrap-up again, once."""
    _act(config, agent, "extend-wrap-up")


# -- parts -------------------------------------------------------------------------------------------------------------


def levels(skills: list[str]) -> dict[str, int]:
    """`["hrss=8"]` -> {"hrss": 8}. Fails with every one that is no such thing."""
    found = {}
    wrong = []
    for text in skills:
        name, sign, level = text.partition("=")
        if sign and name and level.isascii() and level.isdecimal():
            found[name] = int(level)
        else:
            wrong.append(f'"{text}"')
    if wrong:
        fail(f"{', '.join(wrong)}: write SKILL=LEVEL, like hrss=8")
    return found


def _act(config: Path, agent: str, act: str, body: object = None) -> None:
    with connect(config) as client:
        client.post(f"{PATH}/{quote(agent, safe='')}/{act}", body)
    say(f"agent {agent}: {act}")


def _patch(config: Path, agent: str, changes: Mapping[str, Any]) -> None:
    with connect(config) as client:
        client.patch(f"{PATH}/{quote(agent, safe='')}", changes)
    say(f"agent {agent} is changed")


def _row(agent: Mapping[str, Any]) -> dict[str, Cell]:
    state = "disabled" if agent["disabled"] else agent["state"].replace("_", " ")
    return {
        "agent": agent["id"],
        "name": agent["name"],
        "skills": " ".join(f"{skill}={level}" for skill, level in agent["skills"].items()),
        "zone": agent["zone"],
        "sign-in": agent["sign_in"],
        "state": state,
        "seat": agent["seat"],
        "reason": agent["reason"],
    }
