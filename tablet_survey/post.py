"""Hands in the answers of the store, one after the other, until the server has spoken on each."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from queue_server.wire.link import Refused
from queue_server.wire.messages import Answer, Rate, StaySilent
from queue_server.wire.words import Frozen

from .store import COUNTED, AnswerStore, Pending

log = structlog.get_logger()

FOR_NOW = frozenset({"not_saved", "server_away", "internal"})
"""Refusals that say nothing of the answer itself, only of the server's state."""
REST_S = 30.0
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

    A thread of its own is not needed: the next answer leaves when the one before is confirmed, in
    the link's thread.
    """

    store: AnswerStore
    line: Line
    rest_s: float = REST_S
    """How long the server is left alone after a refusal that may pass."""
    failed: bool = False
    """Whether the disk has failed under the store; part of the device's health."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _under_way: bool = False
    _stumbled: int = 0
    _rest: threading.Timer | None = None

    def stop(self) -> None:
        """Send nothing more by itself."""
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.cancel()

    def send(self) -> None:
        """Send the oldest answer unless one is under way."""
        with self._lock:
            if self._under_way:
                return
            pending = self._next()
            self._under_way = pending is not None
        if pending is not None:
            self._ask(pending)

    def send_unsaved(self, verb: str, message: Rate | StaySilent) -> None:
        """Send what could not be saved; it is lost if this device stops before the answer."""
        self.failed = True
        self.line.ask(verb, message, PATIENCE_S)

    def _next(self) -> Pending | None:
        try:
            return self.store.next()
        except sqlite3.Error as error:
            log.error("answers_unreadable", error=str(error))
            self.failed = True
            return None

    def _ask(self, pending: Pending) -> None:
        future = self.line.ask(pending.verb, pending.message, PATIENCE_S)
        future.add_done_callback(lambda done: self._answered(pending, done))

    def _answered(self, pending: Pending, done: Future[Answer]) -> None:
        if done.cancelled():
            return
        outcome = _outcome(done)
        if outcome in FOR_NOW and not self._given_up(outcome):
            self._ask_later(pending, outcome)
            return
        closed = outcome is None or self._close(pending, outcome)
        with self._lock:
            self._under_way = False
        if closed:
            self._stumbled = 0
            self.send()

    def _given_up(self, outcome: str) -> bool:
        self._stumbled += outcome == "internal"
        return self._stumbled >= INTERNAL_TRIES

    def _ask_later(self, pending: Pending, outcome: str) -> None:
        log.warning("answer_put_off", offer=pending.message.offer, cause=outcome)
        rest = threading.Timer(self.rest_s, self._ask, (pending,))
        rest.daemon = True
        self._rest = rest
        rest.start()

    def _close(self, pending: Pending, outcome: str) -> bool:
        log.info("answer_closed", verb=pending.verb, offer=pending.message.offer, outcome=outcome)
        try:
            self.store.close(pending.message.id, outcome, self.line.now())
        except sqlite3.Error as error:
            log.error("answer_not_closed", error=str(error))
            self.failed = True
            return False
        return True


def _outcome(done: Future[Answer]) -> str | None:
    """What the server said; None when it said nothing and must be asked again."""
    error = done.exception()
    if isinstance(error, Refused):
        return error.refusal.code
    return COUNTED if error is None else None
