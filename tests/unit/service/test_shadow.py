"""The declared shadow: what it is told, when it is over, and that its troubles stay its own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from console.deps import Refused
from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import DeviceState
from routing.shadow import Shadow
from service import clock
from service.settings import Settings, load
from service.shadow import COUNTS, NAME, SHARE, WINDOW_S, End, Shadows

PART = '[[line]]\nnumber = "12345"\nrings = [{ after_s = 0, need = "agent:1002" }]\n'


@dataclass
class Place:
    """A service as far as a shadow sees it: an engine, its settings, and clocks that stand."""

    settings: Settings
    engine: Engine = field(init=False)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: list[End | None] = field(default_factory=list)
    spent_s: float = 0.0
    now: float = field(default_factory=clock.now)

    def __post_init__(self) -> None:
        self.engine = Engine(self.settings.rules())
        self.shadows = self.another()
        self.handle(e.Picture((), dict.fromkeys(self.engine.rules.seats, DeviceState.NOT_INUSE), clock.wall()))
        self.handle(e.DecisionsAllowed())

    def another(self) -> Shadows:
        """The service of the next start."""
        return Shadows(
            self.engine,
            lambda: self.settings,
            lambda: {},
            count=lambda line, result: self.counted.update([(line, result)]),
            ended=self.ends.append,
            spent=lambda: self.spent_s,
        )

    def handle(self, event: e.Event) -> list[c.Command]:
        wake, wall = self.engine.next_wake(), clock.wall()
        commands = self.engine.handle(event, self.now, wall)
        self.shadows.follow(event, self.now, wall, commands, wake)
        return commands

    def call(self, call_id: str, number: str = "12345") -> None:
        self.handle(e.CallHeld(call_id, len(call_id), number, clock.wall()))


@pytest.fixture
def place(folder: Path, sample_text: str) -> Place:
    second = '\n[[agent]]\nid = "1002"\nskills = { general = 1 }\n\n[[seat]]\nid = "1002"\n'
    (folder / "hotline.toml").write_text(sample_text + second)
    settings = load(folder / "hotline.toml", check_secrets=False)
    settings.data_dir.mkdir(exist_ok=True)
    return Place(settings)


def results(shadows: Shadows) -> dict[str, int]:
    shown = shadows.shown()
    assert shown is not None
    return {result: count for line in shown["lines"] for result, count in line["results"].items() if count}


async def test_a_part_of_a_configuration_is_tried_and_what_differs_is_told(place: Place) -> None:
    assert place.shadows.shown() is None
    begun = await place.shadows.start(PART.encode(), "other.toml", 600, "boss")
    assert (begun["file"], begun["by"], begun["running"], begun["lines"]) == ("other.toml", "boss", True, [])
    place.call("a")
    shown = place.shadows.shown()
    assert shown is not None
    (line,) = shown["lines"]
    assert (line["number"], line["compared"], results(place.shadows)) == ("12345", 1, {"seat": 1})
    (example,) = shown["examples"]
    assert (example["call_id"], example["live"], example["shadow"]) == ("a", ("1001",), ("1002",))
    assert place.counted == {("12345", "seat"): 1}
    assert place.ends == [None]


async def test_mistakes_are_all_told_and_what_runs_goes_on(place: Place) -> None:
    await place.shadows.start(PART.encode(), "first.toml", 600, "boss")
    wrong = PART.replace("agent:1002", "nosuch>=3") + 'colour = "red"\n\n[timing]\nring_s = 900\n'
    with pytest.raises(Refused) as refused:
        await place.shadows.start(wrong.encode(), "second.toml", 600, "boss")
    said = [error["why"] for error in refused.value.errors]
    assert refused.value.status == 422
    for words in ("line 12345.colour is an unknown key", "timing.ring_s is out of range", "nosuch"):
        assert any(words in sentence for sentence in said), said
    shown = place.shadows.shown()
    assert shown is not None
    assert (shown["file"], shown["running"]) == ("first.toml", True)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[", b"# nothing\n", b"line = 1\n", b"[[line]]\nnumber = [1]\n"])
async def test_what_is_no_configuration_is_refused(place: Place, data: bytes) -> None:
    with pytest.raises(Refused):
        await place.shadows.start(data, "x", 600, "boss")
    assert place.shadows.shown() is None


async def test_a_whole_configuration_is_tried_too_and_its_mistakes_have_lines(place: Place) -> None:
    text = place.settings.file.read_text()
    await place.shadows.start(text.encode(), "whole.toml", 600, "boss")
    place.call("a")
    assert results(place.shadows) == {"same": 1}
    wrong = text.replace("wrap_up_s = 10", "wrap = 10")
    with pytest.raises(Refused) as refused:
        await place.shadows.start(wrong.encode(), "whole.toml", 600, "boss")
    line = text[: text.index("wrap_up_s")].count("\n") + 1
    assert refused.value.errors[0]["why"].startswith(f"line {line}: timing.wrap is an unknown key")


async def test_what_cannot_be_compared_is_named(place: Place) -> None:
    begun = await place.shadows.start(b"[timing]\nwrap_up_s = 33\n", "x", 600, "boss")
    assert begun["not_compared"] == ["timing.wrap_up_s 10 -> 33"]


async def test_it_ends_when_asked_and_its_figures_stay(place: Place) -> None:
    assert "hotline shadow start" in str(place.shadows.end("boss"))
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    place.call("a")
    assert place.shadows.end("boss") is None
    place.call("bb")
    shown = place.shadows.shown()
    assert shown is not None
    assert (shown["running"], shown["ended"], results(place.shadows)) == (False, End.ASKED, {"seat": 1})
    assert place.ends == [None, End.ASKED]
    assert "no shadow runs" in str(place.shadows.end("boss"))


async def test_it_expires(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    later = clock.wall() + 601
    monkeypatch.setattr(clock, "wall", lambda: later)
    place.call("a")
    assert place.counted == {}
    assert place.ends == [None, End.EXPIRED]


async def test_another_takes_its_place(place: Place) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    place.call("a")
    await place.shadows.start(b"[timing]\nclass_worth_s = 3\n", "y", 600, "boss")
    place.handle(e.CallEnded("a", clock.wall(), 16, "caller"))
    place.call("bb")
    assert results(place.shadows) == {"same": 1}
    assert place.ends == [None, End.REPLACED, None]


async def test_a_restart_keeps_it_and_what_it_counted(place: Place) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    place.call("a")
    place.shadows.stop()
    first = place.shadows.shown()
    place.shadows = place.another()
    await place.shadows.recall()
    assert place.shadows.shown() == first
    place.handle(e.CallEnded("a", clock.wall(), 16, "caller"))
    place.call("bb")
    assert results(place.shadows) == {"seat": 2}


async def test_after_its_end_a_restart_knows_nothing_of_it(place: Place) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    place.shadows.end("boss")
    again = place.another()
    await again.recall()
    assert again.shown() is None
    assert not (place.settings.data_dir / NAME).exists()
    assert not (place.settings.data_dir / COUNTS).exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"since": 1, "until": "x", "by": "", "name": "", "text": ""}']
)
async def test_a_note_that_makes_no_sense_is_no_shadow_and_no_harm(place: Place, text: str) -> None:
    (place.settings.data_dir / NAME).write_text(text)
    await place.shadows.recall()
    assert place.shadows.shown() is None
    place.call("a")


async def test_counts_that_make_no_sense_do_not_keep_the_start_from_going_on(place: Place) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    (place.settings.data_dir / COUNTS).write_text(json.dumps({"counts": [["12345", "nonsense", 3]]}))
    place.shadows = place.another()
    await place.shadows.recall()
    place.call("a")


async def test_a_reload_completes_a_part_by_what_runs_now(place: Place, read: Callable[[str], Settings]) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    text = place.settings.file.read_text()
    place.settings = read(text.replace("class_worth_s = 60", "class_worth_s = 7"))
    await place.shadows.reread()
    place.handle(e.RulesChanged(place.settings.rules()))
    assert place.shadows.shadow is not None
    own = place.shadows.shadow.engine.configured
    assert own.timing.class_worth_s == 7
    place.call("a")
    assert results(place.shadows) == {"seat": 1}
    place.settings = read(text.replace('id = "1002"', 'id = "1003"'))
    await place.shadows.reread()
    assert place.ends[-1] is End.RULES


async def test_a_bug_of_the_shadow_ends_the_shadow_and_nothing_else(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")

    def fails(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Shadow, "follow", fails)
    place.call("a")
    assert place.ends == [None, End.FAILED]
    assert place.engine.calls["a"].presentation is not None
    assert not (place.settings.data_dir / NAME).exists(), "it does not come back by a restart"


async def test_a_shadow_that_costs_more_than_its_share_is_switched_off(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def costs(cost_s: float) -> Callable[..., None]:
        def follow(*_: object) -> None:
            place.spent_s += cost_s

        return follow

    await place.shadows.start(PART.encode(), "x", 600, "boss")
    monkeypatch.setattr(Shadow, "follow", costs(SHARE * 0.45))
    for _ in range(100):
        place.now += 0.5 + 1e-6
        place.handle(e.Tick())
    shown = place.shadows.shown()
    assert shown is not None
    assert (shown["running"], round(shown["share"], 3)) == (True, round(SHARE * 0.9, 3))
    monkeypatch.setattr(Shadow, "follow", costs(SHARE * WINDOW_S))
    place.handle(e.Tick())
    place.handle(e.Tick())
    assert place.ends == [None, End.SLOW]


async def test_a_disk_that_is_full_costs_only_the_keeping(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    place.call("a")
    place.now += 61
    place.handle(e.Tick())
    assert results(place.shadows) == {"seat": 1}


async def test_who_ends_it_while_a_reload_reads_its_file_has_ended_it(place: Place) -> None:
    await place.shadows.start(PART.encode(), "x", 600, "boss")
    reading = asyncio.create_task(place.shadows.reread())
    await asyncio.sleep(0)
    place.shadows.end("boss")
    await reading
    assert place.ends == [None, End.ASKED]
    assert place.shadows.shadow is not None
    assert not place.shadows.shadow.engine.rules.lines


async def test_what_is_declared_while_the_last_one_is_recalled_stands(place: Place) -> None:
    await place.shadows.start(PART.encode(), "old.toml", 600, "boss")
    place.shadows = place.another()
    recalling = asyncio.create_task(place.shadows.recall())
    await place.shadows.start(PART.encode(), "new.toml", 600, "boss")
    await recalling
    shown = place.shadows.shown()
    assert shown is not None
    assert shown["file"] == "new.toml"
