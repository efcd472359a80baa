"""The wallboard in a real browser: what a supervisor sees, judged by the page and not by its code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from console.app import create_app
from console.deps import Health, LineToday
from console.server import HttpServer
from routing.agent_state import AgentState
from routing.floor import SET_ASIDE
from routing.model import DeviceState, DutyView, EngineView, LineView, SeatView
from tests.e2e.browser import Page, browser
from tests.unit.console.fakes import LOST, OUTLOOK, STAFFING, SUGGESTION, Hotline

pytestmark = pytest.mark.e2e

NAMES = {"12345": "政务服务便民热线", "12333": "人力资源和社会保障", "12366": "税务服务", "12329": "住房公积金"}
STATES = [*AgentState, AgentState.TALKING, AgentState.TALKING, AgentState.READY]


def seat(number: int, state: str, name: str = "坐席") -> SeatView:
    return SeatView(str(1001 + number), f"{number}", f"{name}{number}", state, 5.0, DeviceState.NOT_INUSE, None)


def view(waiting: int = 2, longest_s: float = 3.0) -> EngineView:
    lines = [LineView(number, name, 0, 0.0, 0) for number, name in NAMES.items()]
    lines[0] = replace(lines[0], waiting=waiting, longest_wait_s=longest_s, talking=3)
    return EngineView(tuple(lines), tuple(seat(n, s) for n, s in enumerate(STATES)), ready=True, ami_up=True)


def today(in_time: int, judged: int) -> LineToday:
    times = (3.2, 14.0, 21.5)
    return LineToday("12345", NAMES["12345"], judged, judged, in_time, in_time, 1, in_time / judged, "V2-all", *times)


@pytest.fixture
def hotline() -> Hotline:
    return Hotline(view=view(), today=(today(96, 100),))


@pytest.fixture
async def server(hotline: Hotline) -> AsyncIterator[HttpServer]:
    server = HttpServer(create_app(hotline.deps()))
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with browser(tmp_path / "profile") as page:
        await page.size(1600, 900)
        yield page


async def enter(page: Page, server: HttpServer) -> None:
    await page.open(f"http://127.0.0.1:{server.port}/wallboard?token=supervisor-secret")
    await page.until("document.body.dataset.link === 'live'")


async def test_a_supervisor_sees_waiting_ratio_seats_and_lines(page: Page, server: HttpServer, tmp_path: Path) -> None:
    await enter(page, server)
    assert await page.text("#fig-waiting output") == "2"
    assert await page.text("#fig-ratio output") == "96.0%"
    assert await page.value("document.querySelector('#fig-ratio').className") == "good"
    assert await page.text("#fig-talking output") == "3"
    assert await page.value("document.querySelectorAll('#seats li').length") == len(STATES)
    assert await page.text("#states li[data-state=talking] b") == "3"
    assert await page.value("document.querySelectorAll('#lines tr').length") == len(NAMES)
    await page.picture(tmp_path / "wallboard.png")
    assert (tmp_path / "wallboard.png").stat().st_size > 20_000


async def test_the_page_asks_nobody_else_and_the_browser_has_no_complaint(page: Page, server: HttpServer) -> None:
    await enter(page, server)
    own = f"http://127.0.0.1:{server.port}/"
    assert [url for url in page.requested if not url.startswith((own, "data:"))] == []
    assert page.complaints == []
    assert "token" not in await page.value("location.href")


async def test_every_seat_state_has_a_colour_of_its_own(page: Page, server: HttpServer) -> None:
    await enter(page, server)
    colours = await page.value(
        "[...document.querySelectorAll('#states li')].map((item) => getComputedStyle(item).backgroundColor)"
    )
    assert len(set(colours)) == len(AgentState)


async def test_figures_follow_the_hotline_and_turn_red_below_the_target(
    page: Page, server: HttpServer, hotline: Hotline
) -> None:
    await enter(page, server)
    hotline.view, hotline.today = view(waiting=7, longest_s=31.0), (today(9496, 10000),)
    await page.until("document.querySelector('#fig-waiting output').innerText === '7'")
    await page.until("document.querySelector('#fig-ratio').className === 'bad'")
    assert await page.text("#fig-ratio output") == "94.9%"
    assert (await page.text("#fig-longest output")).startswith("0:3")
    assert await page.value("document.querySelector('#fig-longest').className") == "bad"


async def test_citizens_whom_nobody_served_today_stand_on_the_wall(
    page: Page, server: HttpServer, hotline: Hotline
) -> None:
    hotline.lost_today = LOST
    await enter(page, server)
    shown = await page.text("#lost-parts")
    assert all(part in shown for part in ("今日未服务市民 not served 3", "lost 4", "served since 1"))
    assert await page.value("document.querySelector('#lost-parts').className") == "bad"
    hotline.lost_today = LOST | {"not_served": 0}
    await page.until("document.querySelector('#lost-parts').className === ''")


async def test_a_waiting_caller_is_seen_to_wait_longer_between_two_pictures(page: Page, server: HttpServer) -> None:
    await enter(page, server)
    await page.until("document.querySelector('#fig-longest output').innerText >= '0:05'")


async def test_what_is_out_of_order_is_said_on_the_wall(page: Page, server: HttpServer, hotline: Hotline) -> None:
    await enter(page, server)
    hotline.health, hotline.today = Health(True, True, ("ami", "database")), OSError("away")
    await page.until("document.querySelectorAll('#notices span').length === 2")
    await page.until("document.querySelector('#ratio-parts').innerText.includes('记录暂不可用')")
    assert await page.text("#fig-ratio output") == "–"
    assert await page.text("#fig-waiting output") == "2"


async def test_seats_set_aside_and_lines_in_a_gap_are_named_on_the_wall(
    page: Page, server: HttpServer, hotline: Hotline
) -> None:
    await enter(page, server)
    aside = replace(seat(4, "paused"), reason=SET_ASIDE)
    lines = [replace(line, duty=DutyView("group:duty", (), gap=True, until=None)) for line in hotline.view.lines[1:3]]
    hotline.view = replace(hotline.view, lines=(hotline.view.lines[0], *lines), seats=(aside,))
    await page.until("document.querySelectorAll('#notices span').length === 2")
    told = await page.text("#notices")
    assert "Set aside: 1005" in told
    assert "Roster gap: 12333 12366" in told


async def test_today_beside_its_forecast_and_a_suggestion_are_on_the_wall(
    page: Page, server: HttpServer, hotline: Hotline
) -> None:
    await enter(page, server)
    assert await page.value("document.querySelector('#forecast-section').hidden") is True
    hotline.forecasts.today, hotline.forecasts.suggested = OUTLOOK, SUGGESTION
    await page.until("!document.querySelector('#forecast-section').hidden")
    assert await page.value("document.querySelectorAll('#forecast .came').length") == 24
    assert await page.value("document.querySelectorAll('#forecast .expected').length") == 24
    assert "900 / 801" in await page.text("#forecast-parts")
    assert "14:30: +87%" in await page.text("#notices")
    assert page.complaints == []
    hotline.forecasts.suggested = None
    await page.until("document.querySelectorAll('#notices span').length === 0")


async def test_seats_needed_and_the_end_of_the_day_are_on_the_wall(
    page: Page, server: HttpServer, hotline: Hotline
) -> None:
    await enter(page, server)
    assert await page.value("document.querySelector('#staffing-section').hidden") is True
    hotline.staffing = STAFFING
    await page.until("document.querySelectorAll('#staffing li').length === 4")
    first = await page.text("#staffing li")
    for part in ("14:15", "45", "short 4", "calls 98", "roster 44"):
        assert part in first
    assert await page.value("document.querySelectorAll('#staffing li.bad').length") == 2
    assert "93.4% (V2-all)" in await page.text("#day-end")
    assert "of 1200 to come 1178 must be in time" in await page.text("#day-end")
    hotline.staffing = {**STAFFING, "today": {**STAFFING["today"], "reachable": False, "best": 0.9412}}
    await page.until("document.querySelector('#day-end').textContent.includes('out of reach: 94.1%')")
    hotline.staffing = {**STAFFING, "why_none": "no forecast", "quarters": []}
    await page.until("document.querySelector('#staffing-section').hidden")
    assert page.complaints == []


async def test_a_name_is_text_whatever_it_holds(page: Page, server: HttpServer, hotline: Hotline) -> None:
    hotline.view = EngineView((), (seat(1, "ready", "<img src=x onerror=alert(1)>"),), ready=True, ami_up=True)
    await enter(page, server)
    assert "<img src=x" in await page.text("#seats li")
    assert await page.value("document.querySelectorAll('img').length") == 0
    assert page.complaints == []


async def test_the_board_says_when_the_service_is_gone_and_comes_back_by_itself(page: Page, hotline: Hotline) -> None:
    first, second = HttpServer(create_app(hotline.deps())), HttpServer(create_app(hotline.deps()))
    await first.start("127.0.0.1", 0)
    await enter(page, first)
    await first.stop()
    await page.until("document.body.dataset.link === 'lost'")
    await second.start("127.0.0.1", first.port)
    await page.until("document.body.dataset.link === 'live'")
    await second.stop()
