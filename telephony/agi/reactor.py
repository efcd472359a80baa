"""Twisted rides on the asyncio loop that is already running. Service, benches and tests all start it this way."""

from __future__ import annotations

import asyncio
from typing import Any

from twisted.internet import asyncioreactor


def install_reactor() -> None:
    """Makes Twisted's reactor run on the running loop; once per process, before `twisted.internet.reactor` is imported.

    Signals stay with asyncio. Raises twisted's ReactorAlreadyInstalledError the second time.
    """
    asyncioreactor.install(asyncio.get_running_loop())  # type: ignore[no-untyped-call]
    _reactor().startRunning(installSignalHandlers=False)


def remove_reactor() -> None:
    """Takes the reactor off the loop at the very end. Not `fireSystemEvent("shutdown")`: that would stop the loop."""
    pool = _reactor().threadpool
    if pool is not None:
        pool.stop()
    _reactor().removeAll()


def _reactor() -> Any:
    from twisted.internet import reactor  # importing it installs one, so never at the head of a module

    return reactor
