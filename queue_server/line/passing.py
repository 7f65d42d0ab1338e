"""Passing dossiers on to the province by the rules: one step at a time, and nothing sent twice. Pure."""

from __future__ import annotations

from ..dossiers.passing import NEXT, PassedOn
from . import events as e
from . import orders as o
from .outcome import NOTHING, Outcome, Refused
from .state import State

PROVINCE = "province"
"""The device under which the process that speaks with the province gives its orders."""


def pass_on(state: State, order: o.PassOn, at: int, actor: e.Actor) -> Outcome:
    """What the province (or our line to it) said; the same again changes nothing."""
    if actor.device != PROVINCE or actor.account:
        raise Refused("not_allowed")
    return _step(order)


def pass_again(state: State, order: o.PassAgain, at: int, actor: e.Actor) -> Outcome:
    """A person lets a rejected one be sent once more, in a new round."""
    if not order.sealed:
        raise Refused("reason_missing")
    if order.was is not PassedOn.REJECTED:
        raise Refused("not_rejected")
    passed = e.DossierPassed(
        dossier=order.dossier,
        passed=PassedOn.WAITING,
        round=order.round + 1,
        sealed=order.sealed,
        cause="again",
    )
    return [passed], NOTHING


def _step(order: o.PassOn) -> Outcome:
    to = order.passed
    if order.was is to and to is not PassedOn.SENDING:
        return [], NOTHING
    if to not in NEXT[order.was]:
        raise Refused("passed_already")
    passed = e.DossierPassed(
        dossier=order.dossier,
        passed=to,
        round=order.round,
        cause=order.cause,
        code=order.code,
        due_at=order.due_at,
        sealed=order.sealed,
    )
    return [passed], NOTHING


def say_province(state: State, order: o.SayProvince, at: int, actor: e.Actor) -> Outcome:
    """Whether the province answers; written when it changes."""
    if actor.device != PROVINCE or actor.account:
        raise Refused("not_allowed")
    if order.away == state.province_away:
        return [], NOTHING
    return [e.ProvinceSaid(away=order.away)], NOTHING
