"""A tablet's stored answers at a real broker and server: dated within the offer, counted once, shut out."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from queue_server import settings
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import decide
from queue_server.line.state import State
from queue_server.store.log import Log
from queue_server.wire import messages as m
from queue_server.wire.centre_time import CentreTime, Machine
from queue_server.wire.link import Credentials, Link, Refused, new_id
from queue_server.wire.words import DAY, DeviceKind
from tablet_survey.journey import Rating
from tablet_survey.main import _clock_heard, _health
from tablet_survey.post import Post
from tablet_survey.store import COUNTED, AnswerStore, open_store
from tests.house import House, house
from tests.tablet_room import until

COUNTER = 3
SURVEY = "circular01"


class Tablet:
    """A tablet's store, post and line, as `motcua tablet` puts them together, without its window."""

    def __init__(self, folder: Path, own: Credentials) -> None:
        self.store: AnswerStore = open_store(folder / "answers.db")
        self.time = CentreTime(Machine(), self.store.anchor())
        self.link = Link(own, "test")
        self.post = Post(self.store, self.link, self.time)
        self.link.on_welcome = lambda w: _clock_heard(w, self.store, self.post, self.time)

    def rates(self, offer: str, pressed_at: int, boot: str = "", **more: object) -> None:
        rating = Rating(offer=offer, score=4, pressed_at=pressed_at, **more)  # type: ignore[arg-type]
        self.store.hand_in_rating(rating, pressed_at, boot)

    def stop(self) -> None:
        self.post.stop()
        self.link.stop()
        self.store.stop()


def at_port(own: Credentials, home: House) -> Credentials:
    return msgspec.structs.replace(own, port=home.broker.port)


def open_offers(home: House, *offers: str) -> int:
    """Visits of an hour ago that wait for their rating; when (ms) they were asked."""
    log, at = Log(home.folder.database), int(time.time() * 1000) - 3_600_000
    setup = settings.read(settings.example()).setup()
    events, _ = decide(State(), o.ChangeSetup(setup=setup), at, e.Actor(device="test"))
    opened = [
        e.OfferOpened(
            offer=offer,
            service=setup.services[0].id,
            counter=COUNTER,
            half_hour="2026-03-02 08:00",
            expires=at + 7 * DAY,
            survey=SURVEY,
        )
        for offer in offers
    ]
    with log.transaction():
        for event in (*events, *opened):
            log.append(event, at, e.Actor(device="test"), "")
    log.close()
    return at


def ratings(home: House) -> dict[str, e.RatingGiven]:
    found = [x.event for x in home.log() if isinstance(x.event, e.RatingGiven)]
    assert len({x.offer for x in found}) == len(found), "an offer was counted twice"
    return {x.offer: x for x in found}


def test_stored_answers_are_counted_once_and_dated_within_their_offer(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        asked_at = open_offers(home, "early", "late", "told")
        own = home.enrol(DeviceKind.TABLET, "tablet-3", COUNTER)
        home.start()
        tablet = Tablet(tmp_path, at_port(own, home))
        tablet.rates("early", pressed_at=1)
        tablet.rates("late", asked_at + 90 * DAY)
        tablet.rates("told", asked_at + 5_000, answers=(("i1", 2), ("i9", 1)), shown=2)
        tablet.link.start()
        until(lambda: tablet.store.waiting() == 0, "the hand-over")
        assert set(tablet.store.outcomes().values()) == {COUNTED}
        again = m.Rate(id=new_id(), offer="told", score=1, pressed_at=0)
        second = tablet.link.ask("rate", again).exception(20)
        assert isinstance(second, Refused) and second.refusal.code == "rated_already"
        given = ratings(home)
        tablet.stop()
    assert given["early"].pressed_at == asked_at
    assert asked_at < given["late"].pressed_at <= int(time.time() * 1000)
    assert (given["told"].answers, given["told"].shown) == ({"i1": 2}, 2)
    assert asked_at < given["told"].pressed_at


def test_a_stolen_tablet_hands_in_nothing_and_reaches_nothing(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        open_offers(home, "before", "after")
        own = home.enrol(DeviceKind.TABLET, "tablet-3", COUNTER)
        home.start()
        tablet = Tablet(tmp_path, at_port(own, home))
        reasons: list[str] = []
        tablet.link.on_refused = reasons.append
        tablet.rates("before", int(time.time() * 1000))
        tablet.link.start()
        until(lambda: tablet.store.waiting() == 0, "a rating while it was ours")
        home.devices.revoke("tablet-3", int(time.time() * 1000))
        home.broker.reload(home.users())
        until(lambda: reasons, "the broker's refusal")
        heard: list[str] = []
        tablet.link.on_message = lambda x: heard.append(x.topic)
        tablet.rates("after", int(time.time() * 1000))
        tablet.post.send()
        until(lambda: len(reasons) > 1, "another try")
        assert "ot authorized" in reasons[0] and not tablet.link.connected and not heard
        assert set(ratings(home)) == {"before"}
        assert _health(tablet.store, tablet.post, tablet.time)["answers_waiting"] == "1"
        tablet.stop()
