"""An officer's keypad: each key does what her own page would do, for whoever is signed in at that counter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..line import events as e
from ..line import orders as o
from ..line.decide import Refused
from ..wire import messages as m
from ..wire.messages import Key
from ..wire.words import SECOND, Frozen
from .commands import FinishService

if TYPE_CHECKING:
    from .desk import Changed, Desk, Request

KEY_LASTS_MS = 10 * SECOND
"""A key that comes later does nothing: the officer has long gone on by other means."""


def press(desk: Desk, request: Request, ask: m.KeyPressed, changed: Changed) -> Frozen:
    if request.counter is not None and request.counter != ask.counter:
        raise Refused("not_allowed")
    if _age(ask, desk.clock.now(), desk.clock.speed) > KEY_LASTS_MS:
        raise Refused("key_stale")
    hers = e.Actor(device=request.actor.device, account=_officer_at(desk, ask.counter))
    order = _order(desk, ask.counter, ask.key)
    desk.case(replace(request, actor=hers, body=order), changed)
    return m.Done()


def _age(ask: m.KeyPressed, now: int, speed: float) -> float:
    """From the press until now (the machine's ms); a broker may have held the message back on the way."""
    on_the_way = max(0, now - ask.at) / speed if ask.at else 0
    return max(0, ask.age_ms) + on_the_way


def _officer_at(desk: Desk, counter: int) -> str:
    """Who is signed in there. Raises Refused: nobody is."""
    if counter not in desk.state.counters:
        raise Refused("unknown_counter", counter=counter)
    here = desk.state.counters[counter]
    if not here.open or not here.officer:
        raise Refused("counter_closed", counter=counter)
    return here.officer


def _order(desk: Desk, counter: int, key: Key) -> Any:
    """What her page would order with the visitor that stands there now."""
    held = desk.state.counters[counter].ticket
    if key is Key.NEXT:
        return o.CallNext(counter=counter, after=held or "")
    if key is Key.RECALL:
        return o.Recall(counter=counter)
    if held is None:
        raise Refused("nobody_at_counter", counter=counter)
    if key is Key.NO_SHOW:
        return o.NoShow(counter=counter, ticket=held)
    return FinishService(counter=counter, ticket=held)


CASES: dict[type, Callable[[Desk, Request, Any, Changed], Frozen]] = {m.KeyPressed: press}
