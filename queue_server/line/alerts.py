"""Alerts about the last minutes' answers: opened by the clock, looked after and closed by people.

What is watched stands in the setup (`satisfaction/triggers.py` has the rules). Only how many answered how stands in
an alert; what people write about it is sealed.
"""

from __future__ import annotations

from ..satisfaction import triggers as t
from ..satisfaction.triggers import Alert, AlertStatus
from ..wire.words import IN_LINE, MINUTE, day_of
from . import events as e
from . import orders as o
from .outcome import NOTHING, Outcome, Refused
from .state import State


def due(state: State, at: int) -> list[e.Event]:
    """Alerts to open or to end at `at`; those of a day gone by end with it."""
    found: list[e.Event] = []
    for trigger in state.setup.triggers:
        last = _last(state, trigger.id)
        seen = t.read(trigger, state.answers, at)
        here = moment(state, at) if seen.fires else t.Moment()
        now = t.watch(trigger, seen, last, at, here, f"{trigger.id}-{at}")
        if now is not None and now.status is AlertStatus.OPEN:
            found.append(e.AlertOpened(alert=now))
        elif now is not None:
            found.append(e.AlertTurned(alert=now.id, status=AlertStatus.CLOSED))
    return [*found, *_left_over(state, at)]


def _left_over(state: State, at: int) -> list[e.Event]:
    offset = state.setup.rules.utc_offset_minutes
    today = day_of(at, offset)
    ended = AlertStatus.CLOSED
    watched = {trigger.id for trigger in state.setup.triggers}
    return [
        e.AlertTurned(alert=a.id, status=ended)
        for a in state.alerts.values()
        if a.status is not ended
        and (day_of(a.opened_at, offset) != today or a.trigger not in watched)
    ]


def _last(state: State, trigger: str) -> Alert | None:
    own = [a for a in state.alerts.values() if a.trigger == trigger]
    return max(own, key=lambda a: a.opened_at, default=None)


def moment(state: State, at: int) -> t.Moment:
    """How it stands in the room: who waits, the longest of their waits, and the counters."""
    waiting = [x for x in state.tickets.values() if x.status in IN_LINE]
    waits = [max(0, at - x.waiting_from) / MINUTE for x in waiting]
    opened = [c for c in state.counters.values() if c.open]
    return t.Moment(
        waiting=len(waiting),
        wait_minutes=round(max(waits), 1) if waits else None,
        counters_open=len(opened),
        officers=len({c.officer for c in opened if c.officer}),
    )


def turn(state: State, order: o.TurnAlert, at: int, actor: e.Actor) -> Outcome:
    """Somebody acknowledges it, writes about it, or closes it; raises Refused with the rule's own word."""
    alert = state.alerts.get(order.alert)
    if alert is None:
        raise Refused("unknown_alert")
    words = "sealed" if order.sealed else ""
    try:
        if order.status is AlertStatus.ACKNOWLEDGED:
            t.acknowledge(alert, actor.account, at)
        elif order.status is AlertStatus.CLOSED:
            t.close(alert, actor.account, at, words)
        else:
            t.comment(alert, actor.account, at, words)
    except t.WrongStep as wrong:
        raise Refused(wrong.code.value) from wrong
    turned = e.AlertTurned(alert=alert.id, status=order.status, sealed=order.sealed)
    return [turned], NOTHING
