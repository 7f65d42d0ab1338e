"""The life of a move: proposed by the twin, answered by a manager, ended by its time. Pure.

No flapping: a counter is in one move at a time, and rests for `rules.move_rest_minutes` after one
that ended or was refused.
"""

from __future__ import annotations

from ..wire.words import MINUTE
from . import events as e
from . import orders as o
from .moves import Move, MoveKind, MoveNow, MoveStatus
from .outcome import NOTHING, Outcome, Refused
from .state import CounterNow, State
from .transactions import transactions

TWIN = "twin"
"""The device name of the twin's process, which alone proposes and learns."""

AT_A_COUNTER = frozenset({MoveKind.HELP, MoveKind.OPEN, MoveKind.CLOSE, MoveKind.LATER_BREAK})


def only_the_twin(actor: e.Actor) -> None:
    if actor.device != TWIN:
        raise Refused("not_allowed")


# --- orders -------------------------------------------------------------------------------------


def propose(state: State, order: o.ProposeMove, at: int, actor: e.Actor) -> Outcome:
    only_the_twin(actor)
    move = order.move
    if move.id in state.moves:
        return [], NOTHING
    mode = state.setup.rules.moves
    if mode == "off":
        raise Refused("moves_off")
    if not state.day_open:
        raise Refused("day_ended")
    fits(state, move, at)
    _not_again(state, move, at)
    events: list[e.Event] = [e.MoveProposed(move=move)]
    if mode == "harmless" and harmless(state, move):
        events += _accepting(move, auto=True)
    return events, NOTHING


def accept(state: State, order: o.AcceptMove, at: int, actor: e.Actor) -> Outcome:
    now = _known(state, order.move)
    if now.status is MoveStatus.ACCEPTED:
        return [], NOTHING
    _answerable(state, now, at)
    fits(state, now.move, at)
    if _in_move(state, now.move.place):
        raise Refused("move_under_way")
    return list(_accepting(now.move, auto=False)), NOTHING


def refuse(state: State, order: o.RefuseMove, at: int, actor: e.Actor) -> Outcome:
    """A move that is under way already is ended by it."""
    now = _known(state, order.move)
    if now.status is MoveStatus.REFUSED:
        return [], NOTHING
    if now.status is MoveStatus.ACCEPTED:
        return ending(state, now, at), NOTHING
    _answerable(state, now, at)
    return [e.MoveRefused(move=now.move.id, reason=order.reason.strip()[:200])], NOTHING


def due(state: State, at: int) -> list[e.Event]:
    """What time brings: moves that are over, and proposals that nobody answered."""
    events: list[e.Event] = []
    for now in state.moves.values():
        if now.status is MoveStatus.PROPOSED and at >= answer_by(state, now):
            events.append(e.MoveExpired(move=now.move.id))
        if now.status is MoveStatus.ACCEPTED and _over(state, now, at):
            events += ending(state, now, at)
    return events


def day_over(state: State, at: int) -> list[e.Event]:
    """At the end of the day nothing stays open."""
    events: list[e.Event] = []
    for now in state.moves.values():
        if now.status is MoveStatus.PROPOSED:
            events.append(e.MoveExpired(move=now.move.id))
        if now.status is MoveStatus.ACCEPTED:
            events += ending(state, now, at)
    return events


# --- what they rest on ----------------------------------------------------------------------------


def harmless(state: State, move: Move) -> bool:
    """May go without being asked for: it only adds a service that is a skill there, and costs nothing."""
    if move.kind is not MoveKind.HELP or move.counter is None or move.cost_minutes > 0:
        return False
    settled = state.setup.counter(move.counter)
    officer = state.setup.officer(state.counters[move.counter].officer)
    if officer is not None:
        return move.service in officer.skills
    return settled is not None and move.service in settled.serves


def answer_by(state: State, now: MoveNow) -> int:
    """Until when (ms) a proposal may be answered."""
    answer = int(state.setup.rules.move_answer_minutes * MINUTE)
    return min(now.proposed_at + answer, now.move.until)


def fits(state: State, move: Move, at: int) -> None:
    """Raises Refused when the centre is not, or no longer, as the move takes it to be."""
    if state.setup.service(move.service) is None:
        raise Refused("unknown_service", service=move.service)
    if move.service in state.suspended:
        raise Refused("service_suspended", reason=state.suspended[move.service])
    if move.until <= at:
        raise Refused("move_expired")
    if move.counter is None:
        if move.kind in AT_A_COUNTER:
            raise Refused("move_stale")
        return
    if state.setup.counter(move.counter) is None:
        raise Refused("unknown_counter", counter=move.counter)
    counter = state.counters[move.counter]
    if move.kind is MoveKind.HELP:
        _helps(state, move, counter)
    elif counter.open is (move.kind in (MoveKind.OPEN, MoveKind.RESERVE)):
        raise Refused("move_stale")


def _helps(state: State, move: Move, counter: CounterNow) -> None:
    """It adds one service that is a skill there, and takes none away."""
    if not counter.open:
        raise Refused("counter_closed", counter=counter.id)
    if move.service in counter.serves or set(move.serves) != {*counter.serves, move.service}:
        raise Refused("move_stale")
    officer = state.setup.officer(counter.officer)
    if officer is not None and move.service not in officer.skills:
        raise Refused("no_skill", counter=counter.id)


def _not_again(state: State, move: Move, at: int) -> None:
    rest = int(state.setup.rules.move_rest_minutes * MINUTE)
    if _in_move(state, move.place):
        raise Refused("move_under_way")
    for now in state.moves.values():
        other = now.move
        if other.place != move.place:
            continue
        alike = (other.kind, other.service) == (move.kind, move.service)
        if alike and now.status is MoveStatus.PROPOSED and at < answer_by(state, now):
            raise Refused("move_proposed_already")
        if now.rests_since and at < now.rests_since + rest:
            raise Refused("move_rests", minutes=round(state.setup.rules.move_rest_minutes))


def _in_move(state: State, place: str) -> bool:
    return any(
        now.status is MoveStatus.ACCEPTED and now.move.place == place
        for now in state.moves.values()
    )


def _known(state: State, move: str) -> MoveNow:
    now = state.moves.get(move)
    if now is None:
        raise Refused("unknown_move")
    return now


def _answerable(state: State, now: MoveNow, at: int) -> None:
    if now.status is MoveStatus.EXPIRED:
        raise Refused("move_expired")
    if now.status is not MoveStatus.PROPOSED:
        raise Refused("move_answered")
    if at >= answer_by(state, now):
        raise Refused("move_expired")


def _accepting(move: Move, auto: bool) -> list[e.Event]:
    events: list[e.Event] = [e.MoveAccepted(move=move.id, auto=auto)]
    if move.kind is MoveKind.HELP and move.counter is not None:
        events.append(e.ServesChanged(counter=move.counter, serves=move.serves, move=move.id))
    return events


def _over(state: State, now: MoveNow, at: int) -> bool:
    """Its time has come, or the counter does not help any more."""
    if at >= now.move.until:
        return True
    if now.move.kind is not MoveKind.HELP or now.move.counter is None:
        return False
    counter = state.counters[now.move.counter]
    return not counter.open or now.move.service not in counter.serves


def ending(state: State, now: MoveNow, at: int) -> list[e.Event]:
    """The end of an accepted move; the counter serves as before, unless somebody has changed that since."""
    move = now.move
    events: list[e.Event] = [e.MoveEnded(move=move.id, came=came(state, now, at))]
    if move.kind is MoveKind.HELP and move.counter is not None and not now.touched:
        known = {s.id for s in state.setup.services}
        before = tuple(s for s in now.before if s in known)
        if before:
            events.append(e.ServesChanged(counter=move.counter, serves=before, move=move.id))
    return events


def came(state: State, now: MoveNow, at: int) -> float | None:
    """The mean wait (minutes) of those of the service who were called since it was accepted."""
    until = min(at, now.move.until)
    waits = [
        t.wait / MINUTE
        for t in transactions(state)
        if t.service == now.move.service and now.answered_at <= t.called_at <= until
    ]
    return round(sum(waits) / len(waits), 1) if waits else None
