"""What the console may ask of the service: one field for each thing, as `console.deps` names it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from console.deps import ConsoleDeps, Sight
from service import today
from service.handoff_reports import HandoffReports
from service.staff import Staff

if TYPE_CHECKING:
    from service.main import Service


def console_of(service: Service) -> ConsoleDeps:
    return ConsoleDeps(
        view=service.view,
        health=service.health,
        metrics=service.metrics,
        today=lambda: today.figures(service.records, service.engine.rules, service.settings.zone_info),
        recent_calls=service.recent_calls,
        why=service.why,
        sign_in=service.acts.sign_in,
        sign_out=service.acts.sign_out,
        pause=service.acts.pause,
        ready=service.acts.ready,
        extend_wrap_up=service.acts.extend_wrap_up,
        reasons=lambda: {reason.code: reason.name for reason in service.settings.reasons},
        declare_surge=service.surges.declare,
        end_surge=service.surges.end,
        shadow=service.shadows,
        reload=service.reload,
        staff=Staff(service.agents, service.engine),
        calendar=service.calendar,
        forecasts=service.forecasts,
        staffing=service.staffing.shown,
        lost_today=service.lost_today.shown,
        restrictions=service.restrictions,
        joins=service.joins,
        alarms=service.alarms,
        directory=service.directory,
        reports=HandoffReports(service.records, lambda: service.settings, service.directory.names),
        recordings=service.recordings,
        reconciling=service.reconciling,
        callbacks=service.callbacks,
        call_outs=service.call_outs,
        intakes=service.intakes,
        outbox=service.outbox,
        hidden=service.hidden,
        caller_data=service.caller_data,
        number_keys=service.number_keys,
        sight=lambda role: Sight(getattr(service.settings.privacy, role.value).value),
        retention=service.retention,
        holds=service.holds,
        probes=service.probes,
        tokens=service.tokens,
        version=version("hotline12345"),
        target_ratio=service.settings.target.ratio,
        answer_within_s=service.settings.target.answer_within_s,
    )
