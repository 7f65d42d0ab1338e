"""Outlook, proposals and scores on the pages and in the API of a real centre, with a pretend twin."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from queue_server.desk.estimates import Later, Newcomer, Outlook, Table
from queue_server.line import orders as o
from queue_server.line.setup import Rules
from queue_server.line.times import ServiceTimes, Times
from queue_server.wire.words import MINUTE, Estimate, half_hour, moment_of
from tests.centre import PASSWORD, Centre, Refused, running_centre, until
from tests.twin_room import PretendTwin, help_move, pretend_twin

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SHOTS = os.environ.get("MOTCUA_SHOTS", "")
"""A folder to leave pictures of the pages in, for people to look at."""
Open = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A centre of this module's own: its twin is held still. Counter 3 serves `chung_thuc` alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTCUA_WEB__TAKE", "free")
        with running_centre(tmp_path_factory.mktemp("moves")) as centre:
            yield centre


@pytest.fixture(scope="module")
def twin(house: Centre) -> Iterator[PretendTwin]:
    with pretend_twin(house) as twin:
        yield twin


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture
def open_as(browser: Browser, house: Centre) -> Iterator[Open]:
    windows = []

    def open_page(account: str, path: str) -> Page:
        house.ready(account)
        window = browser.new_context(viewport={"width": 1366, "height": 768})
        windows.append(window)
        log_in = {"account": account, "password": PASSWORD}
        assert window.request.post(f"{house.web}/api/session", data=log_in).ok
        page = window.new_page()
        page.goto(house.web + path)
        page.wait_for_function("() => window.did_handshake")
        return page

    yield open_page
    for window in windows:
        window.close()


def picture(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def free_counter(house: Centre, counter: int, account: str, serves: str) -> None:
    house.order(account, "open-counter", counter=counter)
    house.order("quanly01", "change-serves", counter=counter, serves=[serves])


def moves(house: Centre) -> dict[str, dict[str, object]]:
    rows = house.call("GET", "/api/moves", token=house.as_("quanly01"))
    return {row["id"]: row for row in rows}


def foretold(now: int) -> Table:
    """Hộ tịch will be over the target, the others not; a quieter half-hour is to come."""
    ahead = [
        Outlook(service=s, minutes_ahead=n, wait=w, chance=c)
        for s, waits in {
            "ho_tich": ((15, 13.2, 0.31), (30, 19.4, 0.62), (60, 24.0, 0.81)),
            "chung_thuc": ((15, 4.1, 0.02), (30, 6.0, 0.06), (60, 5.2, 0.04)),
            "cu_tru": ((15, 9.0, 0.11), (30, 11.0, 0.22), (60, 12.5, 0.35)),
        }.items()
        for n, w, c in waits
    ]
    newcomer = Newcomer(
        service="ho_tich",
        priority=False,
        ahead=0,
        estimate=Estimate(minutes=24.0, low=17.0, high=33.0),
        each=2.0,
    )
    later = (
        Later(half_hour="2999-01-01T09:30", service="ho_tich", minutes=22.0),
        Later(half_hour="2999-01-01T10:00", service="ho_tich", minutes=6.0),
    )
    return Table(at=now, newcomers=(newcomer,), outlook=tuple(ahead), later=later)


def test_a_manager_reads_a_proposal_accepts_it_and_the_officer_is_told(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    free_counter(house, 3, "canbo03", "chung_thuc")
    page = open_as("quanly01", "/manager")
    officer = open_as("canbo03", "/counter/3")
    move = help_move("one", 3, "ho_tich", ("chung_thuc", "ho_tich"), 30)
    assert twin.give(o.ProposeMove(move=move)).refusal is None
    proposal = page.locator(".mc-proposal[data-move=one]")
    expect(proposal).to_be_visible()
    expect(page.locator(".mc-quiet")).to_have_count(0)  # something does want an answer
    twin.foretell(foretold(int(time.time() * 1000)))
    expect(proposal).to_contain_text("Quầy 3 nhận thêm Hộ tịch đến ")
    expect(proposal).to_contain_text("chờ trung bình 19 → 12 phút")
    picture(page, "proposal")
    proposal.get_by_role("button", name="Nhận").click()
    expect(proposal).to_be_hidden()
    expect(page.locator(".mc-moves [data-move=one]")).to_contain_text("đang áp dụng")
    expect(officer.locator(".mc-move")).to_contain_text("Nhận thêm Hộ tịch đến ")
    picture(officer, "counter")
    small = open_as("canbo03", "/counter/3/caller")
    small.set_viewport_size({"width": 340, "height": 300})
    expect(small.locator(".mc-move")).to_contain_text("Nhận thêm Hộ tịch đến ")
    expect(small.locator(".mc-next")).to_be_in_viewport(ratio=1)
    picture(small, "caller")
    page.locator(".mc-moves [data-move=one]").get_by_role("button", name="Dừng").click()
    page.locator(".mc-ok").click()
    expect(page.locator(".mc-moves [data-move=one]")).to_contain_text("dự đoán 12, không có: 19")
    expect(officer.locator(".mc-move")).to_be_hidden()
    picture(page, "ended")
    page.locator(".mc-lang button").click()
    expect(page.locator(".mc-moves [data-move=one]")).to_contain_text("foretold 12, without: 19")
    picture(page, "english")


def test_the_coming_hour_and_a_likely_breach_stand_on_the_managers_page(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    page = open_as("quanly01", "/manager")
    twin.foretell(foretold(int(time.time() * 1000)))
    alert = page.locator(".mc-alert", has_text="Hộ tịch: trong 30 phút tới")
    expect(alert).to_contain_text("chờ trung bình 19 phút")
    expect(page.locator(".mc-alert", has_text="Cư trú")).to_have_count(0)
    cell = page.locator("tr[data-outlook=ho_tich] [data-ahead='60']")
    expect(cell).to_contain_text("24 phút")
    expect(cell).to_contain_text("▲ 81%")
    expect(page.locator("tr[data-outlook=cu_tru] [data-ahead='60']")).to_contain_text("(35%)")
    told = house.call("GET", "/api/outlook", token=house.as_("quanly01"))
    assert len(told["outlook"]) == 9
    assert told["later"][1]["minutes"] == 6.0
    picture(page, "outlook")


def test_a_proposal_is_refused_with_a_reason_through_the_api(
    house: Centre, twin: PretendTwin
) -> None:
    free_counter(house, 6, "canbo06", "chung_thuc")
    move = help_move("two", 6, "ho_tich", ("chung_thuc", "ho_tich"), 30)
    twin.give(o.ProposeMove(move=move))
    manager = house.as_("quanly01")
    until(lambda: "two" in moves(house), "the proposal")
    words = moves(house)["two"]["words"]
    assert str(words["en"]).startswith("Counter 6 also takes Civil status until ")  # type: ignore[index]
    house.call("POST", "/api/moves/two/refuse", {"reason": "không phù hợp"}, manager)
    until(lambda: moves(house)["two"]["status"] == "refused", "the refusal")
    assert moves(house)["two"]["reason"] == "không phù hợp"
    with pytest.raises(Refused) as late:
        house.call("POST", "/api/moves/two/accept", {}, manager)
    assert late.value.status == 409
    again = twin.give(o.ProposeMove(move=help_move("3", 6, "ho_tich", move.serves, 30)))
    assert again.refusal is not None
    assert again.refusal.code == "move_rests"


@pytest.mark.parametrize(
    ("account", "reads", "answers"),
    [
        ("quanly01", 200, 409),
        ("quantri01", 200, 409),
        ("kiemtra01", 200, 403),
        ("canbo09", 403, 403),
        ("huongdan01", 403, 403),
        ("kythuat01", 403, 403),
    ],
)
def test_who_reads_and_who_answers(house: Centre, account: str, reads: int, answers: int) -> None:
    def status(method: str, path: str) -> int:
        try:
            house.call(method, path, {} if method == "POST" else None, house.as_(account))
        except Refused as refused:
            return refused.status
        return 200

    assert {status("GET", "/api/moves"), status("GET", "/api/outlook")} == {reads}
    for verb in ("accept", "refuse"):
        assert status("POST", f"/api/moves/nothing/{verb}") == answers


def test_an_auditor_sees_proposals_and_has_no_buttons_for_them(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    free_counter(house, 8, "canbo08", "cu_tru")
    twin.give(o.ProposeMove(move=help_move("four", 8, "ho_tich", ("cu_tru", "ho_tich"), 30)))
    page = open_as("kiemtra01", "/manager")
    proposal = page.locator(".mc-proposal[data-move=four]")
    expect(proposal).to_contain_text("Quầy 8 nhận thêm Hộ tịch")
    expect(proposal.get_by_role("button")).to_have_count(0)


def test_the_twin_teaches_and_a_visitor_is_told_and_scored(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    times = Times(day="2026-11-25", services={"ho_tich": ServiceTimes(mean=9.0, cv=0.7, seen=40)})
    assert twin.give(o.LearnTimes(times=times)).refusal is None
    twin.foretell(foretold(int(time.time() * 1000)))
    until(lambda: house.call("GET", "/api/line")["services"][0].get("estimate"), "the estimate")
    taken = house.take("ho_tich", prepared=True, copies=3)
    assert taken["estimate"]["minutes"] >= 24.0
    house.order("canbo01", "open-counter", counter=1)
    house.order("canbo01", "call-next", counter=1, after="")
    page = open_as("quanly01", "/manager")
    expect(page.locator(".mc-summary")).to_contain_text("chưa đủ mẫu (n = 1)")
    officer = open_as("canbo01", "/counter/1")
    expect(officer.locator(".mc-now-what")).to_contain_text("đã chuẩn bị ở kiosk")
    expect(officer.locator(".mc-now-what")).to_contain_text("3 bản sao")
    assert house.tickets()[taken["number"]]["told"] == taken["estimate"]


def test_from_thirty_visitors_on_the_score_stands_on_the_managers_page_and_is_open_to_all(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    twin.foretell(foretold(int(time.time() * 1000)))
    until(lambda: house.call("GET", "/api/line")["services"][0].get("estimate"), "the estimate")
    house.order("canbo04", "open-counter", counter=4)
    for _ in range(31):
        ticket = house.take("ho_tich")["ticket"]
        house.order("canbo04", "call-number", counter=4, ticket=ticket, reason="thử")
        house.order("canbo04", "finish-service", counter=4, ticket=ticket)
    page = open_as("quanly01", "/manager")
    summary = page.locator(".mc-summary").first
    expect(summary).to_contain_text("Ước tính hôm nay: lệch trung bình ")
    expect(summary).to_contain_text("0 % trong khoảng")
    picture(page, "scores")
    told = house.call("GET", "/open.json")
    score = told["figures"]["foretold"]
    assert score["n"] >= 31
    assert score["mean_error_minutes"] >= 24.0  # told 24 and more, called at once
    assert score["share_inside"] == 0.0
    assert "30" in told["definitions"]["foretold"]["vi"]
    public = open_as("quanly01", "/manager")
    public.goto(f"{house.web}/open")
    expect(public.locator(".figures")).to_contain_text("lệch trung bình")
    picture(public, "open")
    until(lambda: 'motcua_estimates_scored{service="ho_tich"} 3' in metrics(house), "the metrics")
    assert 'motcua_moves{status="refused"} 1' in metrics(house)


def metrics(house: Centre) -> str:
    with urllib.request.urlopen(f"{house.web}/metrics", timeout=10) as answer:
        said: str = answer.read().decode()
    return said


def test_an_old_forecast_is_said_to_be_old_and_alarms_nobody(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    twin.foretell(foretold(int(time.time() * 1000) - 10 * 60_000))
    page = open_as("quanly01", "/manager")
    expect(page.locator(".mc-hint", has_text="Dự báo này đã cũ")).to_be_visible()
    expect(page.locator(".mc-alert", has_text="trong 30 phút tới")).to_have_count(0)


def test_a_visitor_with_time_is_told_when_the_line_will_be_short(
    open_as: Open, house: Centre, twin: PretendTwin
) -> None:
    now = int(time.time() * 1000)
    soon = half_hour(now + 30 * MINUTE, 420)
    if soon[:10] != half_hour(now, 420)[:10]:
        pytest.skip("the last half-hour of the day")
    later = (Later(half_hour=soon, service="ho_tich", minutes=6.0),)
    twin.foretell(msgspec.structs.replace(foretold(now), later=later))
    service = until(
        lambda: (s := house.call("GET", "/api/line")["services"][0]).get("quieter") and s,
        "the quieter time",
    )
    starts = moment_of(soon, 420)
    assert service["quieter"] == {"at": soon[11:], "minutes": 6.0, "starts": starts}
    house.take("ho_tich")
    page = open_as("quanly01", "/manager")
    page.goto(f"{house.web}/open")
    expect(page.locator("main")).to_contain_text(f"từ {soon[11:]}: khoảng 6 phút")
    expect(page.locator("main a", has_text=f"Lấy số cho {soon[11:]}")).to_be_visible()
    picture(page, "open_quieter")
    page.goto(f"{house.web}/take")
    expect(page.locator("main")).to_contain_text(f"từ {soon[11:]} chỉ còn khoảng 6 phút")
    picture(page, "take")


# --- a number for the quieter time ---

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def quieter(house: Centre, twin: PretendTwin) -> str:
    """Civil status has a long line, and a quieter half-hour today: its name, as `10:30`."""
    now = int(time.time() * 1000)
    soon = half_hour(now + 30 * MINUTE, 420)
    if soon[:10] != half_hour(now, 420)[:10]:
        pytest.skip("the last half-hour of the day")
    later = (Later(half_hour=soon, service="ho_tich", minutes=6.0),)
    twin.foretell(msgspec.structs.replace(foretold(now), later=later))
    until(lambda: house.call("GET", "/api/line")["services"][0].get("quieter"), "the quieter time")
    return soon[11:]


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(script: bool = True) -> Page:
        contexts.append(browser.new_context(viewport=PHONE, java_script_enabled=script))
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_phone_takes_a_number_for_the_quieter_time_and_its_page_says_when(
    house: Centre, quieter: str, phone: Callable[..., Page], open_as: Open, script: bool
) -> None:
    page = phone(script)
    page.goto(f"{house.web}/open")
    page.click(f"text=Lấy số cho {quieter}")
    page.click("main button")  # no priority
    expect(page.locator("h1")).to_have_text("Đang đông. Ông/Bà chọn giờ nào?")
    expect(page.locator(".choice.first")).to_contain_text("Lấy số bây giờ")
    picture(page, "take_time")
    page.click(f"text=Lấy số cho {quieter}")
    expect(page.locator(".facts")).to_contain_text(f"Hẹn {quieter}")
    expect(page.locator(".facts")).to_contain_text("khoảng 6 phút")
    picture(page, "take_confirm_later")
    page.click("main button")
    expect(page.locator(".own")).to_contain_text("Xin có mặt trước giờ hẹn")
    expect(page.locator(".own")).to_contain_text(f"Hẹn {quieter}")
    expect(page.locator(".facts")).to_contain_text("khoảng 6 phút")
    expect(page.locator("text=Tôi ra ngoài một lát")).to_have_count(0)
    picture(page, "ticket_later")
    mine = house.tickets()[page.locator(".number").inner_text()]
    assert half_hour(mine["booked"], 420)[11:] == quieter
    page.goto(f"{page.url}?lang=en")
    expect(page.locator(".own")).to_contain_text(f"For {quieter}")
    picture(page, "ticket_later_en")
    guide = open_as("huongdan01", "/guide")
    expect(guide.locator(f"[data-ticket={mine['number']}]")).to_contain_text(f"Hẹn {quieter}")
    picture(guide, "guide_booked")
    house.order("huongdan01", "cancel", ticket=mine["ticket"], reason="thử")


def test_now_stays_a_choice_and_priority_is_not_asked(
    house: Centre, quieter: str, phone: Callable[..., Page]
) -> None:
    page = phone()
    page.goto(f"{house.web}/take?service=ho_tich&priority=cao_tuoi&lang=en")
    expect(page.locator("main button")).to_have_text("Take a number")
    page.goto(f"{house.web}/take?service=ho_tich&priority=")
    picture(page, "take_time_en")
    page.click("text=A number for now")
    page.click("main button")
    expect(page.locator(".own")).to_have_count(0)
    number = page.locator(".number").inner_text()
    assert house.tickets()[number]["booked"] is None


def test_a_time_that_filled_meanwhile_is_told_and_what_is_left_is_offered(
    house: Centre, quieter: str, phone: Callable[..., Page]
) -> None:
    page = phone()
    page.goto(f"{house.web}/take?service=ho_tich&priority=")
    page.click(f"text=Lấy số cho {quieter}")
    starts = int(page.locator("input[name=booked]").input_value())
    most = Rules().booked_per_half_hour
    taken = [house.take("ho_tich", booked=starts)["ticket"] for _ in range(most)]
    with pytest.raises(Refused, match=quieter):
        house.take("ho_tich", booked=starts)
    page.click("main button")
    expect(page.locator("[data-notice=refused]")).to_contain_text(f"Đã hết số hẹn lúc {quieter}")
    page.click("text=Trở lại")
    expect(page.locator("main button")).to_have_text("Lấy số")
    expect(page.locator("input[name=booked]")).to_have_count(0)
    assert not house.call("GET", "/open.json")["figures"]["services"][0].get("quieter")
    for ticket in taken:
        house.order("huongdan01", "cancel", ticket=ticket, reason="thử")


@pytest.mark.parametrize("booked", ["1", "-5", "9" * 15, "9" * 40, "١٢٣", "soon"])
def test_a_time_made_by_hand_takes_no_number_for_then(
    house: Centre, quieter: str, phone: Callable[..., Page], booked: str
) -> None:
    page = phone()
    page.goto(f"{house.web}/take?service=ho_tich&priority=")
    page.click(f"text=Lấy số cho {quieter}")
    page.wait_for_selector("[name=booked]", state="attached")
    page.evaluate("given => { document.querySelector('[name=booked]').value = given }", booked)
    page.click("main button")
    expect(page.locator("[data-notice=refused], nav.choices")).to_be_visible()
    assert page.locator(".number").count() == 0
