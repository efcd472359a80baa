"""Builds, wires, starts and stops the service. Nobody imports it but the command that runs it.

Order of the start: records (what was open), FastAGI (callers are only held), AMI and its first picture, all callers who
waited back again, then decisions; at the latest 3 s after FastAGI listens (design §2). A peer that is missing delays
nobody longer than that.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Final

import structlog

from console.app import create_app
from console.deps import Health, Role, Token
from console.server import HttpServer
from metrics.exporter import Exporter
from metrics.registry import Metrics
from routing import events as e
from routing.commands import WriteSignIn
from routing.desk import LAST_AGENT_KEPT_S, REDIALS_KEPT_S
from routing.engine import Engine
from routing.model import EngineView, Rules
from routing.outbound import Outbound
from routing.probe import Probe
from routing.steps import Step
from routing.suggesting import MINUTE_S
from service import clock, gauges, logs, today, why
from service.acts import Acts
from service.agents import Agents
from service.alarms import Alarms
from service.calendar import Calendar, ending
from service.call_outs import CallOuts, first_line
from service.callbacks import Callbacks
from service.caller_data import CallerData, Readings
from service.callers import Callers
from service.codes import Codes
from service.debts import Debts
from service.directory import Directory
from service.disk import Disk
from service.for_console import console_of
from service.forecast_days import ForecastDays
from service.forecasts import Forecasts
from service.hidden import Hidden
from service.history import History
from service.holds import Holds
from service.intakes import Intakes
from service.join_codes import JoinCodes
from service.joins import Joins
from service.keeping import AGAIN_S, kept
from service.lamps import Lamps
from service.lost_today import LostToday
from service.number_keys import NumberKeys
from service.numbers import Numbers
from service.offers import Offers
from service.outbox import Outbox
from service.probes import Probes
from service.reconciling import Reconciling
from service.recordings import Recordings
from service.restrictions import Restrictions
from service.retention import Heard, Retention
from service.settings import Settings, SettingsError, load
from service.settings_rosters import gap_sentences, needs_calendar
from service.shadow import Shadows
from service.snapshots import Snapshots
from service.staffing import Here, Staffing, Wanted, at_work
from service.surge import Surges
from service.switchboard import Switchboard
from service.targets import Named
from service.watchdog import Watchdog
from storage.entries import Entry
from storage.keys import Keyring
from storage.records import Records
from storage.sealing import intake_seal
from telephony.agi.reactor import install_reactor, remove_reactor
from telephony.agi.server import AgiServer
from telephony.ami.link import AmiLink, LinkState

log = structlog.get_logger("hotline")

FIRST_PICTURE_S: Final = 3.0
RETURN_S: Final = 2.0  # after FastAGI listens: the dialplan asks again every 0.75 to 1.25 s
STOP_GRACE_S: Final = 1.0
WRITTEN_WITHIN_S: Final = 1.0  # else the story is told without its last second
DRAIN_TURNS: Final = 1000


class Service:
    """Everything that runs, in one process, on one loop."""

    def __init__(
        self,
        settings: Settings,
        records: Records,
        agents: Agents,
        calendar: Calendar,
        restrictions: Restrictions,
        directory: Directory,
        keyring: Keyring,
        hidden: Hidden,
    ) -> None:
        self.settings, self.records, self.agents, self.calendar = settings, records, agents, calendar
        self.restrictions, self.directory, self.hidden = restrictions, directory, hidden
        directory.workdays = lambda: calendar.workdays
        rules = self._rules()
        self.pbx = settings.pbxs[0]
        self.engine = Engine(rules)
        directory.agents = lambda: self.engine.rules.agents
        names = [pbx.name for pbx in settings.pbxs]
        self.exporter = Exporter(Metrics(names, version("hotline12345")), rules.lines)
        self.exporter.emergencies(settings.emergency_numbers)
        self.board = Switchboard(
            self.engine,
            write=self._write,
            count=self.exporter.step,
            drop_leg=lambda call_id, seat_id: self.link.drop_leg(call_id, seat_id),
            drained=self._drained,
        )
        self._make_telephony(keyring)
        self._make_talks()
        self._make_calls_out(keyring)
        self._make_deliveries(keyring)
        self._make_personal(keyring)
        self.lamps = Lamps(self.engine, self.link.light)
        self.tokens = tokens_of(settings)
        self.surges = Surges(self.engine, self.board.submit, settings.data_dir)
        self.board.on_surge = self.surges.told
        self.alarms = Alarms(settings.data_dir, self.engine.agent_of)
        self.board.on_alarm = self.alarms.raised
        self.shadows = Shadows(
            self.engine,
            lambda: self.settings,
            agents.zones,
            count=self.exporter.shadow,
            ended=self.exporter.shadow_ended,
        )
        self.board.beside = self.shadows.follow
        self.snapshots = Snapshots(self.engine, settings.data_dir / "snapshot.json")
        self._make_figures()
        self.http = HttpServer(create_app(console_of(self)))
        self.gauges = gauges.Gauges(self)
        agents.on_change = lambda: self.board.submit(e.RulesChanged(self._rules()))
        calendar.on_change = lambda: self.board.submit(e.WorkdaysChanged(calendar.workdays))
        restrictions.on_change = lambda: self.board.submit(e.RestrictionsChanged(restrictions.in_force()))
        self.pictured = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def _make_telephony(self, keyring: Keyring) -> None:
        """Whoever calls, and Asterisk."""
        emergency = {trunk.name: trunk.emergency for trunk in self.settings.trunks}
        numbers = Numbers(keyring, self.settings.service.area_code)
        self.acts = Acts(self.engine, self.board.submit, lambda reason: self.settings.pause_reason(reason))
        codes = Codes(self.acts)
        self.callers = Callers(
            self.board.submit,
            self.board.sessions,
            numbers,
            emergency,
            lambda asked: codes.answer(asked, self.engine.rules),
        )
        self.agi = AgiServer(
            on_request=self.callers.requested,
            on_closed=self.callers.closed,
            on_decided=self.callers.decided,
            lease_s=self.engine.rules.timing.lease_s,
        )
        self.link = self._ami_link(self.settings)
        self.board.join, self.board.look = self.link.join, self.link.look_soon

    def _make_talks(self) -> None:
        """What is done with a call in progress, and what stays of it."""
        named = Named(lambda: self.engine.rules, lambda: self.settings, self.directory)
        self.joins = Joins(self.engine, self.board.submit, named, lambda agent: role_of(self.tokens, agent))
        self.joins.is_hidden = self.hidden.covers_live
        self.recordings = Recordings(
            lambda: self.settings,
            self.records,
            known=lambda id_: self.engine.known(id_) or self.engine.outbound.get(id_),
            act=self.link.action,
            submit=self.board.submit,
            keep=self.board.note,
            bug=self.exporter.bug,
        )
        self.join_codes = JoinCodes(self.joins, self.link.answer_keys, self.recordings.toggle)
        self.reconciling = Reconciling(
            lambda: self.settings,
            self.records,
            self.engine,
            ready=lambda: self.engine.deciding and self.link.up,
            keep=self.board.note,
            write=self._write,
            drift=self.exporter.cel_drift,
        )

    def _make_calls_out(self, keyring: Keyring) -> None:
        """Calls that begin here: of agents, and test calls."""
        self.callbacks = Callbacks(
            self.records, lambda: self.settings, lambda: self.engine.rules, lambda: self.calendar.workdays, first_line,
            keyring, self.hidden,
        )  # fmt: skip
        self.callbacks.count = self.exporter.callbacks
        self.call_outs = CallOuts(
            self.engine, self.board.submit, lambda: self.settings, self.records, self.callbacks, self._no_call_outs
        )
        self.offers = Offers(
            self.engine, self.board.submit, lambda: self.settings, self.records, self.callbacks, self._no_call_outs
        )
        self.debts = Debts(self.records, lambda: self.settings, self.callbacks, keyring)
        self.lost_today = LostToday(self.records, lambda: self.settings.zone_info)
        self.lost_today.count = self.exporter.citizens
        self.board.call_out, self.board.on_outbound = self.link.call_out, self._outbound_over
        self.probes = Probes(
            self.engine, self.board.submit, lambda: self.settings, self.records, self._no_call_outs,
            keyring.lasting(b"hotline test calls"),
        )  # fmt: skip
        self.probes.send, self.probes.count = self.link.probe, self.exporter.probed
        self.probes.show, self.probes.missed = self._show_probe, self.exporter.probes_missed
        self.board.probe, self.board.on_probe = self.probes.carry_out, self.probes.over

    def _make_deliveries(self, keyring: Keyring) -> None:
        """What agents write down, and what the work-order platform is told."""
        self.outbox = Outbox(self.records, lambda: self.settings, keyring, self.hidden)
        self.outbox.counted = lambda counts: self.exporter.outbox(counts.pending, counts.dead)
        self.outbox.delivered, self.outbox.bug = self.exporter.delivery, self.exporter.bug
        self.intakes = Intakes(self.engine, self.records, intake_seal(keyring), self.hidden, self.outbox.look_soon)
        self.hidden.ref_of, self.hidden.check_own = self._caller_ref, self.intakes.check

    def _make_personal(self, keyring: Keyring) -> None:
        """Numbers in clear, their keys, and forgetting."""
        self.caller_data = CallerData(self.records, self.hidden, Readings(self.records), keyring)
        self.number_keys = NumberKeys(self.records, lambda: self.settings, keyring)
        self.number_keys.resealed = self.restrictions.again
        self.retention = Retention(
            self.records, lambda: self.settings, keyring, self.recordings.ends.forget, self.restrictions.forget
        )
        self.retention.heard = Heard(
            self.exporter.forgotten,
            self.exporter.held,
            self.exporter.forget_run,
            self.exporter.forgetting,
            self.exporter.bug,
        )
        self.holds = Holds(self.records, lambda: self.settings, keyring, self.hidden)

    def _make_figures(self) -> None:
        """Who will call, and who is needed."""
        history = History(self.settings.zone_info)
        days = ForecastDays(self.records, history, lambda: self.engine.rules.lines, lambda: self.calendar.workdays)
        self.forecasts = Forecasts(self.records, days, lambda: self.engine.surge)
        self.staffing = Staffing(self.records, days, self._here, self._wanted)
        self.forecasts.on_look = self.staffing.look

    def _rules(self) -> Rules:
        return self.agents.rules(self.settings.rules())

    def _ami_link(self, settings: Settings) -> AmiLink:
        host, port = self.pbx.ami_address
        return AmiLink(
            host=host,
            port=port,
            username=self.pbx.user,
            secret=settings.ami_secret(self.pbx),
            seats=settings.dial_strings(),
            on_event=self._from_ami,
            unseen_since=lambda: self.engine.unseen_since,
            on_state=self._ami_state,
            allow_known_deadlock=self.pbx.allow_known_deadlock,
        )

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Raises AgiListenError, HttpListenError: one sentence each."""
        prefer = any(line.last_agent_s > 0 for line in self.engine.rules.lines.values())
        since_ms = int(1000 * (clock.wall() - LAST_AGENT_KEPT_S)) if prefer else None
        left_ms = int(1000 * (clock.wall() - REDIALS_KEPT_S))
        remembered = await self.records.remembered(since_ms, left_ms)
        self.board.submit(remembered)
        self.recordings.unsure_since = remembered.since
        self.surges.recall()
        self.alarms.recall()
        self.restrictions.on_change()
        self.board.start(self.engine.rules.timing.lease_s)
        await self.agi.start(self.settings.service.fastagi)
        listening_at = asyncio.get_running_loop().time()
        await self.http.start(*self.settings.service.http_address)
        self.link.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_PICTURE_S):
                await self.pictured.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(listening_at + RETURN_S):
                await self._all_back()
        self.board.submit(e.DecisionsAllowed())
        self._tasks = [
            asyncio.create_task(kept(name, keep, self.exporter.bug, again_s), name=name)
            for name, keep, again_s in self.kept()
        ]
        await self.shadows.recall()
        log.info("serving", fastagi=self.settings.service.fastagi, http=self.settings.service.http, ami_up=self.link.up)

    def kept(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]], float]]:
        """(name, what goes on for as long as the service does, seconds until it goes on after a bug)."""
        return (
            ("gauges", self.gauges.keep, AGAIN_S),
            ("snapshots", self.snapshots.keep, AGAIN_S),
            ("watchdog", Watchdog().keep, AGAIN_S),
            ("agents", self.agents.keep, AGAIN_S),
            ("workdays", self.calendar.keep, AGAIN_S),
            ("forecast", self.forecasts.keep, MINUTE_S),
            ("restrictions", self.restrictions.keep, AGAIN_S),
            ("departments", self.directory.keep, AGAIN_S),
            ("hidden", self.hidden.keep, AGAIN_S),
            ("number keys", self.number_keys.keep, AGAIN_S),
            ("recordings", self.recordings.keep, MINUTE_S),
            ("callbacks", self.callbacks.keep, AGAIN_S),
            ("debts", self.debts.keep, AGAIN_S),
            ("offers", self.offers.keep, AGAIN_S),
            ("lost_today", self.lost_today.keep, AGAIN_S),
            ("disk", Disk(self.settings.data_dir, self.exporter.disk).keep, MINUTE_S),
            ("outbox", self.outbox.keep, AGAIN_S),
            ("reconcile", self.reconciling.keep, MINUTE_S),
            ("retention", self.retention.keep, MINUTE_S),
            ("probes", self.probes.keep, AGAIN_S),
        )

    async def _all_back(self) -> None:
        """Until every caller who waited before our start is held again: who came first is served first, not who asked
        first. Callers whom the dialplan has taken over do not come; for them nobody waits longer than `RETURN_S`."""
        changed = asyncio.Event()
        self.board.on_change = changed.set
        while self.engine.absent():
            changed.clear()
            await changed.wait()

    async def stop(self) -> None:
        """Gives every caller back to the dialplan and writes what is left. Talking callers notice nothing."""
        await self.agi.stop(STOP_GRACE_S)
        await self.link.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.board.stop()
        self.shadows.stop()
        await self.retention.stop()
        await self.recordings.stop()
        await self.http.stop()
        self.exporter.close()
        await self.records.close()
        log.info("stopped")

    async def _drained(self) -> None:
        """Everything that came while the loop stood still was read, from callers and from AMI."""
        await self.agi.drained()
        for _ in range(DRAIN_TURNS):
            if not self.link.stats.queue_depth:
                return
            await asyncio.sleep(0)

    def _write(self, *records: Entry) -> None:
        """Keeps the records of one event; what an agent does now is shown on the lamps too, and recordings are followed."""
        self.records.write(*records)
        for record in records:
            if isinstance(record, WriteSignIn):
                self.lamps.look(record.seat_id)
            elif isinstance(record, Step):
                self.recordings.follow(record)
                self.intakes.follow(record)
                self.reconciling.follow(record)

    # -- AMI ----------------------------------------------------------------------------------------------------------

    def _from_ami(self, event: e.Event) -> None:
        if isinstance(event, e.CodeDialled):
            self.join_codes.dialled(event)
            return
        self.board.submit(self.callers.seen(event))
        if isinstance(event, e.Picture):
            self.pictured.set()
        elif isinstance(event, e.FallbackUsed):
            self.gauges.look_soon()

    def _ami_state(self, state: LinkState, reason: str) -> None:
        self.exporter.links(self.pbx.name, connected=state is LinkState.UP)
        if state is LinkState.UP:
            self.recordings.seen_since = clock.wall()
            self.lamps.again()
        say = {LinkState.REFUSED: log.error, LinkState.DOWN: log.warning}.get(state, log.info)
        say("ami", pbx=self.pbx.name, state=state.value, reason=reason)

    def _no_call_outs(self) -> str | None:
        """Why agents cannot call out now."""
        if not self.link.up:
            return "Asterisk Manager is not connected; nobody can be called now"
        return None if self.engine.deciding else "the service is starting; try again in a moment"

    def _outbound_over(self, out: Outbound) -> None:
        self.call_outs.over(out)
        self.recordings.called_out(out)
        self.exporter.outbound(out.kind, out.outcome)

    def _show_probe(self, probe: Probe, good: bool) -> None:
        self.exporter.probe(probe.number, good, probe.dial_delay_s, probe.answer_s, probe.ended_at or probe.asked_at)

    # -- for the console ----------------------------------------------------------------------------------------------

    def _caller_ref(self, call_id: str) -> str | None:
        """Of a call in progress."""
        call = self.engine.calls.get(call_id)
        return None if call is None else call.caller_ref

    def view(self) -> EngineView:
        return self.engine.view(clock.now())

    def _here(self) -> Here:
        return Here(at_work(self.view()), self.engine.rules, self.calendar.workdays)

    def _wanted(self) -> Wanted:
        target, staffing = self.settings.target, self.settings.staffing
        return Wanted(target.ratio, target.answer_within_s, staffing.handle_s, staffing.patience_s)

    def health(self) -> Health:
        degraded = [] if self.link.up else ["ami"]
        if self.records.degraded:
            degraded.append("database")
        if not self.agents.current:
            degraded.append("agents")
        if not self.calendar.current:
            degraded.append("workdays")
        if not self.restrictions.current:
            degraded.append("restrictions")
        if not self.directory.current:
            degraded.append("departments")
        if not self.hidden.current:
            degraded.append("hidden")
        if self.outbox.trouble is not None:
            degraded.append("outbox")
        return Health(ready=self.engine.deciding, serving=self.engine.deciding, degraded=tuple(degraded))

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        self.gauges.take()
        return await self.exporter.exposition(accept)

    async def recent_calls(self, limit: int) -> Sequence[dict[str, object]]:
        return [today.shown(call, self.engine.rules) for call in await self.records.recent_calls(limit)]

    async def why(self, wanted: str) -> dict[str, object] | str:
        await self.records.flush(WRITTEN_WITHIN_S)  # what happened a moment ago is part of the story
        return await why.from_records(self.records, wanted, self.engine.rules)

    async def reload(self) -> Sequence[str]:
        """Reads the configuration again; with any mistake in it the running rules stay. Addresses need a restart."""
        try:
            settings = load(self.settings.file, known_agents=self.agents.zones())
        except SettingsError as error:
            return [str(problem) for problem in error.errors]
        before, self.settings = self.settings, settings
        if (problem := await self.number_keys.follow()) is not None:
            self.settings = before
            return [problem]
        self.records.keep_explanations(settings.retention.explanations_days)
        self.records.hand_over(settings.outbox.url is not None)
        await self.agents.follow(settings)
        await self.directory.follow(settings)
        self.restrictions.follow(settings)
        self.hidden.follow(settings)
        await self.shadows.reread()
        rules = self._rules()
        self.tokens.clear()
        self.tokens.update(tokens_of(settings))
        self.exporter.lines(rules.lines)
        self.exporter.emergencies(settings.emergency_numbers)
        self.board.submit(e.RulesChanged(rules))
        self.restrictions.on_change()
        self.link.set_seats(settings.dial_strings())
        self.lamps.look()
        log.info("configuration reloaded")
        return []


def tokens_of(settings: Settings) -> dict[str, Token]:
    return {token.sha256: Token(token.name, Role(token.role.value)) for token in settings.tokens}


def role_of(tokens: Mapping[str, Token], agent_id: str) -> Role:
    """Of an agent, whatever he speaks by: an expert's token says that he is one."""
    expert = any(token == Token(agent_id, Role.EXPERT) for token in tokens.values())
    return Role.EXPERT if expert else Role.AGENT


def tell_of_rosters(settings: Settings, calendar: Calendar) -> None:
    """What the operator should mend before it is felt: hours that no roster covers, a calendar that ends."""
    for sentence in gap_sentences(settings):
        log.error("roster gap", problem=f"roster {sentence}; the duty seats serve these hours")
    warning = ending(calendar.workdays, datetime.fromtimestamp(clock.wall(), settings.zone_info).date())
    if warning is not None and needs_calendar(settings):
        log.warning("workdays end", problem=warning)


async def run(settings: Settings) -> None:
    """Runs the service until INT or TERM; HUP reloads the configuration.

    Raises:
        StorageError, AgiListenError, HttpListenError: one sentence that says what to do.
    """
    logs.configure(settings.service.log_level.value)
    install_reactor()
    days = settings.retention.explanations_days
    hand_over = settings.outbox.url is not None
    records = await Records.open(
        settings.database_url(), settings.data_dir, explanations_days=days, hand_over=hand_over
    )
    calendar = await Calendar.open(records, lambda: datetime.fromtimestamp(clock.wall(), settings.zone_info).date())
    keyring = Keyring(settings.number_keys())
    hidden = await Hidden.open(records, settings, keyring)
    agents = await Agents.open(records, settings)
    restrictions = await Restrictions.open(records, settings, keyring, hidden)
    directory = await Directory.open(records, settings)
    service = Service(settings, records, agents, calendar, restrictions, directory, keyring, hidden)
    tell_of_rosters(settings, calendar)
    gc.collect()
    gc.freeze()  # what lives as long as the process is not looked through again: that would stop everything for 0.1 s
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    reloads: set[asyncio.Task[None]] = set()
    loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(asyncio.create_task(_reload(service))))
    try:
        await service.start()
        await ended.wait()
    finally:
        await service.stop()
        remove_reactor()


async def _reload(service: Service) -> None:
    try:
        for problem in await service.reload():
            log.error("configuration not reloaded", problem=problem)
    except Exception:
        service.exporter.bug("reload")
        log.exception("configuration not reloaded")
