"""Ports of slots, and what the state file of a sandbox may be believed."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest

from sandbox.audio import alaw, tone
from sandbox.instance import knows_itself
from sandbox.places import SLOTS, STATE_FILE, Ports, State, began, default_folder, default_folders, short_enough
from sandbox.process import MEDIA_FIRST, MEDIA_LAST
from tests.slots import BESIDE, beside


def test_first_slot_has_the_ports_of_the_manual() -> None:
    assert Ports.of_slot(0) == Ports(5160, 5138, 4573, 8345, 5060, 20000, 21999)


def test_no_two_slots_share_a_port() -> None:
    slots = [Ports.of_slot(slot) for slot in range(SLOTS)]
    tcp = [port for ports in slots for port in (ports.ami, ports.fastagi, ports.http)]
    assert len(set(tcp)) == len(tcp)
    assert len({ports.sip for ports in slots}) == SLOTS
    assert all(a.rtp_last < b.rtp_first for a, b in pairwise(slots))
    assert slots[-1].rtp_last <= 65535


def test_phones_take_no_port_for_their_sound_that_a_slot_listens_on() -> None:
    taken = {port for slot in range(SLOTS) for port in listening(Ports.of_slot(slot))}
    assert taken.isdisjoint(range(MEDIA_FIRST, MEDIA_LAST + 4))
    assert Ports.of_slot(0).rtp_first > MEDIA_LAST + 3


def test_further_ports_of_a_slot_are_its_own() -> None:
    slots = [Ports.of_slot(slot) for slot in range(SLOTS)]
    sets = [*slots, *(beside(ports, place) for ports in slots for place in range(1, BESIDE + 1))]
    tcp = [port for ports in sets for port in (ports.ami, ports.fastagi, ports.http)]
    assert len(set(tcp)) == len(tcp)
    assert len({ports.sip for ports in sets}) == len(sets)
    for ports in slots:
        others = [beside(ports, place) for place in range(1, BESIDE + 1)]
        assert all(ports.rtp_first < other.rtp_first < other.rtp_last <= ports.rtp_last for other in others)


def listening(ports: Ports) -> tuple[int, ...]:
    return ports.sip, ports.ami, ports.fastagi, ports.http, ports.far


def test_given_port_stands_instead() -> None:
    assert Ports.of_slot(1, sip=None, ami=9000).ami == 9000
    assert Ports.of_slot(1, sip=None, ami=9000).sip == 5260


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_slot_that_does_not_exist_is_refused(slot: int) -> None:
    with pytest.raises(ValueError, match="choose 0 to"):
        Ports.of_slot(slot)


def test_state_of_a_live_process_is_believed_and_that_of_an_earlier_one_is_not(tmp_path: Path) -> None:
    started = began(os.getpid())
    assert started is not None
    state = State(os.getpid(), started, "22.10.1", ("asterisk",), Ports())
    state.write(tmp_path)
    assert State.read(tmp_path) == state
    State(os.getpid(), "1", "22.10.1", ("asterisk",), Ports()).write(tmp_path)
    assert State.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": 1}', json.dumps(asdict(Ports()))])
def test_state_file_with_anything_else_in_it_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE_FILE).write_text(text)
    assert State.read(tmp_path) is None


def test_folders_of_all_slots_are_listed_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_CACHE", str(tmp_path))
    for name in ("sandbox-10", "sandbox-2", "sandbox-x", "asterisk-22"):
        (tmp_path / name).mkdir()
    assert default_folders() == [default_folder(2), default_folder(10)]


def test_long_path_gets_a_short_place_for_the_control_socket(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    assert len(str(short_enough(long))) < 90
    assert short_enough(long) == short_enough(long)
    assert short_enough(Path("/a/run")) == Path("/a/run")


@pytest.mark.parametrize(("sample", "code"), [(0, 0xD5), (-1, 0x55), (32767, 0xAA), (-32768, 0x2A), (1000, 0xFA)])
def test_alaw_is_as_the_standard_has_it(sample: int, code: int) -> None:
    assert alaw(sample) == code


def test_tone_is_a_second_of_bytes() -> None:
    assert len(tone(1.0)) == 8000


def test_hosts_file_has_the_machines_name_or_not(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    assert not knows_itself("vm", hosts)
    hosts.write_text("127.0.0.1 localhost # vm\n127.0.1.1 vm.example vm2\n")
    assert not knows_itself("vm", hosts)
    assert knows_itself("vm2", hosts)
