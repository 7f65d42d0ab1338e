"""The rules behind the public pages: what is signed, how often, which figures, what a night leaves."""

# ruff: noqa: F811 (a fixture and its argument have one name)

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from queue_server import settings
from queue_server.desk.clock import Clock
from queue_server.doors.web.context import Web
from queue_server.doors.web.main import compose
from queue_server.doors.web.nice import failed
from queue_server.doors.web.public.board import MOST_BOARDS
from queue_server.doors.web.public.figures import satisfied, waits
from queue_server.doors.web.public.limits import Limit
from queue_server.doors.web.public.signing import CODE_LASTS_S, Signer, secret
from queue_server.doors.web.public.site import add_public_pages
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.line.setup import Service, Setup
from queue_server.line.state import State, Ticket, apply
from queue_server.store.satisfaction import Group
from queue_server.wire.words import MINUTE, Names
from tests.centre import Centre, centre, until  # noqa: F401 (the fixture)

NOON = 1_800_000_000_000


# --- what is signed ---------------------------------------------------------------------------------


def test_the_boards_code_is_good_for_its_slot_and_the_next() -> None:
    signer = Signer(b"k" * 32)
    code = signer.code(1_000_000)
    typed = f"{code[:2]} {code[2:]}"
    assert signer.is_code(typed, 1_000_000)
    assert signer.is_code(code, 1_000_000 + CODE_LASTS_S)
    assert not signer.is_code(code, 1_000_000 + 2 * CODE_LASTS_S)
    assert not Signer(b"x" * 32).is_code(code, 1_000_000)


@pytest.mark.parametrize("given", ["", "12345'--", "１２３４５", "٣٤٥٦٧", "9" * 5000])
def test_odd_codes_are_only_wrong(given: str) -> None:
    assert not Signer(b"k" * 32).is_code(given, 1_000_000)


def test_what_was_signed_holds_for_its_purpose_and_its_time() -> None:
    signer = Signer(b"k" * 32)
    signed = signer.sign("taken", "to.ken", until=100)
    assert signer.read("taken", signed, now=99) == "to.ken"
    assert signer.read("taken", signed, now=100) is None
    assert signer.read("here", signed, now=99) is None
    assert signer.read("taken", signed.replace("100.", "900."), now=99) is None
    assert signer.read("taken", "", now=99) is None


def test_the_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    key = secret(tmp_path / "web-secret")
    assert secret(tmp_path / "web-secret") == key and len(key) == 32
    assert (tmp_path / "web-secret").stat().st_mode & 0o777 == 0o600


def test_a_limit_slides() -> None:
    limit = Limit(most=2, seconds=10)
    limit.count("a", 0)
    limit.count("a", 4)
    assert limit.wait("a", 5) == 5
    assert limit.wait("b", 5) == 0
    assert limit.wait("a", 10) == 0


# --- figures ----------------------------------------------------------------------------------------


def test_satisfaction_waits_for_thirty_answers_and_moves_in_fives() -> None:
    def of(worst: int, best: int) -> float | None:
        return satisfied([Group(level="", scores=(worst, 0, 0, 0, best))]).share

    assert of(0, 25) is None
    assert of(0, 30) == 1.0
    assert of(5, 30) == pytest.approx(30 / 35, abs=0.001)


def test_a_mean_of_few_visits_is_kept_back() -> None:
    assert waits([waited(20)] * 4, 15, NOON).mean_minutes is None
    five = waits([waited(20), *[waited(10)] * 4], 15, NOON)
    assert (five.n, five.mean_minutes, five.share_over_target) == (5, 12.0, 0.2)


def waited(minutes: int) -> Ticket:
    return Ticket(
        id="t",
        number="A001",
        service="a",
        visit="",
        token="",
        arrived=0,
        place=0,
        waiting_from=0,
        waits=(minutes * MINUTE,),
    )


def test_silence_on_the_tablet_leaves_the_phones_offer_over_night() -> None:
    """The phone may answer until the offer expires; a rating that was given is done with."""
    state = State(setup=Setup(services=(Service(id="a", letter="A", name=Names(vi="", en="")),)))
    for offer in ("silent", "rated"):
        opened = e.OfferOpened(
            offer=offer, service="a", counter=1, half_hour="", expires=NOON + 7 * 86_400_000
        )
        apply(state, opened, NOON)
    apply(state, e.RatingSilent(offer="silent"), NOON)
    apply(state, e.RatingGiven(offer="rated", score=5), NOON)
    apply(state, e.DayStarted(day="2027-01-16"), NOON + 86_400_000)
    assert set(state.offers) == {"silent"}


# --- the pages over a second web process, made here, on the same centre -------------------------------


@contextmanager
def pages(centre: Centre, take: str) -> Iterator[tuple[Web, TestClient]]:
    """The public pages with another setting of `take`."""
    file = settings.read(centre.settings)
    file = msgspec.structs.replace(file, web=msgspec.structs.replace(file.web, take=take))
    web = compose(Folder(centre.data), file, Clock(), 0)

    @asynccontextmanager
    async def life(_: FastAPI):
        web.replica.start()
        await web.replica.wait_fresh()
        yield
        await web.replica.stop()

    app = FastAPI(lifespan=life)
    add_public_pages(app, web)
    with TestClient(app, follow_redirects=False) as client:
        yield web, client


def test_where_it_is_off_no_number_is_to_be_had(centre: Centre) -> None:
    with pages(centre, "off") as (_, client):
        assert client.get("/take").status_code == 403
        assert client.post("/take", data={"service": "ho_tich"}).status_code == 403
        assert "/take" not in client.get("/").text


def test_where_it_is_free_a_phone_has_one_number_and_an_address_six(centre: Centre) -> None:
    with pages(centre, "free") as (_, client):
        first = take_one(client)
        assert client.get("/take").headers["location"] == first
        assert client.get(first).status_code == 200
        others = []
        for _ in range(6):
            client.cookies.clear()
            others.append(take_one(client))
        assert len({first, *others[:5]}) == 6
        assert others[5] == "429"


def take_one(client: TestClient) -> str:
    """Where the form leads, or the status of a refusal."""
    confirm = client.get("/take?service=tra_ket_qua&priority=").text
    order = confirm.split('name="id" value="')[1].split('"')[0]
    answer = client.post("/take", data={"id": order, "service": "tra_ket_qua"})
    return answer.headers.get("location", str(answer.status_code))


def test_a_wrong_code_again_and_again_is_made_to_wait(centre: Centre) -> None:
    with pages(centre, "centre") as (_, client):
        answers = [client.post("/take/code", data={"code": "x"}).status_code for _ in range(7)]
    assert answers[0] == 403 and answers[-1] == 429


def test_the_day_after_a_token_leads_to_the_survey_only(centre: Centre) -> None:
    centre.order("canbo11", "open-counter", counter=11)
    mine = centre.take("xay_dung")
    centre.order("canbo11", "call-number", counter=11, ticket=mine["ticket"], reason="thử")
    with pages(centre, "centre") as (web, client):
        centre.order("canbo11", "finish-service", counter=11, ticket=mine["ticket"])
        until(lambda: client.get(f"/t/{mine['token']}").text.count("/survey/"), "the offer")
        web.state.tokens.clear()  # a night has passed
        page = client.get(f"/t/{mine['token']}")
        assert "Phiếu này đã qua ngày" in page.text and mine["number"] not in page.text
        assert client.get(f"/survey/{mine['token']}").text.count('name="score"') == 5


def test_forms_are_read_with_suspicion(centre: Centre) -> None:
    with pages(centre, "centre") as (_, client):
        assert client.post("/take/code", content=b"code=" + b"1" * 20_000).status_code == 413
        assert client.post("/take/code", content=b"code=%ff%fe&" + b"\xff\xfe").status_code == 400
        assert client.post("/t/none/fly").status_code == 404


def test_a_board_that_is_gone_makes_room_for_another(centre: Centre) -> None:
    """More boards one after another than may be there at once."""
    for _ in range(MOST_BOARDS + 10):
        with urllib.request.urlopen(f"{centre.web}/board/events", timeout=5) as board:
            assert board.readline() == b"retry: 1000\n"


def test_an_error_of_a_page_is_for_the_log_alone() -> None:
    """NiceGUI would write it onto the page."""
    request = Request({"type": "http", "path": "/x", "headers": [], "query_string": b""})
    answer = asyncio.run(failed(request, KeyError("Nguyễn Thị Mai")))
    assert answer.status_code == 500
    assert "Mai" not in bytes(answer.body).decode()
