"""The mirror comes from the machine's own apt sources, however they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import apt

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://vendor.example/linux bookworm stable
deb http://mirror.example/debian/ bookworm main contrib # ours
deb http://security.example/debian-security bookworm-security main
"""
DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
 http://second.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
Enabled: no

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""


@pytest.mark.parametrize(("parse", "text"), [(apt.parse_one_line, ONE_LINE), (apt.parse_deb822, DEB822)])
def test_mirror_and_security_archive_are_found_in_both_forms(parse: object, text: str) -> None:
    found = list(parse(text))  # type: ignore[operator]
    assert apt.mirror(found) == "http://mirror.example/debian"
    assert apt.security_mirror(found) == "http://security.example/debian-security"


def test_disabled_and_vendor_sources_are_no_mirror() -> None:
    assert all("off.example" not in source.uri for source in apt.parse_deb822(DEB822))
    vendor = list(apt.parse_one_line("deb http://vendor.example/linux bookworm stable\n"))
    assert apt.mirror(vendor) is None


def test_machine_without_debian_sources_has_no_mirror(tmp_path: Path) -> None:
    assert apt.mirror(apt.sources(tmp_path)) is None


def test_all_files_of_apt_are_read(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "vendor.list").write_text("deb http://vendor.example/x nodistro main\n")
    (parts / "debian.sources").write_text(DEB822)
    assert apt.mirror(apt.sources(tmp_path)) == "http://mirror.example/debian"


def test_list_of_mirrors_means_its_first(tmp_path: Path) -> None:
    names = tmp_path / "debian.list"
    names.write_text("http://first.example/debian/\nhttp://second.example/debian\n")
    found = [apt.Source(f"mirror+file:{names}", "bookworm", ("main",))]
    assert apt.mirror(found) == "http://first.example/debian"
