"""Asterisk's CEL held against a database that no service uses: only read, nothing is told to anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.cel_files import CelLook, Marks
from service.reconcile import Comparison, Report, period_ms, placing, shown
from service.settings import Settings
from storage.records import archive_of
from telephony.ami.legs import Seats
from telephony.cel import CelCalls


async def compared(settings: Settings, now_ms: int, hours: float) -> Mapping[str, Any]:
    """By the keys of `schemas.ReconcileOut`; `missing` is what the service would record.

    Raises:
        CelFilesError, StorageError, StorageUnavailable.
    """
    since_ms, until_ms = period_ms(now_ms, hours)
    look = CelLook(settings.cel_file, Marks(), now_ms=now_ms, settled_ms=until_ms, since_ms=since_ms)
    try:
        async with archive_of(settings.database_url()) as archive:
            report = await Comparison(
                archive, look, CelCalls(Seats(settings.dial_strings()).of_device),
                Report(look.covered_ms(since_ms, until_ms), until_ms),
                strict=True, place=placing(settings, settings.rules().serving),
                missed=lambda call, place: None, mine=lambda call_id: False,
            ).run()  # fmt: skip
    finally:
        look.close()
    return shown(report, recovered=False)
