"""`python -m config.grafana`: writes `hotline.json` beside this file."""

from __future__ import annotations

from pathlib import Path

from config.grafana.dashboard import made

if __name__ == "__main__":
    Path(__file__).with_name("hotline.json").write_text(made(), "utf-8")
