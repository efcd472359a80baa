"""Asterisk's CEL against the records, over HTTP: who may look, and who may have the missing calls recorded."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from console.deps import Refused
from tests.unit.console.fakes import LOOK, Hotline, bearer

PATH = "/api/v1/reconcile"


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


def test_last_look_is_shown_once_there_was_one(client: TestClient, hotline: Hotline) -> None:
    assert client.get(PATH, headers=bearer("auditor")).json() is None
    answer = client.post(f"{PATH}?hours=48", headers=bearer("engineer"))
    assert (answer.status_code, answer.json()) == (200, LOOK)
    assert client.get(PATH, headers=bearer("auditor")).json() == LOOK
    assert [hours for hours, _ in hotline.reconciling.asked] == [48]


def test_a_day_is_looked_at_when_nothing_is_said(client: TestClient, hotline: Hotline) -> None:
    client.post(PATH, headers=bearer("supervisor"))
    assert hotline.reconciling.asked[0][0] == 24


@pytest.mark.parametrize(("role", "looks", "sees"), [("agent", 403, 403), ("expert", 403, 403), ("auditor", 403, 200)])
def test_who_may_not(client: TestClient, hotline: Hotline, role: str, looks: int, sees: int) -> None:
    assert client.post(PATH, headers=bearer(role)).status_code == looks
    assert client.get(PATH, headers=bearer(role)).status_code == sees
    assert hotline.reconciling.asked == []


@pytest.mark.parametrize("hours", ["0", "-1", "745", "x"])
def test_hours_have_bounds(client: TestClient, hours: str) -> None:
    assert client.post(f"{PATH}?hours={hours}", headers=bearer("engineer")).status_code == 422


def test_refusal_is_one_sentence(client: TestClient, hotline: Hotline) -> None:
    hotline.reconciling.refusal = Refused(409, "there is no /var/log/asterisk/cel-custom/hotline.csv")
    answer = client.post(PATH, headers=bearer("engineer"))
    assert (answer.status_code, answer.json()["detail"]) == (409, hotline.reconciling.refusal.detail)
