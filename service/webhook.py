"""One delivery as bytes: a CloudEvent 1.0 in JSON, and the headers that sign it in the manner of Standard Webhooks.

Signed is `<id>.<timestamp>.<body>`, by HMAC-SHA256; while a secret is being changed every delivery carries a signature of
each, so the receiver may change over at any time. Nothing personal is stored in the outbox: it is opened here.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from console.sight import blanked
from storage.deliveries import Due
from storage.facts import CALL_ENDED, INTAKE_RECORDED
from storage.intake import IntakeRow, in_force
from storage.numbers import NumberVault
from storage.sealing import Seal

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"


def headers(secrets: Sequence[bytes], event: str, at_s: int, body: bytes) -> dict[str, str]:
    """`at_s`: epoch seconds of this attempt; a receiver refuses what is too old, so nobody can play it again."""
    signed = f"{event}.{at_s}.".encode() + body
    signatures = (base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode("ascii") for secret in secrets)
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": event,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


class Opener:
    """Opens what is sealed, as far as the receiver may know it."""

    def __init__(
        self, vault: NumberVault, seal: Seal, covers: Callable[[str, str | None], bool], *, with_numbers: bool
    ) -> None:
        """`covers`: whether the caller of a call, or of a reference, is hidden; see `service.hidden`."""
        self._vault, self._seal, self._covers, self._with_numbers = vault, seal, covers, with_numbers

    def data(self, due: Due) -> dict[str, Any]:
        """What the event tells. Raises StorageError: sealed under another key."""
        body = dict(due.row.body)
        hidden = self._covers(due.row.call_id, due.caller_ref) or is_hidden(due.intakes)
        if due.row.type == CALL_ENDED:
            reference = body.pop("caller_ref")
            body["caller"] = {
                "hidden": hidden,
                "ref": None if hidden else reference,
                "number": None if hidden else self._number(due.caller_sealed),
            }
        if due.row.type == INTAKE_RECORDED:
            body |= self._told(next(row for row in due.intakes if row.id == due.row.intake), hidden=hidden)
        return body

    def _number(self, sealed: str | None) -> str | None:
        return self._vault.open_sealed(sealed) if sealed and self._with_numbers else None

    def _told(self, row: IntakeRow, *, hidden: bool) -> dict[str, Any]:
        if not row.text_sealed:  # forgotten while it waited
            return {"hidden": hidden, "name": None, "text": ""}
        text, name = self._seal.open_sealed(row.text_sealed, row.call_id), None
        if row.name_sealed is not None and not hidden:
            name = self._seal.open_sealed(row.name_sealed, row.call_id)
        return {"hidden": hidden, "name": name, "text": blanked(text) if hidden else text}


def is_hidden(intakes: Sequence[IntakeRow]) -> bool:
    """Whether the caller asked for it in any intake of the call, as corrected last: read with the row itself, so an intake
    of this very moment counts."""
    return any(row.hidden for row in in_force(intakes).values())


def cloud_event(due: Due, data: Mapping[str, Any], source: str) -> bytes:
    """The same for every attempt, as long as `data` is."""
    made = datetime.fromtimestamp(due.row.made_ms / 1000, UTC).isoformat(timespec="milliseconds")
    event = {
        "specversion": "1.0",
        "id": due.row.event,
        "source": source,
        "type": due.row.type,
        "subject": due.row.call_id,
        "time": made.replace("+00:00", "Z"),
        "sequence": f"{due.row.id:019d}",  # extension `sequence`: grows as text, too
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
