from __future__ import annotations

import pytest

from telephony.ami.versions import unfit

FIT = (
    "16.28.0~dfsg-0+deb11u4",
    "16.30.1",
    "18.26.4",
    "20.18.2",
    "20.20.0",
    "22.10.1+dfsg+~cs6.17.60671434-1",
    "23.0.0",
    "GIT-master-f0c1c1a",
)


@pytest.mark.parametrize("version", FIT)
def test_version_that_we_serve_is_fit(version: str) -> None:
    assert unfit(version) is None


@pytest.mark.parametrize("version", ["16.27.9", "13.38.3", "16.2.1", "certified/16.8-cert14", "certified/13.21-cert6"])
def test_old_version_is_refused_with_the_version_to_install(version: str) -> None:
    assert "install 16.28 or newer" in (unfit(version) or "")


@pytest.mark.parametrize(("version", "newer"), [("20.19.0", "20.20"), ("22.9.0-rc1", "22.10")])
def test_version_with_the_known_deadlock_is_refused_unless_wanted(version: str, newer: str) -> None:
    assert f"install {newer} or newer" in (unfit(version) or "")
    assert unfit(version, allow_known_deadlock=True) is None
