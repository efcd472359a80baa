"""Alarms over HTTP: everybody who acts sees and acknowledges, and the board shows them until then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from tests.unit.console.fakes import Hotline, bearer


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


def test_alarm_is_on_the_board_until_it_is_acknowledged(hotline: Hotline) -> None:
    with TestClient(create_app(hotline.deps())) as client:
        assert client.get("/api/v1/status", headers=bearer("auditor")).json()["alarms"] == [hotline.alarms.alarm]
        answer = client.post("/api/v1/alarms/1/acknowledge", headers=bearer("supervisor"))
        assert (answer.status_code, answer.json()["by"]) == (200, "1001")
        assert client.get("/api/v1/alarms", headers=bearer("auditor")).json() == []
    with TestClient(create_app(hotline.deps())) as client:
        assert client.get("/api/v1/status", headers=bearer("auditor")).json()["alarms"] == []


def test_who_asks_is_passed_on(client: TestClient, hotline: Hotline) -> None:
    client.get("/api/v1/alarms?all=true", headers=bearer("agent"))
    client.post("/api/v1/alarms/1/acknowledge", headers=bearer("agent"))
    assert hotline.alarms.asked == [(True, "1001", "agent"), (1, "1001", "agent")]


def test_auditor_does_not_acknowledge(client: TestClient) -> None:
    assert client.post("/api/v1/alarms/1/acknowledge", headers=bearer("auditor")).status_code == 403


def test_unknown_alarm_is_a_clear_error(client: TestClient) -> None:
    answer = client.post("/api/v1/alarms/7/acknowledge", headers=bearer("engineer"))
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no alarm 7")


def test_dead_trunks_to_emergency_centres_are_on_the_board(hotline: Hotline) -> None:
    hotline.view = replace(hotline.view, trunks={"police": False, "carrier": True})
    with TestClient(create_app(hotline.deps())) as client:
        assert client.get("/api/v1/status", headers=bearer("agent")).json()["dead_trunks"] == ["police"]
