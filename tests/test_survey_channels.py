"""One visit, one answer: tablet, terminal and phone ask the same, the first counts, the second is told so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import msgspec
import pytest

from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.store.devices import Devices
from queue_server.store.log import rows
from queue_server.store.schema import connect
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.enrol import split_code
from queue_server.wire.link import Credentials, Link, Refused, new_id
from queue_server.wire.words import DeviceKind
from tests.centre import Centre, centre, until  # noqa: F401 (the fixture)

OFFICER, COUNTER, SERVICE = "canbo12", 12, "tra_ket_qua"
SURVEY = "circular01"
RATED_ALREADY = "Lần phục vụ này đã được đánh giá"


@dataclass
class Hall:
    """A counter whose visits are asked the four indices, with its tablet and its terminals' bridge."""

    centre: Centre
    tablet: Link
    bridge: Link
    offers: dict[str, m.Offer]

    def visit(self) -> tuple[str, m.Offer]:
        """A visit that is over: its token, and the offer that its counter's tablet shows."""
        before = set(self.offers)
        mine = self.centre.take(SERVICE)
        given = {"counter": COUNTER, "ticket": mine["ticket"]}
        self.centre.order(OFFICER, "call-number", reason="thử", **given)
        self.centre.order(OFFICER, "finish-service", **given)
        found = until(lambda: set(self.offers) - before, "the offer on the tablet")
        return mine["token"], self.offers[found.pop()]

    def phone(self) -> httpx.Client:
        return httpx.Client(base_url=self.centre.web, headers={"Origin": self.centre.web})

    def rated(self, offer: str) -> list[e.RatingGiven]:
        conn = connect(Folder(self.centre.data).database, read_only=True)
        try:
            events = [row.entry().event for row in rows(conn)]
        finally:
            conn.close()
        return [x for x in events if isinstance(x, e.RatingGiven) and x.offer == offer]


@pytest.fixture(scope="module")
def hall(centre: Centre) -> Iterator[Hall]:  # noqa: F811
    centre.order("quanly01", "choose-surveys", uses=[{"survey": SURVEY, "counters": [COUNTER]}])
    centre.order(OFFICER, "open-counter", counter=COUNTER)
    tablet, bridge = enrolled(centre, DeviceKind.TABLET), enrolled(centre, DeviceKind.BRIDGE)
    own = Hall(centre, Link(tablet, "test"), Link(bridge, "test"), {})
    own.tablet.on_message = lambda x: heard(own, x.topic, x.payload)
    for link in (own.tablet, own.bridge):
        link.start()
        assert link.wait_connected(20)
    yield own
    own.tablet.stop()
    own.bridge.stop()
    centre.order("quanly01", "choose-surveys", uses=[])


def heard(hall: Hall, topic: str, payload: bytes) -> None:
    if (topics.split(hall.tablet.credentials.centre, topic) or [""])[0] == "offer" and payload:
        offer: m.Offer = m.decode(m.Offer, payload)
        hall.offers[offer.offer] = offer


def enrolled(centre: Centre, kind: DeviceKind) -> Credentials:  # noqa: F811
    devices = Devices(Folder(centre.data).devices, "0" * 64)
    code = devices.add(kind, f"{kind}-survey", COUNTER, int(time.time() * 1000))
    devices.close()
    answer = httpx.post(f"{centre.web}/api/enrol", json={"code": split_code(code)[0]})
    return msgspec.json.decode(answer.content, type=Credentials)


def rate(link: Link, offer: m.Offer, score: int, **more: object) -> str:
    """The refusal's code; "" when it was counted."""
    message = m.Rate(id=new_id(), offer=offer.offer, score=score, pressed_at=link.now(), **more)  # type: ignore[arg-type]
    error = link.ask("rate", message).exception(20)
    return error.refusal.code if isinstance(error, Refused) else ""


def form(page: str, **fields: str) -> dict[str, str]:
    """The page's own hidden fields, and what a visitor chose."""
    hidden = {n: page.split(f'name="{n}" value="')[1].split('"')[0] for n in ("id", "asked")}
    return hidden | fields


def test_the_phone_asks_the_questions_of_the_tablet_and_both_keep_them(hall: Hall) -> None:
    token, offer = hall.visit()
    assert offer.survey == SURVEY
    with hall.phone() as phone:
        page = phone.get(f"/survey/{token}").text
        assert page.count('name="q-i1"') == 3 and "giấy hẹn" in page
        chosen = form(page, score="4", **{"q-i1": "2", "q-i3": "1", "q-i7": "9", "q-x": "1"})
        assert "Cảm ơn" in phone.post(f"/survey/{token}", data=chosen).text
    (given,) = hall.rated(offer.offer)
    assert (given.score, given.source) == (4, "phone")
    assert (given.answers, given.shown) == ({"i1": 2, "i3": 1}, 4)
    assert rate(hall.tablet, offer, 1) == "rated_already"


def test_what_was_answered_stands_again_when_the_face_was_forgotten(hall: Hall) -> None:
    token, _ = hall.visit()
    with hall.phone() as phone:
        page = phone.get(f"/survey/{token}").text
        chosen = form(page, words="Cảm ơn chị <b>", **{"q-i1": "2"})
        again = phone.post(f"/survey/{token}", data=chosen)
    assert again.status_code == 422 and 'name="q-i1" value="2" checked' in again.text
    assert "Cảm ơn chị &lt;b&gt;" in again.text


def test_after_the_tablet_the_phone_is_told_so(hall: Hall) -> None:
    token, offer = hall.visit()
    with hall.phone() as phone:
        page = phone.get(f"/survey/{token}").text
        assert rate(hall.tablet, offer, 5, answers={"i1": 0}, shown=2) == ""
        assert RATED_ALREADY in phone.post(f"/survey/{token}", data=form(page, score="1")).text
        until(lambda: RATED_ALREADY in phone.get(f"/survey/{token}").text, "the page knows")
    (given,) = hall.rated(offer.offer)
    assert (given.score, given.answers, given.shown) == (5, {"i1": 0}, 2)


def test_after_the_terminal_the_phone_is_told_so(hall: Hall) -> None:
    token, offer = hall.visit()
    press = m.RatePressed(id=new_id(), counter=COUNTER, score=2, terminal="t1")
    assert hall.bridge.ask("rate_pressed", press).exception(20) is None
    with hall.phone() as phone:
        until(lambda: RATED_ALREADY in phone.get(f"/survey/{token}").text, "the page knows")
    (given,) = hall.rated(offer.offer)
    assert (given.score, given.source) == (2, "terminal:t1")


def test_of_two_phones_the_first_counts(hall: Hall) -> None:
    token, offer = hall.visit()
    with hall.phone() as hers, hall.phone() as his:
        pages = [phone.get(f"/survey/{token}").text for phone in (hers, his)]
        assert "Cảm ơn" in hers.post(f"/survey/{token}", data=form(pages[0], score="5")).text
        assert RATED_ALREADY in his.post(f"/survey/{token}", data=form(pages[1], score="1")).text
        assert "Cảm ơn" in hers.post(f"/survey/{token}", data=form(pages[0], score="5")).text
    assert [x.score for x in hall.rated(offer.offer)] == [5], "sent twice it counts once"
