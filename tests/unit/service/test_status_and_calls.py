"""`hotline status` and `hotline calls` against an HTTP service that is a function of the request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import httpx
import pytest
from rich.console import Console

from service.cli import status as status_command
from service.cli.calls import _row
from service.cli.client import Client, url_of
from service.cli.output import CommandError, percent
from service.cli.status import is_served, picture
from service.settings import Settings
from tests.unit.console.fakes import STAFFING

TODAY = {"offered": 30, "judged": 28, "answered": 27, "in_time": 26, "abandoned": 1, "flowed_out": 0, "failed": 0}
TODAY |= {"ratio": 26 / 28, "formula": "V2-all"}
STATUS: dict[str, Any] = {
    "health": {"ready": True, "serving": True, "degraded": []},
    "target": {"answer_within_s": 15.0, "ratio": 0.95},
    "now": {"waiting": 2, "longest_wait_s": 7.2, "talking": 3, "seats": {"ready": 1, "talking": 3}},
    "today": TODAY,
    "lines": [
        {"number": "12345", "name": "热线 [bold]", "waiting": 2, "longest_wait_s": 7.2, "talking": 3, "today": None},
        {
            "number": "12336",
            "name": "举报",
            "waiting": None,
            "longest_wait_s": None,
            "talking": None,
            "today": {**TODAY, "p50_s": 1.2, "p95_s": 9.9, "max_s": 14.2},
        },
    ],
}


def client(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client("http://127.0.0.1:8345", "t", httpx.MockTransport(answer))


def text(status: dict[str, Any]) -> str:
    console = Console(width=160, highlight=False)
    with console.capture() as captured:
        console.print(picture(status))
    return captured.get()


def test_the_picture_has_waiting_ratio_seats_and_lines() -> None:
    shown = text(STATUS)
    for part in ("serving", "waiting 2", "longest 7.2 s", "92.8 %", "26 of 28", "talking 3", "12336", "14.2"):
        assert part in shown
    assert "热线 [bold]" in shown  # a name is text, not markup


def test_seats_set_aside_are_named() -> None:
    assert "set aside after two missed calls: 1001, 1005" in text(
        {**STATUS, "now": {**STATUS["now"], "set_aside": ["1001", "1005"]}}
    )
    assert "set aside" not in text(STATUS)


def test_citizens_not_served_today_are_a_line_of_their_own() -> None:
    shown = text({**STATUS, "lost_today": {"calls": 5, "lost": 4, "served": 1, "not_served": 3}})
    assert "citizens not served today: 3   lost 4, served since 1" in shown
    assert "not served" not in text({**STATUS, "lost_today": None})


def test_who_is_on_duty_is_shown_by_shift_and_a_gap_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_command.time, "time", lambda: 1000.0)
    day = {"people": "group:day", "first": [], "gap": False, "until": 1000.0 + 3 * 3600 + 1200}
    led = {**day, "first": ["agent:9001"], "until": 1000.0 + 50 * 3600}
    gap = {"people": "group:duty", "first": [], "gap": True, "until": 1000.0 + 600}
    lines = [
        {**STATUS["lines"][0], "number": str(nth), "duty": duty} for nth, duty in enumerate((day, day, led, gap, None))
    ]
    shown = text({**STATUS, "lines": lines})
    assert "on duty group:day, for 3 h 20 min more: 0, 1" in shown
    assert "on duty group:day, first agent:9001, for 2 d 2 h more: 2" in shown
    assert "on duty GAP, the duty seats serve, for 10 min more: 3" in shown
    assert "on duty" not in text(STATUS)


def test_seats_needed_and_the_end_of_the_day_are_a_short_block() -> None:
    shown = text({**STATUS, "staffing": STAFFING}).splitlines()
    start = next(nth for nth, line in enumerate(shown) if line.startswith("today will end at"))
    assert shown[start].rstrip() == (
        "today will end at 93.4 % (V2-all): of the 1200 calls still to come 1178 must be in time for 95.0 %"
    )
    rows = [line.split() for line in shown[start + 2 : start + 6]]
    assert rows[0] == ["14:15", "98", "45", "41", "4", "short", "44"]
    assert rows[2] == ["14:45", "98", "41", "41", "0", "to", "spare", "44"]
    assert rows[3] == ["15:00", "98", "38", "41", "3", "to", "spare", "44"]
    assert shown[start + 6].startswith("a call takes 231 s (same hours), callers wait 600 s (configuration)")


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ({"must": 1201, "reachable": False, "best": 0.9412}, "95.0 % cannot be reached any more, 94.1 % with all of"),
        ({"must": 0}, "95.0 % is reached whatever becomes of the 1200 calls still to come"),
    ],
)
def test_target_that_is_safe_or_lost_is_said_so(day: dict[str, Any], words: str) -> None:
    assert words in text({**STATUS, "staffing": {**STAFFING, "today": {**STAFFING["today"], **day}}})


def test_without_a_forecast_there_is_one_sentence_and_without_records_none() -> None:
    unknown = {**STAFFING, "why_none": "no forecast: 2 days are recorded", "quarters": []}
    shown = text({**STATUS, "staffing": unknown})
    assert "seats needed: no forecast: 2 days are recorded" in shown
    assert "today will end" not in shown
    for away in (STATUS, {**STATUS, "staffing": None}):
        assert "seats needed" not in text(away)


def test_quarter_of_a_day_without_a_forecast_has_no_numbers() -> None:
    quarter = {"at": "00:00", "expected": None, "needed": None, "gap": None, "rostered": None}
    shown = text({**STATUS, "staffing": {**STAFFING, "quarters": [quarter]}})
    assert [line.split() for line in shown.splitlines() if "00:00" in line] == [["00:00", "–", "–", "41", "–", "–"]]


def test_degraded_and_not_serving_are_said_first() -> None:
    assert "degraded: ami" in text({**STATUS, "health": {"ready": True, "serving": True, "degraded": ["ami"]}})
    stopped = {**STATUS, "health": {"ready": False, "serving": False, "degraded": []}}
    assert text(stopped).startswith("NOT SERVING")
    assert not is_served(stopped)


def test_without_records_the_rest_is_shown() -> None:
    assert "records unavailable" in text({**STATUS, "today": None})


def test_a_ratio_just_below_the_target_is_not_rounded_up_to_it() -> None:
    assert percent(0.94999) == "94.9 %"
    assert percent(0.95) == "95.0 %"
    assert percent(1.0) == "100.0 %"
    assert percent(None) == "–"


def test_the_token_and_the_limit_reach_the_service() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer t"
        assert request.url.query == b"limit=5"
        return httpx.Response(200, json=[])

    with client(answer) as asked:
        assert asked.get("/api/v1/calls", limit=5) == []


def refused(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def silent(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing")


@pytest.mark.parametrize(
    ("answer", "words", "exit_code"),
    [
        (refused, "hotline serve", 1),
        (silent, "does not answer", 1),
        (lambda _: httpx.Response(200, text="<html>"), "not the hotline", 1),
        (lambda _: httpx.Response(401, json={"detail": "A known token is needed"}), "token", 2),
        (lambda _: httpx.Response(503, json={"detail": "The records do not answer"}), "records do not answer", 1),
        (lambda _: httpx.Response(500, json=[]), "no reason", 1),
    ],
)
def test_every_failure_is_one_sentence(
    answer: Callable[[httpx.Request], httpx.Response], words: str, exit_code: int
) -> None:
    with client(answer) as asked, pytest.raises(CommandError, match=words) as failed:
        asked.get("/api/v1/status")
    assert failed.value.exit_code == exit_code
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("http", "url"),
    [
        ("127.0.0.1:8345", "http://127.0.0.1:8345"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
    ],
)
def test_the_address_is_the_one_of_the_configuration(http: str, url: str) -> None:
    assert url_of(Settings.model_validate({"service": {"http": http}})) == url


def test_a_call_is_a_row_with_its_answer_time_to_the_millisecond() -> None:
    call = dict.fromkeys(("talk_s", "agent", "judged", "line", "recording"))
    answered = {**call, "call_id": "1-1", "number": "12345", "arrived_at": 0.0, "answer_s": 3.25, "outcome": "talking"}
    row = _row(answered, UTC)
    assert (row["arrived"], row["answer s"], row["talk s"]) == ("01-01 00:00:00", "3.250", None)
