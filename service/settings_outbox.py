"""What the table `[outbox]` says about itself. A delivery that waits must not keep callers waiting, so most of it warns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.settings_findings import Finding, warning
from service.settings_secrets import SecretError

if TYPE_CHECKING:
    from service.settings import Settings


def pauses(settings: Settings) -> Iterator[Finding]:
    table = settings.outbox
    if table.longest_pause_s < table.first_pause_s:
        yield Finding(
            ("outbox", "longest_pause_s"), "is shorter than first_pause_s", f"{table.first_pause_s:g} or more"
        )
    if table.url is None and table.with_numbers:
        yield warning(("outbox", "with_numbers"), "is for nobody: there is no url")


def secret(settings: Settings) -> Iterator[Finding]:
    """The service starts without it: everything waits in the outbox, and `/readyz` says so."""
    if settings.outbox.url is None:
        return
    try:
        settings.outbox_secrets()
    except SecretError as error:
        yield warning(("outbox", "secret_file"), f"cannot be used, so nothing is delivered: {error}")
    ca_file = settings.outbox_ca_file
    if ca_file is not None and not ca_file.is_file():
        yield warning(("outbox", "ca_file"), f"cannot be used, so nothing is delivered: {ca_file} is no file")
