"""An AMI session of a test's own, for what neither people nor the service would do."""

from __future__ import annotations

from service.cli.stage import Stage
from telephony.ami.actions import AmiAction, login
from telephony.ami.client import Client


async def action(stage: Stage, what: AmiAction) -> None:
    """Raises what the client does when Asterisk refuses."""
    client = Client(host="127.0.0.1", port=stage.ports.ami, on_message=lambda _: None, on_lost=lambda _: None)
    await client.open(5)
    pbx = stage.settings.pbxs[0]
    try:
        await client.action(login(pbx.user, stage.settings.ami_secret(pbx)), 5)
        await client.action(what, 5)
    finally:
        client.abort("done")
