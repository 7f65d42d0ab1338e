"""Hands in the answers of the store, in their order, until the server has spoken on each."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
import structlog

from queue_server.wire.centre_time import CentreTime
from queue_server.wire.link import Refused
from queue_server.wire.messages import Answer, Rate, StaySilent
from queue_server.wire.words import Frozen

from .store import COUNTED, AnswerStore, Pending

log = structlog.get_logger()

FOR_NOW = frozenset({"not_saved", "server_away", "internal"})
"""Refusals that say nothing of the answer itself, only of the server's state."""
REST_S = 30.0
ABREAST = 200
"""So many answers are under way together: one by one, a week of them would take minutes."""
INTERNAL_TRIES = 5
"""An answer on which the server stumbles every time must not keep the others from it for ever."""
PATIENCE_S = 3600.0
"""The link repeats an ask for so long; then it is asked anew under the same id."""


class Line(Protocol):
    """The part of `wire.link.Link` that is wanted here."""

    def ask(self, verb: str, message: Frozen, for_seconds: float) -> Future[Answer]: ...

    def now(self) -> int: ...


@dataclass
class Post:
    """`send()` after each new answer and once at the start; the rest follows from the answers.

    A thread of its own is not needed: the next batch leaves when the one before is spoken on, in the
    link's thread.
    """

    store: AnswerStore
    line: Line
    time: CentreTime | None = None
    """Puts right when was pressed; nothing is sent before the server has said what time it is."""
    rest_s: float = REST_S
    """How long the server is left alone after a refusal that may pass."""
    failed: bool = False
    """Whether the disk has failed under the store; part of the device's health."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _under_way: int = 0
    """How many of the batch have no answer yet."""
    _said: list[tuple[Pending, str | None]] = field(default_factory=list)
    """What the server has said of the batch so far."""
    _stumbled: Counter[str] = field(default_factory=Counter)
    _rest: threading.Timer | None = None

    def stop(self) -> None:
        """Send nothing more by itself."""
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.cancel()

    def send(self) -> None:
        """Send the oldest answers unless some are under way."""
        with self._lock:
            if self._under_way or (self.time is not None and not self.time.known):
                return
            batch = self._oldest()
            self._under_way, self._said = len(batch), []
        for pending in self._put_right(batch):
            self._ask(pending)

    def _put_right(self, batch: list[Pending]) -> list[Pending]:
        """Each press dated by the server's clock as it is known now."""
        if self.time is None:
            return batch
        moments = [pending.moment for pending in batch if pending.moment is not None]
        dates = iter(self.time.when(moments))
        return [dated(pending, next(dates)) if pending.moment else pending for pending in batch]

    def send_unsaved(self, verb: str, message: Rate | StaySilent) -> None:
        """Send what could not be saved; it is lost if this device stops before the answer."""
        self.failed = True
        self.line.ask(verb, message, PATIENCE_S)

    def _oldest(self) -> list[Pending]:
        try:
            return self.store.oldest(ABREAST)
        except sqlite3.Error as error:
            log.error("answers_unreadable", error=str(error))
            self.failed = True
            return []

    def _ask(self, pending: Pending) -> None:
        future = self.line.ask(pending.verb, pending.message, PATIENCE_S)
        future.add_done_callback(lambda done: self._answered(pending, done))

    def _answered(self, pending: Pending, done: Future[Answer]) -> None:
        if done.cancelled():
            return
        with self._lock:
            self._said.append((pending, _outcome(done)))
            self._under_way -= 1
            said = self._said
            over = self._under_way == 0
        if over:
            self._batch_over(said)

    def _batch_over(self, said: list[tuple[Pending, str | None]]) -> None:
        """What was spoken on is closed, in one commit; the rest is asked again under its own ids."""
        put_off = {p.message.id: o for p, o in said if o in FOR_NOW and not self._given_up(p, o)}
        closed = [(p, o) for p, o in said if o is not None and p.message.id not in put_off]
        if not self._close(closed):
            return
        if put_off:
            log.warning("answers_put_off", count=len(put_off), cause=next(iter(put_off.values())))
            self._send_later()
        else:
            self.send()

    def _given_up(self, pending: Pending, outcome: str | None) -> bool:
        self._stumbled[pending.message.id] += outcome == "internal"
        return self._stumbled[pending.message.id] >= INTERNAL_TRIES

    def _send_later(self) -> None:
        self._rest = rest = threading.Timer(self.rest_s, self.send)
        rest.daemon = True
        rest.start()

    def _close(self, closed: list[tuple[Pending, str]]) -> bool:
        for pending, outcome in closed:
            self._stumbled.pop(pending.message.id, None)
            log.info(
                "answer_closed", verb=pending.verb, offer=pending.message.offer, outcome=outcome
            )
        try:
            outcomes = [(pending.message.id, outcome) for pending, outcome in closed]
            self.store.close_all(outcomes, self.line.now())
        except sqlite3.Error as error:
            log.error("answers_not_closed", error=str(error))
            self.failed = True
            return False
        return True


def dated(pending: Pending, at: int) -> Pending:
    """`pending` as pressed at `at` (ms UTC)."""
    message = pending.message
    if not isinstance(message, Rate):
        return pending
    return replace(pending, message=msgspec.structs.replace(message, pressed_at=at))


def _outcome(done: Future[Answer]) -> str | None:
    """What the server said; None when it said nothing and must be asked again."""
    error = done.exception()
    if isinstance(error, Refused):
        return error.refusal.code
    return COUNTED if error is None else None
