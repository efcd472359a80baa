"""Ports for tests with an Asterisk of their own: a slot (`sandbox.places`) that nobody else has while it is held.

The first one looked at is `HOTLINE_TEST_SLOT`, 10 by default. A lock holds it, so workers of pytest-xdist, other test runs,
a developer's sandbox and `make run` never meet.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from typing import IO

import pytest

from sandbox import root
from sandbox.places import SLOTS, Ports

BESIDE = 9  # so many further sets of ports a slot has


@contextlib.contextmanager
def own_slot() -> Iterator[int]:
    """The first slot that is free."""
    first = int(os.environ.get("HOTLINE_TEST_SLOT", "10"))
    for number in range(first, SLOTS):
        if (held := _take(number)) is not None:
            with held:
                yield number
            return
    pytest.fail(f"the slots {first} to {SLOTS - 1} are all taken by other test runs")


def beside(ports: Ports, place: int) -> Ports:
    """Further ports of the same slot, for a second Asterisk: `place` 1..9.

    Ports that the kernel chooses are no good for that: until Asterisk listens, any connection of the machine may take them.
    """
    assert 1 <= place <= BESIDE
    rtp = ports.rtp_last + 1 - 100 * place
    return Ports(
        ports.sip + place,
        ports.ami + place,
        ports.fastagi + place,
        ports.http + place,
        ports.far + place,
        rtp,
        rtp + 99,
    )


def _take(number: int) -> IO[str] | None:
    """The lock of a slot, held while the file is open; None when another has it, or a sandbox runs there."""
    folder = root.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / f"slot-{number}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", Ports.of_slot(number).sip))
    except OSError:
        lock.close()
        return None
    return lock
