"""The public pages in a real browser against a real centre: board, ticket, survey, number by phone, figures."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from queue_server.doors.speech.voice import duration_ms
from queue_server.doors.web.public.open import MEASURES
from queue_server.doors.web.public.render import TEXTS
from tests.centre import Centre, running_centre, until

PHONE = {"width": 390, "height": 844}
HALL = {"width": 1920, "height": 1080}
SHORT_SPEECH = {"SAID": "1", "CHIME": "false", "SPEED": "250"}
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A centre of our own, since its web process is killed here; calls are spoken once and fast."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHORT_SPEECH.items():
            patch.setenv(f"MOTCUA_SPEECH__{name}", value)
        with running_centre(tmp_path_factory.mktemp("public")) as running:
            yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM))
        yield found
        found.close()


@pytest.fixture
def open_page(centre: Centre, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages each in a browser of its own; a script error or a breach of the policy fails the test."""
    contexts, faults = [], []

    def open_(path: str, size: dict[str, int] = PHONE, script: bool = True) -> Page:
        context = browser.new_context(viewport=size, java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if "Security Policy" in m.text else None)
        page.goto(centre.web + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def at_counter(centre: Centre, account: str, counter: int) -> Callable[..., dict[str, str]]:
    """An officer at her counter, free for the next visitor; gives her orders."""
    centre.order(account, "open-counter", counter=counter)
    held = [t for t in centre.tickets().values() if t["counter"] == counter]
    for ticket in held:
        centre.order(account, "finish-service", counter=counter, ticket=ticket["ticket"])
    return lambda verb, **body: centre.order(account, verb, counter=counter, **body)


def tickets_waiting(centre: Centre) -> int:
    return sum(t["status"] == "waiting" for t in centre.tickets().values())


# --- the board ------------------------------------------------------------------------------------


def test_a_call_is_on_the_board_at_once_and_flashes(centre: Centre, open_page) -> None:
    officer = at_counter(centre, "canbo07", 7)
    number = centre.take("cu_tru")["number"]
    board = open_page("/board", HALL)
    expect(board.locator("[data-service=cu_tru] .waiting")).to_have_text("1")

    officer("call-next")

    row = board.locator(f"#calls [data-number={number}]")
    expect(row).to_have_class(re.compile("fresh"), timeout=2_000)
    assert re.fullmatch(r"\d+-\d+", row.get_attribute("data-call-id") or "")
    expect(row.locator(".counter")).to_have_text("7")
    expect(board.locator("[data-service=cu_tru] .waiting")).to_have_text("0")


def test_numbers_are_read_ten_metres_away(centre: Centre, open_page) -> None:
    """50 mm capitals on a 43-inch screen (952 mm for 1920 px); Roboto's are 0.711 of its size."""
    officer = at_counter(centre, "canbo07", 7)
    for _ in range(2):
        at_counter(centre, "canbo07", 7)
        centre.take("cu_tru")
        officer("call-next")
    board = open_page("/board", HALL)
    sizes = board.locator("#calls li:visible .number").evaluate_all(
        "all => all.map(node => parseFloat(getComputedStyle(node).fontSize))"
    )
    assert len(sizes) >= 2
    assert min(sizes) * 0.711 * 952 / 1920 >= 50


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "size", [HALL, {"width": 1080, "height": 1920}, {"width": 1280, "height": 1024}]
)
def test_nothing_runs_out_of_the_board(
    centre: Centre, open_page, size: dict[str, int], language: str
) -> None:
    board = open_page(f"/board?lang={language}", size)
    expect(board.locator("[data-service=dat_dai]")).to_be_visible()
    outside = board.evaluate(OUTSIDE)
    assert outside == []


OUTSIDE = """() => [...document.querySelectorAll("main *, header *")]
    .filter(node => { const box = node.getBoundingClientRect();
        return box.width && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1); })
    .map(node => node.className || node.id || node.tagName)"""


def test_a_recall_comes_back_to_the_top_and_says_so(centre: Centre, open_page) -> None:
    officer = at_counter(centre, "canbo08", 8)
    number = centre.take("cu_tru")["number"]
    officer("call-next")
    board = open_page("/board", HALL)
    row = board.locator(f"#calls [data-number={number}]")
    first = row.get_attribute("data-call-id")

    officer("recall")

    expect(row.locator(".again")).to_be_visible()
    assert row.get_attribute("data-call-id") != first
    expect(board.locator("#calls li").first).to_have_attribute("data-number", number)


def test_a_visitor_put_back_in_the_line_leaves_the_board(centre: Centre, open_page) -> None:
    officer = at_counter(centre, "canbo08", 8)
    number = centre.take("cu_tru")["number"]
    called = officer("call-next")
    board = open_page("/board", HALL)
    expect(board.locator(f"#calls [data-number={number}]")).to_be_visible()

    centre.order("canbo08", "put-back", ticket=called["ticket"], reason="nhầm")

    expect(board.locator(f"#calls [data-number={number}]")).to_have_count(0)
    centre.order("huongdan01", "cancel", ticket=called["ticket"], reason="thử")


def test_a_visitor_served_without_a_ticket_is_not_called(centre: Centre, open_page) -> None:
    officer = at_counter(centre, "canbo09", 9)
    board = open_page("/board", HALL)
    expect(board.locator("[data-service=dat_dai]")).to_be_visible()
    served = officer("serve-without-ticket", service="dat_dai", reason="hỏi nhanh")
    officer("finish-service", ticket=served["ticket"])
    centre.take("dat_dai")
    number = officer("call-next")["number"]
    expect(board.locator(f"#calls [data-number={number}]")).to_be_visible()
    assert board.locator(f"#calls [data-number={served['number']}]").count() == 0


def test_a_suspended_service_is_told_at_once(centre: Centre, open_page) -> None:
    board = open_page("/board", HALL)
    row = board.locator("[data-service=xay_dung]")
    expect(row).to_have_attribute("data-state", "open")
    centre.order("quanly01", "suspend-service", service="xay_dung", reason="hệ thống Bộ bảo trì")
    expect(row.locator(".state")).to_have_text("Tạm ngừng: hệ thống Bộ bảo trì")
    centre.order("quanly01", "resume-service", service="xay_dung")
    expect(row).to_have_attribute("data-state", "open")


def test_the_board_comes_back_by_itself_when_the_web_process_dies(
    centre: Centre, open_page
) -> None:
    officer = at_counter(centre, "canbo03", 3)
    first = centre.take("ho_tich")["number"]
    second = centre.take("ho_tich")
    called = officer("call-next")
    board = open_page("/board", HALL)
    expect(board.locator(f"#calls [data-number={first}]")).to_be_visible()
    board.evaluate("() => { window.untouched = true; }")

    os.kill(web_pid(centre), signal.SIGKILL)

    expect(board.locator("#connection")).to_have_text("Đang kết nối lại…")
    expect(board.locator(f"#calls [data-number={first}]")).to_be_visible()
    expect(board.locator("#connection")).to_be_hidden(timeout=30_000)
    officer("finish-service", ticket=called["ticket"])
    officer("call-next")
    expect(board.locator(f"#calls [data-number={second['number']}]")).to_be_visible()
    assert board.evaluate("window.untouched")


def web_pid(centre: Centre) -> int:
    own = str(centre.data).encode()
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"queue_server.doors.web.main" in words and own in words:
            return int(entry.name)
    raise AssertionError("the web process is not running")


# --- the voice ------------------------------------------------------------------------------------


def test_calls_are_spoken_once_each_in_order_and_never_at_once(centre: Centre, open_page) -> None:
    officers = [at_counter(centre, "canbo05", 5), at_counter(centre, "canbo06", 6)]
    for _ in officers:
        centre.take("chung_thuc")
    board = open_page("/board?voice=1", HALL)
    expect(board.locator("#voice.on")).to_be_visible()
    asked: list[tuple[str, float]] = []
    board.on("request", lambda r: "/speech/" in r.url and asked.append((r.url, time.monotonic())))
    numbers = [officer("call-next")["number"] for officer in officers]
    rows = [board.locator(f"#calls [data-number={n}]") for n in numbers]
    ids = [row.get_attribute("data-call-id") for row in rows]

    until(lambda: board.wait_for_timeout(50) or len(asked) > 1, "the second call's sound", 25)
    board.wait_for_timeout(300)
    (first, first_at), (_, second_at) = asked
    assert [re.search(r"[\d-]+(?=\.wav)", url)[0] for url, _ in asked] == ids
    with urllib.request.urlopen(first) as answer:
        assert (second_at - first_at) * 1000 >= duration_ms(answer.read())


def test_a_voice_that_fails_leaves_the_call_and_a_mark(centre: Centre, open_page) -> None:
    officer = at_counter(centre, "canbo05", 5)
    board = open_page("/board?voice=1", HALL)
    expect(board.locator("#voice.on")).to_be_visible()
    chimes: list[str] = []
    board.route("**/speech/*.wav", lambda route: silent(route, chimes))
    centre.take("chung_thuc")
    number = officer("call-next")["number"]
    expect(board.locator(f"#calls [data-number={number}]")).to_be_visible()
    expect(board.locator("#voice-mark")).to_have_text("Loa đọc số đang lỗi, xin nhìn bảng")
    until(lambda: board.wait_for_timeout(20) or chimes, "the chime", 5)


def silent(route: Route, chimes: list[str]) -> None:
    if "chime" in route.request.url:
        chimes.append(route.request.url)
        route.continue_()
    else:
        route.fulfill(status=503)


def test_only_a_call_of_this_centre_is_made_into_sound(centre: Centre) -> None:
    assert status_of(centre, "/speech/1-999999.wav") == 404
    assert status_of(centre, "/speech/..%2Fx.wav") == 404


# --- her own ticket ---------------------------------------------------------------------------------


def test_a_ticket_without_script_says_all_and_takes_her_steps(centre: Centre, open_page) -> None:
    centre.take("bao_tro")
    mine = centre.take("bao_tro")
    page = open_page(f"/t/{mine['token']}", script=False)
    expect(page.locator(".number")).to_have_text(mine["number"])
    expect(page.locator(".facts")).to_contain_text("1 người")
    assert page.locator("noscript meta[http-equiv=refresh]").count() or "refresh" in page.content()

    page.click("text=Tôi ra ngoài một lát")
    expect(page.locator("h1")).to_have_text("Ông/Bà đang ra ngoài")
    page.click("text=Tôi đã trở lại")
    expect(page.locator("[data-status=waiting]")).to_be_visible()
    page.click("text=Hủy số này")
    expect(page.locator("h1")).to_have_text(f"Hủy số {mine['number']}?")
    page.click("text=Giữ số")
    expect(page.locator("[data-status=waiting]")).to_be_visible()
    page.click("text=Hủy số này")
    page.click("button:text('Hủy số')")
    expect(page.locator("h1")).to_have_text("Số này đã hủy")
    assert centre.tickets()[mine["number"]]["status"] == "cancelled"


def test_a_ticket_with_script_follows_her_visit_without_reloading(
    centre: Centre, open_page
) -> None:
    officer = at_counter(centre, "canbo10", 10)
    mine = centre.take("ho_kinh_doanh")
    page = open_page(f"/t/{mine['token']}")
    page.evaluate("() => { window.untouched = true; }")

    officer("call-next")
    expect(page.locator(".go")).to_contain_text("Mời đến quầy")
    expect(page.locator(".go b")).to_have_text("10")
    officer("start")
    expect(page.locator(".at b")).to_have_text("10")
    officer("finish-service", ticket=mine["ticket"])
    expect(page.locator("text=Đánh giá lần phục vụ này")).to_be_visible()
    assert page.evaluate("window.untouched")


def test_her_ticket_speaks_english_when_she_asks(centre: Centre, open_page) -> None:
    mine = centre.take("tra_ket_qua")
    page = open_page(f"/t/{mine['token']}")
    page.click("text=English")
    expect(page.locator(".label")).to_have_text("Your number")
    page.goto(f"{centre.web}/open")
    expect(page.locator("h1")).to_have_text("Open figures")


def test_unknown_tickets_are_calm_and_cannot_be_tried_without_end(centre: Centre) -> None:
    mine = centre.take("tra_ket_qua")
    answers = [status_of(centre, f"/t/guess-{n}") for n in range(40)]
    assert answers[0] == 404 and answers[-1] == 429
    assert status_of(centre, "/survey/guess") == 429
    assert status_of(centre, f"/t/{mine['token']}") == 200  # another phone of the same hall


def status_of(centre: Centre, path: str) -> int:
    try:
        with urllib.request.urlopen(centre.web + path, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


# --- a number by phone --------------------------------------------------------------------------------


def code_on_the_board(open_page: Callable[..., Page]) -> str:
    board = open_page("/board", HALL)
    expect(board.locator("#code")).to_have_text(re.compile(r"\d\d \d\d\d"))
    return board.locator("#code").inner_text()


def through_to_confirm(page: Page, code: str, service: str) -> None:
    page.fill("input[name=code]", code)
    page.click("main button")
    page.click(f"a:has-text('{service}')")
    page.click("text=Người từ 60 tuổi")
    page.click("main button")
    expect(page.locator(".badge")).to_have_text("Người từ 60 tuổi")


@pytest.mark.parametrize("script", [True, False])
def test_a_phone_with_the_boards_code_gets_one_number(
    centre: Centre, open_page, script: bool
) -> None:
    phone = open_page("/take", script=script)
    phone.fill("input[name=code]", "not a code"[:9])
    phone.click("main button")
    expect(phone.locator("[role=alert]")).to_have_text(TEXTS.say("take.code_wrong"))

    through_to_confirm(phone, code_on_the_board(open_page), "Bảo trợ xã hội")
    phone.click("main button")

    number = phone.locator(".number").inner_text()
    assert centre.tickets()[number]["priority"] == "cao_tuoi"
    phone.goto(f"{centre.web}/take")
    expect(phone.locator(".number")).to_have_text(number)


def test_the_code_in_the_boards_qr_opens_the_way(centre: Centre, open_page) -> None:
    code = code_on_the_board(open_page).replace(" ", "")
    phone = open_page(f"/take?code={code}")
    expect(phone.locator("h1")).to_have_text("Ông/Bà cần làm việc gì?")
    assert "code" not in phone.url


def test_a_form_sent_twice_at_once_takes_one_number(centre: Centre, open_page) -> None:
    phone = open_page("/take")
    through_to_confirm(phone, code_on_the_board(open_page), "Chứng thực")
    fields = phone.locator("form input").evaluate_all("all => all.map(x => [x.name, x.value])")
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in phone.context.cookies())
    before = tickets_waiting(centre)
    led_to: list[str] = []

    def send() -> None:
        led_to.append(
            where_it_leads(centre, urllib.parse.urlencode([tuple(f) for f in fields]), cookies)
        )

    pair = [threading.Thread(target=send) for _ in range(2)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()
    assert led_to[0].startswith("/t/")
    assert led_to[0] == led_to[1]
    assert tickets_waiting(centre) == before + 1


def where_it_leads(centre: Centre, body: str, cookies: str) -> str:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{centre.web}/take", body.encode(), headers)
    try:
        urllib.request.build_opener(Stay).open(request, timeout=15)
    except urllib.error.HTTPError as error:
        return str(error.headers.get("Location", ""))
    return ""


def test_without_the_code_a_form_made_by_hand_takes_nothing(centre: Centre) -> None:
    before = tickets_waiting(centre)
    assert where_it_leads(centre, "service=ho_tich&id=1.x.y", "") == "/take"
    assert tickets_waiting(centre) == before


# --- the survey ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False])
def test_a_visit_is_rated_once_by_phone(centre: Centre, open_page, script: bool) -> None:
    officer = at_counter(centre, "canbo12", 12)
    mine = centre.take("tra_ket_qua")
    called = officer("call-number", ticket=mine["ticket"], reason="thử")
    phone = open_page(f"/survey/{mine['token']}", script=script)
    expect(phone.locator("h1")).to_have_text("Chưa đến lúc đánh giá")
    officer("finish-service", ticket=called["ticket"])

    until(lambda: is_asked(phone, centre, mine["token"]), "the survey")
    phone.click("label.s2")
    phone.click("text=Chờ quá lâu")
    phone.fill("textarea", "Mong có thêm ghế.")
    phone.click("main button")
    expect(phone.locator("[data-notice]")).to_have_attribute("data-notice", "survey_poor")

    phone.goto(f"{centre.web}/survey/{mine['token']}")
    expect(phone.locator("h1")).to_have_text("Lần phục vụ này đã được đánh giá")


def is_asked(phone: Page, centre: Centre, token: str) -> bool:
    phone.goto(f"{centre.web}/survey/{token}")
    return phone.locator("label.s2").count() == 1


# --- figures, front page and words ------------------------------------------------------------------------


def test_open_figures_say_nothing_of_few(centre: Centre) -> None:
    told = centre.call("GET", "/open.json")
    figures = told["figures"]
    assert figures["satisfaction"]["share"] is None and figures["satisfaction"]["n"] % 5 == 0
    few = [s for s in figures["services"] if s["waits"]["n"] < 5]
    assert few and all(s["waits"]["mean_minutes"] is None for s in few)
    assert all(s["foretold"]["mean_error_minutes"] is None for s in few)
    assert set(told["definitions"]) == set(MEASURES)
    with urllib.request.urlopen(f"{centre.web}/open.csv") as answer:
        assert answer.read().startswith(b"measure,service,value,n,unit\r\nwaiting,")


@pytest.mark.parametrize("path", ["/", "/open", "/take", "/board"])
def test_pages_carry_a_policy_that_lets_no_foreign_script_in(centre: Centre, path: str) -> None:
    with urllib.request.urlopen(centre.web + path) as answer:
        policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", text)


def test_both_languages_have_the_same_words() -> None:
    assert TEXTS.keys("vi") == TEXTS.keys("en")


# --- a procedure to keep ---


def test_a_procedure_is_kept_on_the_phone_with_the_centres_own_guides(
    centre: Centre, open_page: Callable[..., Page]
) -> None:
    folder = centre.data / "guides" / "1.001193"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "01 Tờ khai đã điền.pdf").write_bytes(b"%PDF-1.4")
    (folder / "ghi chú.txt").write_text("không phải hướng dẫn")
    phone = open_page("/p/1.001193", script=False)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Đăng ký khai sinh")
    assert phone.locator(".papers").first.locator("li").count() >= 3
    expect(phone.get_by_text("Hồ sơ MẪU: Tờ khai đã điền")).to_be_visible()
    expect(phone.get_by_text("ghi chú")).to_have_count(0)
    (listed,) = centre.call("GET", "/api/guides/1.001193")
    assert (listed["kind"], listed["caption"], listed["size"]) == ("sample", "Tờ khai đã điền", 8)
    for path in ("1.001193/ghi%20chú.txt", "..%2F..%2Fcentre.db", "1.001193/..%2F..%2Fcentre.db"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{centre.web}/guides/{urllib.parse.quote(path, safe='/%')}")
        assert refused.value.code == 404
    phone.goto(f"{centre.web}/p/9.999999")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Không có thủ tục này")
    if shots := os.environ.get("MOTCUA_SHOTS"):
        phone.goto(f"{centre.web}/p/1.001193")
        phone.screenshot(path=f"{shots}/procedure.png", full_page=True)


# --- a time of a day to come ---


def test_a_time_is_booked_shown_as_a_code_and_given_back(
    centre: Centre, open_page: Callable[..., Page]
) -> None:
    phone = open_page("/book", script=False)
    phone.locator(".choice.service").first.click()
    phone.locator(".times button").last.click()
    expect(phone.locator(".qr svg")).to_be_visible()
    assert re.search(r"/a/[2-9A-Z]{10}$", phone.url)
    if shots := os.environ.get("MOTCUA_SHOTS"):
        phone.screenshot(path=f"{shots}/appointment.png", full_page=True)
        phone.goto(f"{centre.web}/book?service=ho_tich")
        phone.screenshot(path=f"{shots}/book.png")
        phone.go_back()
    phone.get_by_role("button").click()
    expect(phone.get_by_text("Lịch hẹn này đã được hủy.")).to_be_visible()
    phone.goto(f"{centre.web}/a/2222222222")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Không tìm thấy lịch hẹn này")
