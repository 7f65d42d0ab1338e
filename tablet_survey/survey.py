"""The survey at one counter: leads the journey by what happens, and does what it orders."""

from __future__ import annotations

import sqlite3

import msgspec
import structlog

from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.centre_time import CentreTime
from queue_server.wire.link import Incoming

from . import journey as j
from .post import Post
from .settings import TabletSettings
from .store import AnswerStore, silence_of, wire_rating

log = structlog.get_logger()


def pace_of(settings: TabletSettings) -> j.Pace:
    """The settings in the journey's measures."""
    return j.Pace(
        answer=round(settings.answer_seconds * 1000),
        change=round(settings.change_seconds * 1000),
        reasons=round(settings.reasons_seconds * 1000),
        words=round(settings.words_seconds * 1000),
        more=round(settings.question_seconds * 1000),
        thanks=round(settings.thanks_seconds * 1000),
        away=round(settings.away_seconds * 1000),
        offered_reasons=settings.reasons,
        words_length=settings.words_length if settings.words else 0,
    )


def read_event(centre: str, incoming: Incoming) -> j.Event | m.CentreSetup | None:
    """What a message of the server means here; None when it is none of ours or cannot be read."""
    kind, *_ = topics.split(centre, incoming.topic) or [""]
    try:
        if kind == "offer":
            offer = m.decode(m.Offer, incoming.payload) if incoming.payload else None
            return j.OfferSeen(offer)
        if kind == "counter" and incoming.payload:
            return j.CounterSeen(m.decode(m.CounterState, incoming.payload))
        if kind == "setup" and incoming.payload:
            setup: m.CentreSetup = m.decode(m.CentreSetup, incoming.payload)
            return setup
    except msgspec.DecodeError:
        log.warning("message_unreadable", topic=incoming.topic)
    return None


class Survey:
    """Used by the screen's thread only."""

    def __init__(
        self, settings: TabletSettings, store: AnswerStore, post: Post, time: CentreTime
    ) -> None:
        self.pace = pace_of(settings)
        self._store, self._post, self._time = store, post, time
        self.state = j.begin(
            settings.language, self.now(), store.answered(j.REMEMBERED), settings.headphones
        )

    def now(self) -> j.Now:
        return j.Now(own=self._time.steady(), wall=self._time.now())

    def left(self) -> float:
        """The share of this screen's time that is left."""
        return j.left(self.state, self.now(), self.pace)

    def settled(self) -> bool:
        """Whether the screen has stood long enough for a touch to be meant for it."""
        return j.settled(self.state, self.now())

    def happen(self, event: j.Event) -> None:
        before = self.state.screen
        self.state, orders = j.step(self.state, event, self.now(), self.pace)
        for order in orders:
            self._do(order)
        if self.state.screen is not before:
            offer = self.state.asked.offer if self.state.asked else ""
            log.info("screen", screen=str(self.state.screen), offer=offer)

    def _do(self, order: j.Order) -> None:
        try:
            self._save(order)
        except sqlite3.Error as error:
            log.error("answer_not_saved", error=str(error))
            self._send_unsaved(order)
        if not isinstance(order, j.KeepRating):
            self._post.send()

    def _save(self, order: j.Order) -> None:
        at, boot = self._time.now(), self._time.boot
        match order:
            case j.KeepRating(rating=rating):
                self._store.keep_rating(rating, at, boot)
            case j.HandInRating(rating=rating):
                self._store.hand_in_rating(rating, at, boot)
            case j.HandInSilence(offer=offer):
                self._store.hand_in_silence(offer, at)

    def _send_unsaved(self, order: j.Order) -> None:
        """The disk has failed, the visitor has not: what she said goes out at once."""
        match order:
            case j.HandInRating(rating=rating):
                self._post.send_unsaved("rate", wire_rating(rating))
            case j.HandInSilence(offer=offer):
                self._post.send_unsaved("stay_silent", silence_of(offer))
