"""`hotline number-key …`: a new key for numbers at rest, old rows under it, and the old key away. The service runs on.

Only these commands write the key file, always as a whole: whoever is killed leaves the file of before or the one of after.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Final

import typer

from service.cli.client import Client, Unreachable, connect
from service.cli.output import (
    DEFAULT_CONFIG,
    GOOD,
    NO,
    CommandError,
    ConfigOption,
    JsonOption,
    fail,
    print_json,
    say,
)
from service.settings import Settings, load
from service.settings_secrets import write_number_keys
from storage.errors import StorageError
from storage.keys import KEY_BYTES, KeySet

PATH: Final = "/api/v1/number-key"
TOLD_EVERY: Final = 20  # batches
LONG_S: Final = 90.0  # every sealed row is looked at

app = typer.Typer(
    no_args_is_help=True,
    help="The key that numbers are sealed under: renew, reseal, retire.",
    rich_markup_mode=None,
)


@app.command()
def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show the keys, what is sealed under each, and whether old keys may be deleted; exit 1 while they may not."""
    with connect(config, LONG_S) as client:
        found = client.get(PATH)
    if as_json:
        print_json(found)
    else:
        for id_ in (*found["keys"], *(id_ for id_ in found["sealed"] if id_ not in found["keys"])):
            what = "in force" if id_ == found["newest"] else "old" if id_ in found["keys"] else "not in the file"
            typer.echo(f"{id_ or 'no id':<9} {what:<16} {found['sealed'].get(id_, 0)} sealed texts")
        typer.echo(found["why"])
    raise typer.Exit(GOOD if found["may_go"] or len(found["keys"]) == 1 else NO)


@app.command()
def renew(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make a new key and put it in force at once; the old one stays in the file and opens what it sealed."""
    settings = load(config, check_secrets=False)
    before = settings.number_keys()
    try:
        after = before.renewed(os.urandom(KEY_BYTES))
    except StorageError as error:
        fail(str(error), NO)
    _written(settings, before, after)
    say(f"key {after.ids[0]} is in force; keep a copy of {settings.number_key_file}")
    say("next: hotline number-key reseal")


@app.command()
def reseal(
    after: Annotated[str, typer.Option("--after", help="Go on behind this place; without it from the beginning.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Seal what is under older keys anew, batch by batch; broken off it is begun again, and goes on with what is left."""
    with connect(config, LONG_S) as client:
        todo = client.get(PATH)["old"]
        found = _resealed(client, after, todo)
        standing = client.get(PATH)
    if as_json:
        print_json({**found, **standing})
    else:
        say(f"sealed anew: {found['resealed']} texts" + _unread(found["unreadable"]))
        typer.echo(standing["why"])


@app.command()
def retire(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Delete the old keys from the file, when nothing needs them any more; exit 1 before."""
    settings = load(config, check_secrets=False)
    before = settings.number_keys()
    if len(before.keys) == 1:
        fail("there is one key, and it is in force", NO)
    with connect(config, LONG_S) as client:
        found = client.get(PATH)
    if not found["may_go"]:
        fail(f"nothing is deleted: {found['why']}", NO)
    if found["newest"] != before.ids[0]:
        fail("nothing is deleted: the service has other keys than the file; restart it, or renew the key", NO)
    _written(settings, before, before.newest_alone(), must_answer=True)
    say(f"deleted: {', '.join(before.ids[1:])}; a database from an older backup needs them")


# -- parts -------------------------------------------------------------------------------------------------------------


def _written(settings: Settings, before: KeySet, after: KeySet, *, must_answer: bool = False) -> None:
    """Writes the file and has the service take it; what it refuses is taken back."""
    client = connect(settings.file, LONG_S)
    write_number_keys(settings.number_key_file, after)
    try:
        with client:
            client.post(f"{PATH}/take")
    except Unreachable as error:
        if must_answer:
            write_number_keys(settings.number_key_file, before)
            raise
        say(f"{error}; it takes the new key when it starts")
    except CommandError:
        write_number_keys(settings.number_key_file, before)
        raise


def _resealed(client: Client, after: str, todo: int) -> dict[str, Any]:
    done, unread, batches = 0, 0, 0
    while True:
        found = client.post(f"{PATH}/reseal", **({"after": after} if after else {}))
        done, unread, batches = done + found["resealed"], unread + found["unreadable"], batches + 1
        if found["after"] is None:
            return {"resealed": done, "unreadable": unread}
        after = found["after"]
        if batches % TOLD_EVERY == 0:
            say(f"{done} of {todo} texts" + _unread(unread) + f"; at {after}")


def _unread(count: int) -> str:
    return f", {count} open with none of the keys" if count else ""
