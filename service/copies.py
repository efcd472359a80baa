"""Copies of tables in files beside the database, from which a start without it is served."""

from __future__ import annotations

import json
import os
from pathlib import Path

import structlog

log = structlog.get_logger("hotline")


def save(path: Path, content: object) -> None:
    """Replaces the copy as a whole. It is small; who cannot write it is told so and goes on."""
    draft = path.with_suffix(".draft")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(content, out, ensure_ascii=False)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError as error:
        log.error("copy not written", path=str(path), problem=error.strerror)
