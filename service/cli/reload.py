"""`hotline reload`: the running service reads its configuration again."""

from __future__ import annotations

from service.cli.client import connect
from service.cli.output import DEFAULT_CONFIG, ConfigOption, say


def reload(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Put a changed hotline.toml in force; with any mistake in it nothing changes. Calls go on."""
    with connect(config) as client:  # what is wrong with the file itself is told here, all of it
        client.post("/api/v1/reload")
    say("the configuration was read again and is in force; addresses, database and AMI need a restart")
