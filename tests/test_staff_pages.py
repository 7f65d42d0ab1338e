"""The staff's pages in a real Chromium against a real centre."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from queue_server.accounts_command import devices_of
from queue_server.doors.web.staff.figures import waits
from queue_server.doors.web.staff.html import tag
from queue_server.doors.web.staff.layout import PAGES
from queue_server.doors.web.staff.ratings import stepped
from queue_server.folder import Folder
from queue_server.line.state import State, Ticket
from queue_server.line.transactions import transactions
from queue_server.wire import messages as m
from queue_server.wire.enrol import enrol
from queue_server.wire.link import Link
from queue_server.wire.words import MINUTE, DeviceKind, Role, TicketStatus
from tests.centre import PASSWORD, Centre, centre, until

__all__ = ["centre"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WHO = {
    Role.OFFICER: "canbo12",
    Role.GUIDE: "huongdan01",
    Role.MANAGER: "quanly01",
    Role.TECHNICIAN: "kythuat01",
    Role.AUDITOR: "kiemtra01",
    Role.ADMINISTRATOR: "quantri01",
}
ADDRESS = {"counter": "/counter/12"}
Open = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> BrowserContext:
    """One browser profile for all: it keeps the pages' scripts, and the cookie of who came last."""
    return browser.new_context(viewport={"width": 1366, "height": 768})


@pytest.fixture
def open_as(window: BrowserContext, centre: Centre) -> Iterator[Open]:
    """Open a path as somebody who is logged in; her page is ready for keys."""

    def open_page(account: str, path: str) -> Page:
        centre.ready(account)
        log_in = {"account": account, "password": PASSWORD}
        assert window.request.post(f"{centre.web}/api/session", data=log_in).ok
        page = window.new_page()
        page.goto(centre.web + path)
        page.wait_for_function("() => window.did_handshake")
        return page

    yield open_page
    for page in window.pages:
        page.close()


def status(centre: Centre, number: str) -> str:
    found: str = centre.tickets()[number]["status"]
    return found


# --- coming in ---


def test_the_first_log_in_asks_for_a_password_of_her_own(browser: Browser, centre: Centre) -> None:
    first = json.loads((centre.data / "first-login.json").read_text())["canbo10"]["password"]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{centre.web}/counter/10")
    page.fill("#account", "canbo10")
    page.fill("#password", first)
    page.click("button.mc-main")
    page.goto(f"{centre.web}/counter/10")  # no way around it
    page.fill("#old", first)
    page.fill("#new", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button.mc-main")
    assert urllib.parse.urlsplit(page.url).path == "/counter/10"
    context.close()


def test_a_wrong_password_is_told_and_lets_nobody_in(browser: Browser, centre: Centre) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{centre.web}/login?next=//elsewhere.example/")
    page.fill("#account", "canbo11")
    page.fill("#password", "not-hers")
    page.click("button.mc-main")
    expect(page.get_by_role("alert")).to_contain_text("chưa đúng")
    assert page.locator("input[name=next]").first.get_attribute("value") == ""
    context.close()


# --- at the counter ---


def test_one_key_opens_and_calls_while_a_field_has_the_focus(open_as: Open, centre: Centre) -> None:
    number = centre.take("cu_tru")["number"]
    page = open_as("canbo07", "/counter/7")
    page.keyboard.press("F2")
    expect(page.locator("[data-state=open]")).to_be_visible()
    page.locator(".mc-codes textarea").focus()
    page.keyboard.press("F2")
    expect(page.locator(".mc-number")).to_have_text(number)
    expect(page.locator(".mc-why")).to_contain_text("Chờ lâu nhất")
    page.keyboard.press("F9")
    expect(page.locator("[data-state=open]")).to_be_visible()
    assert status(centre, number) == "no_show"


def test_a_double_press_calls_one_person(open_as: Open, centre: Centre) -> None:
    numbers = [centre.take("dat_dai")["number"] for _ in range(4)]
    page = open_as("canbo09", "/counter/9")
    page.keyboard.press("F2")
    expect(page.locator("[data-state=open]")).to_be_visible()
    page.keyboard.press("F2")
    page.keyboard.press("F2")
    expect(page.locator(".mc-number")).to_have_text(numbers[0])
    page.keyboard.press("F4")
    expect(page.locator("[data-state=serving]")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("F2")
    expect(page.locator(".mc-number")).to_have_text(numbers[1])
    page.keyboard.press("F3")
    expect(page.locator(".mc-now-what")).to_contain_text("đã gọi 2 lần")
    assert [status(centre, n) for n in numbers] == ["finished", "called", "waiting", "waiting"]


def test_dossier_codes_are_checked_at_the_field_and_a_finish_can_be_undone(
    open_as: Open, centre: Centre
) -> None:
    number = centre.take("ho_kinh_doanh")["number"]
    centre.order("canbo11", "open-counter", counter=11)
    centre.order("canbo11", "call-next", counter=11, after="")
    page = open_as("canbo11", "/counter/11")
    page.keyboard.press("F6")
    page.keyboard.type("H19.15-261123-0007 sai-ma")
    page.keyboard.press("F8")
    expect(page.locator(".mc-codes [role=alert]")).to_contain_text("SAI-MA")
    assert status(centre, number) == "called"
    page.locator(".mc-codes textarea").fill("H19.15-261123-0007\nH19.15-261123-0008\n")
    page.keyboard.press("F8")
    expect(page.locator("[data-state=open]")).to_be_visible()
    expect(page.locator(".mc-codes textarea")).to_have_value("")
    assert finished_dossiers(centre, number) == 2
    page.keyboard.press("Shift+F8")
    expect(page.locator(".mc-number")).to_have_text(number)


def finished_dossiers(centre: Centre, number: str) -> int:
    """How many codes the log says were recorded; the codes themselves are sealed."""
    with contextlib.closing(sqlite3.connect(centre.data / "centre.db")) as database:
        body = database.execute(
            "SELECT body FROM events WHERE kind = 'ServiceFinished'"
            " AND json_extract(body, '$.ticket') LIKE ?",
            (f"%-{number}",),
        ).fetchone()[0]
    assert b"H19" not in body
    return int(json.loads(body)["dossiers"])


def test_a_transfer_and_a_pause_are_asked_for_by_keys(open_as: Open, centre: Centre) -> None:
    number = centre.take("xay_dung")["number"]
    centre.order("canbo02", "open-counter", counter=2)
    centre.order(
        "canbo02", "call-number", counter=2, ticket=ticket_id(centre, number), reason="hẹn"
    )
    page = open_as("canbo02", "/counter/2")
    page.keyboard.press("F7")
    page.locator(".q-dialog .q-select").click()
    page.get_by_role("option", name="Hộ kinh doanh").click()
    page.locator(".mc-ok").click()
    expect(page.locator("[data-state=open]")).to_be_visible()
    assert centre.tickets()[number]["service"] == "ho_kinh_doanh"
    page.keyboard.press("F10")
    page.get_by_role("button", name="Giải lao").click()
    page.locator(".mc-ok").click()
    expect(page.locator("[data-state=paused]")).to_contain_text("Giải lao")


def ticket_id(centre: Centre, number: str) -> str:
    found: str = centre.tickets()[number]["ticket"]
    return found


def test_the_caller_window_calls_by_the_same_key(open_as: Open, centre: Centre) -> None:
    number = centre.take("tra_ket_qua", priority="cao_tuoi_80")["number"]
    centre.order("canbo05", "open-counter", counter=5)
    page = open_as("canbo05", "/counter/5")
    with page.expect_popup() as small:
        page.get_by_role("button", name="Cửa sổ gọi số nhỏ").click()
    caller = small.value.frame_locator("iframe")
    expect(caller.locator(".mc-next")).to_be_enabled()
    caller.locator("body").press("F2")
    expect(caller.locator(".mc-number")).to_have_text(number)
    expect(page.locator(".mc-number")).to_have_text(number)  # the large page follows


# --- sessions and roles ---


def test_a_page_of_an_ended_session_can_do_nothing(open_as: Open, centre: Centre) -> None:
    number = centre.take("bao_tro")["number"]
    centre.order("canbo04", "open-counter", counter=4)
    page = open_as("canbo04", "/counter/4")
    end_sessions(centre, "canbo04")
    page.keyboard.press("F2")
    page.wait_for_url(re.compile(r"/login\?next=/counter/4$"))
    assert status(centre, number) == "waiting"


def end_sessions(centre: Centre, account: str) -> None:
    """As time does it: without an event that an open page could hear."""
    centre._tokens.pop(account, None)
    with contextlib.closing(sqlite3.connect(centre.data / "web.db", timeout=10)) as database:
        database.execute("DELETE FROM sessions WHERE account = ?", (account,))
        database.commit()


def test_log_out_takes_all_her_open_pages_along(open_as: Open, centre: Centre) -> None:
    page = open_as("quanly01", "/manager")
    other = page.context.new_page()
    other.goto(f"{centre.web}/guide")
    other.get_by_role("button", name="Đăng xuất").click()
    page.wait_for_url(re.compile(r"/login\?next=/manager$"))


def test_every_page_asks_for_its_role(centre: Centre) -> None:
    for name, roles in PAGES.items():
        path = ADDRESS.get(name, f"/{name}")
        assert answer_to(centre, path) == (303, f"/login?next={path}")
        for role, account in WHO.items():
            expected = 200 if role in roles else 403
            assert answer_to(centre, path, centre.as_(account))[0] == expected, (name, role)
    assert answer_to(centre, "/counter/99", centre.as_("canbo12"))[0] == 404


def test_a_path_that_is_none_is_told_in_words(centre: Centre) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{centre.web}/nowhere", timeout=20)
    assert refused.value.code == 404
    assert "Không có trang này" in refused.value.read().decode()


def answer_to(centre: Centre, path: str, token: str = "", **headers: str) -> tuple[int, str]:
    host = urllib.parse.urlsplit(centre.web).netloc
    line = http.client.HTTPConnection(host, timeout=20)
    if token:
        headers["Cookie"] = f"motcua_session={token}"
    line.request("GET", path, headers=headers)
    answer = line.getresponse()
    line.close()
    return answer.status, answer.getheader("Location", "")


def test_the_socket_is_open_to_our_own_pages_only(centre: Centre) -> None:
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert answer_to(centre, path, Origin=centre.web)[0] == 200
    assert answer_to(centre, path, Origin="http://elsewhere.example")[0] == 400


def test_the_secret_of_the_pages_is_readable_by_nobody_else(centre: Centre) -> None:
    assert (centre.data / "nicegui-secret").stat().st_mode & 0o777 == 0o600


# --- those who lead and help ---


def test_the_manager_sees_a_call_at_once_and_answers_for_help(
    open_as: Open, centre: Centre
) -> None:
    number = centre.take("chung_thuc", priority="cao_tuoi_80")["number"]
    page = open_as("quanly01", "/manager")
    centre.order("canbo06", "open-counter", counter=6)
    centre.order("canbo06", "call-next", counter=6, after="")
    row = page.locator("[data-counter='6']")
    expect(row).to_contain_text(number)
    expect(row).to_contain_text("Vũ Đức Long")
    centre.order("canbo06", "call-help", place="counter-6")
    alert = page.locator(".mc-alert", has_text="Quầy 6 gọi hỗ trợ")
    alert.get_by_role("button").click()
    expect(alert).to_be_hidden()


def test_a_suspended_service_needs_a_reason(open_as: Open, centre: Centre) -> None:
    page = open_as("quanly01", "/manager")
    row = page.locator("[data-service=xay_dung]")
    row.get_by_role("button", name="Tạm ngừng").click()
    page.locator(".mc-ok").click()
    expect(page.locator(".q-dialog [role=alert]")).to_have_text("Cần điền mục này")
    page.get_by_role("button", name="Hệ thống Bộ bảo trì").click()
    page.locator(".mc-ok").click()
    row.get_by_role("button", name="Mở lại").click()
    expect(row.get_by_role("button", name="Tạm ngừng")).to_be_visible()


def test_a_seal_is_opened_with_a_reason_and_shows_the_visit(open_as: Open, centre: Centre) -> None:
    number = centre.take("ho_tich", priority="cao_tuoi_80")["number"]
    centre.order("canbo03", "open-counter", counter=3)
    ticket = centre.order("canbo03", "call-next", counter=3, after="")["ticket"]
    code = "H19.15-261123-0042"
    centre.order("canbo03", "finish-service", counter=3, ticket=ticket, dossiers=[code])
    page = open_as("quanly01", "/manager")
    page.get_by_text("Lượt đánh giá hôm nay (niêm phong)").click()
    row = page.locator(".mc-scroll tr", has_text="Hộ tịch").first
    assert number not in row.inner_text()
    row.get_by_role("button").click()
    page.get_by_role("button", name="Giải quyết phản ánh").click()
    page.locator(".mc-ok").click()
    expect(page.locator(".q-dialog")).to_contain_text(number)
    expect(page.locator(".q-dialog")).to_contain_text(code)


def test_the_guide_gives_a_number_for_a_procedure(open_as: Open, centre: Centre) -> None:
    page = open_as("huongdan01", "/guide")
    page.get_by_label("Tìm thủ tục").fill("khai sinh")
    page.get_by_role("button", name="Chọn").first.click()
    page.keyboard.press("F2")
    number = page.locator("[data-taken]").inner_text()
    expect(page.locator(".mc-taken svg")).to_be_visible()
    ticket = centre.tickets()[number]
    assert (ticket["service"], bool(ticket["procedure"])) == ("ho_tich", True)
    row = page.locator(f"[data-ticket='{number}']")
    row.get_by_role("button", name="Hủy số").click()
    page.locator(".mc-ok").click()
    expect(row).to_be_hidden()


def test_the_administrator_makes_an_account_that_must_change_its_password(
    open_as: Open, centre: Centre
) -> None:
    page = open_as("quantri01", "/accounts")
    page.get_by_role("button", name="Thêm tài khoản").click()
    page.get_by_label("Tên đăng nhập").fill("canbo99")
    page.get_by_label("Họ và tên (hiện").fill("Mai Thử Nghiệm")
    page.locator(".mc-ok").click()
    password = page.locator(".mc-secret").inner_text()
    body = {"account": "canbo99", "password": password}
    assert centre.call("POST", "/api/session", body)["must_change"] is True


def test_the_technician_is_shown_a_code_once(open_as: Open, centre: Centre) -> None:
    page = open_as("kythuat01", "/devices")
    page.get_by_role("button", name="Thêm thiết bị").click()
    page.get_by_label("Tên thiết bị").fill("kiosk-9")
    page.locator(".mc-ok").click()
    code = page.locator(".mc-secret").inner_text()
    assert len(code.replace("-", "")) == 28
    page.get_by_role("button", name="Đã xem").click()
    expect(page.locator("[data-device=kiosk-9]")).to_contain_text("chờ ghép nối")


def test_the_technician_sets_a_device_from_afar_and_sees_that_it_has_not_answered(
    open_as: Open, centre: Centre
) -> None:
    page = open_as("kythuat01", "/devices")
    page.get_by_role("button", name="Thêm thiết bị").click()
    page.get_by_label("Tên thiết bị").fill("kiosk-8")
    page.locator(".mc-ok").click()
    page.get_by_role("button", name="Đã xem").click()
    row = page.locator("[data-device=kiosk-8]")
    row.get_by_role("button", name="Cài đặt").click()
    page.get_by_label("Mỗi dòng").fill('idle_seconds = 90\nlanguages = ["vi"]')
    page.locator(".mc-ok").click()
    expect(row).to_contain_text("bản 1: chờ máy trả lời")
    row.get_by_role("button", name="Cài đặt").click()
    expect(page.get_by_label("Mỗi dòng")).to_have_value('idle_seconds = 90\nlanguages = ["vi"]')


def test_a_bridges_terminals_have_rows_of_their_own(open_as: Open, centre: Centre) -> None:
    devices = devices_of(Folder(centre.data))
    code = devices.add(DeviceKind.BRIDGE, "bridge-7", None, int(time.time() * 1000))
    devices.close()
    link = Link(enrol(centre.web, code), "3.4")
    seen = int(time.time() * 1000)
    link.terminals = lambda: (
        m.TerminalSeen(
            name="nut-1",
            counter=3,
            state="silent",
            make="wifi",
            key="ab" * 8,
            battery=9,
            seen=seen,
            update="sending 40",
        ),
    )
    link.health = lambda: {"terminal:nut-1": "ok", "battery:nut-1": "9"}
    link.start()
    try:
        page = open_as("kythuat01", "/devices")
        row = page.locator("[data-terminal=nut-1]")
        expect(row).to_contain_text("Pin 9 %")
        expect(row).to_contain_text("abababab")
        expect(row).to_contain_text("im lặng")
        expect(row).to_contain_text("đang gửi 40 %")
        row.get_by_role("button", name="Phần mềm").click()
        expect(page.locator(".mc-dialog")).to_contain_text("nut-1")
        expect(page.locator("[data-device=bridge-7]")).not_to_contain_text("battery:nut-1")
    finally:
        link.stop()


def test_the_auditors_reading_is_a_line_of_the_log(open_as: Open, centre: Centre) -> None:
    page = open_as("kiemtra01", "/audit")
    expect(page.locator(".mc-table")).to_contain_text("kiemtra01")
    expect(page.locator(".mc-table")).not_to_contain_text("token")


# --- when the server is away ---


def test_pages_say_that_the_server_is_away_and_come_back_by_themselves(
    open_as: Open, centre: Centre
) -> None:
    page = open_as("canbo08", "/counter/8")
    expect(page.locator(".mc-next")).to_be_enabled()
    os.kill(centre.server_pid(), signal.SIGKILL)
    expect(page.locator(".mc-away")).to_be_visible()
    expect(page.locator(".mc-next")).to_be_disabled()
    expect(page.locator(".mc-away")).to_be_hidden(timeout=20_000)
    page.keyboard.press("F2")
    expect(page.locator("[data-state=open]")).to_be_visible()
    until(lambda: centre.call("GET", "/healthz")["fresh"], "the line")


# --- figures ---


def test_a_single_answer_never_shows_in_the_ratings() -> None:
    assert stepped([5, 5, 5, 5]).mean is None
    assert stepped([5, 5, 5, 5, 5, 1, 1, 1, 1]) == stepped([5, 5, 5, 5, 5])
    assert stepped([5, 5, 5, 5, 5, 1, 1, 1, 1, 1]).mean == 3.0


def test_waits_go_with_the_transactions_that_followed_them() -> None:
    ticket = Ticket(
        id="1",
        number="A001",
        service="b",
        visit="",
        token="",
        arrived=0,
        place=0,
        waiting_from=0,
        status=TicketStatus.FINISHED,
        waits=(4 * MINUTE, 20 * MINUTE),  # the first ended in a transfer
        served=(("b", 3, 24 * MINUTE, 30 * MINUTE),),
    )
    found = list(transactions(State(tickets={"1": ticket})))
    assert [(t.service, t.wait) for t in found] == [("b", 20 * MINUTE)]
    assert waits(found, 15.0).over == 1.0


def test_what_people_wrote_is_never_markup() -> None:
    assert tag("td", "<b>", title='"') == '<td title="&#34;">&lt;b&gt;</td>'


def test_a_form_is_marked_as_checked_by_a_manager_alone(centre: Centre, open_as: Open) -> None:
    page = open_as(WHO[Role.MANAGER], "/forms")
    form = page.locator("[data-form-version^='khai-sinh/']")
    expect(form.get_by_text("Chưa đối chiếu")).to_be_visible()
    if shots := os.environ.get("MOTCUA_SHOTS"):
        page.screenshot(path=f"{shots}/forms.png", full_page=True)
    form.get_by_role("button", name="Đánh dấu đã đối chiếu").click()
    page.get_by_role("button", name="Đồng ý").click()
    expect(form.get_by_text("Bỏ đánh dấu")).to_be_visible()
    offered = centre.call("GET", "/api/forms")["forms"]
    assert [f["form"]["id"] for f in offered if f.get("checked")] == ["khai-sinh"]
    read = open_as(WHO[Role.AUDITOR], "/forms")
    expect(read.locator("[data-form-version^='khai-sinh/']")).to_be_visible()
    expect(read.locator(".mc-acts button")).to_have_count(0)
