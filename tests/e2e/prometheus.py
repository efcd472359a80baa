"""Debian's Prometheus in a folder of its own, on a port of its own; it scrapes one service and keeps our rules."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import httpx

from sandbox.waiting import until
from tests.unit.metrics.promtool import RULES_FILE

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: hotline
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
"""


class Prometheus:
    """`target`: the service's port. Its rules are evaluated each second instead of each half minute."""

    def __init__(self, folder: Path, port: int, target: int) -> None:
        self.folder, self.port = folder, port
        folder.mkdir(parents=True)
        rules, times = re.subn(r"(?m)^    interval: 30s$", "    interval: 1s", RULES_FILE.read_text("utf-8"))
        assert times == 1
        (folder / "rules.yml").write_text(rules, "utf-8")
        (folder / "prometheus.yml").write_text(CONFIG.format(target=target), "utf-8")
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._process = self._spawn()
        try:
            await until(self._ready, 20, "Prometheus ready")
        except BaseException:
            await self.__aexit__()
            raise
        return self

    def _spawn(self) -> subprocess.Popen[bytes]:
        dies_with_us = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        address = f"--web.listen-address=127.0.0.1:{self.port}"
        with (self.folder / "prometheus.log").open("wb") as log:
            return subprocess.Popen(
                [*dies_with_us, "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", address],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        assert self._process is not None
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 20)

    async def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "prometheus.log").read_text()
        try:
            return (await self.http.get("/-/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    async def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """(labels, value) of each series that the expression gives now. Raises AssertionError when it is none."""
        answer = (await self.http.get("/api/v1/query", params={"query": expr})).json()
        assert answer["status"] == "success", f"{expr}: {answer.get('error')}"
        assert answer["data"]["resultType"] == "vector", expr
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule as Prometheus sees it: name, health, lastError, and of an alert its state."""
        answer = (await self.http.get("/api/v1/rules")).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]
