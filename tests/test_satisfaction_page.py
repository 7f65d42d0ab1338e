"""The satisfaction page, its file and its orders, on a real centre with a month of answers behind it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sqlite3
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, sync_playwright

from queue_server import settings
from queue_server.command import main
from queue_server.doors.sheets.poster import poster_pdf
from queue_server.doors.web.published import Month, OfService, told
from queue_server.doors.web.satisfaction import Share, days_of
from queue_server.doors.web.staff.satisfaction import percent
from queue_server.doors.web.staff.words import TEXTS
from queue_server.satisfaction import circular01, drivers, suspicion, triggers
from queue_server.store import satisfaction as store
from queue_server.store.ratings import create
from queue_server.store.satisfaction import Days
from queue_server.wire.words import Names
from tests.centre import PASSWORD, Centre, Refused, running_centre
from tests.rated_past import past, write

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    root = tmp_path_factory.mktemp("rated")
    with running_centre(root) as centre:
        services = [s["id"] for s in centre.call("GET", "/api/centre")["services"]]
        with closing(sqlite3.connect(centre.data / "centre.db", timeout=20)) as conn:
            write(conn, past(60, 60, int(time.time() * 1000), services))
        yield centre


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


def test_a_manager_sees_what_drives_satisfaction_and_chooses_a_survey(
    rated: Centre, browser: Browser
) -> None:
    rated.ready("quanly01")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{rated.web}/login?next=/satisfaction")
    page.fill("[name=account]", "quanly01")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_selector("[data-tile=whole]")
    assert "%" in page.inner_text("[data-tile=whole] b")
    assert "thấp hơn" in page.inner_text("[data-level=wait-4]"), "who waited long is less content"
    assert "cao hơn" in page.inner_text("[data-level=wait-0]")
    page.click("text=Thêm phiếu khảo sát")
    page.click(".mc-dialog .q-field >> nth=0")
    page.click(".q-menu >> text=Bốn chỉ số")
    page.fill(".mc-dialog input[value='100']", "25")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-act=drop]")
    uses = rated.call("GET", "/api/centre")["surveys"]
    assert [survey["id"] for survey in uses] == ["circular01"]
    page.click("[data-act=drop]")
    page.wait_for_selector("text=Chỉ hỏi năm khuôn mặt")
    page.click("text=Khai hồ sơ trực tuyến của tháng")
    page.wait_for_selector("text=Tổng số hồ sơ, mọi kênh")
    for place, number in enumerate(("200", "40", "0")):
        page.fill(f".mc-dialog input >> nth={place + 1}", number)
    page.click(".mc-ok")
    page.wait_for_selector("text=Mở lại trang để xem")
    page.goto(f"{rated.web}/satisfaction?period=last_month")
    ninth = "tr:has-text('9. Dịch vụ công trực tuyến')"
    assert page.inner_text(f"{ninth} >> nth=0").split("\t")[1] == "1,0", "20 % of dossiers"
    page.click("text=Thêm ngưỡng")
    page.click(".mc-dialog .q-field >> nth=0")
    page.click(".q-menu >> text=Cùng một mức nhiều lần")
    page.click(".mc-ok")
    page.wait_for_selector("text=Từ bao nhiêu lần")
    page.fill(".mc-dialog input[value='3']", "2")
    page.click(".mc-ok >> nth=-1")
    page.wait_for_selector("text=sẽ lộ trả lời của từng người")
    page.click("text=Thêm ngưỡng")
    page.click(".mc-dialog .q-field >> nth=0")
    page.click(".q-menu >> text=Chỉ số xuống dưới mức")
    page.click(".mc-ok")
    page.wait_for_selector("text=Dưới bao nhiêu")
    page.fill(".mc-dialog input[value='60'] >> nth=0", "55")
    page.click(".mc-ok >> nth=-1")
    page.wait_for_selector("text=Chỉ số hài lòng qua mức 55 trong 60 phút (ít nhất 10 trả lời)")
    page.click("[data-act=untrigger] >> nth=-1")
    page.wait_for_selector("text=qua mức 55", state="detached")
    page.close()


def test_the_numbers_behind_it_are_a_file_for_those_who_may(rated: Centre) -> None:
    with pytest.raises(Refused) as refused:
        rated.call("GET", "/satisfaction.csv", token=rated.as_("canbo01"))
    assert refused.value.status == 403
    headers = {"Authorization": f"Bearer {rated.as_('quanly01')}"}
    asked = urllib.request.Request(f"{rated.web}/satisfaction.csv", headers=headers)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        rows = list(csv.DictReader(io.StringIO(answer.read().decode())))
    whole = next(row for row in rows if row["measure"] == "satisfied")
    assert int(whole["n"]) % 5 == 0 and float(whole["low"]) < float(whole["value"])
    waits = [row for row in rows if row["measure"] == "by_wait"]
    assert len(waits) == 5 and all(int(row["n"]) % 5 == 0 for row in waits)
    assert not any("past-" in value for row in rows for value in row.values()), "no single rating"


def fetch(centre: Centre, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(centre.web + path, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_month_that_has_ended_is_published_and_no_other(rated: Centre) -> None:
    status, body = fetch(rated, "/open/satisfaction.json")
    month = json.loads(body)["satisfaction"]
    assert status == 200 and month["satisfied"]["n"] >= 30
    for service in month["services"]:
        told = service["satisfied"]
        assert (told["n"] == 0 and told["value"] is None) or (
            told["n"] >= 30 and told["n"] % 5 == 0
        )
    assert fetch(rated, f"/open/satisfaction.csv?month={month['month']}")[0] == 200
    now = dt.datetime.now(dt.UTC) + dt.timedelta(hours=7)
    for asked in (f"{now:%Y-%m}", "2019-01", "x", "2026-13"):
        assert fetch(rated, f"/open/satisfaction?month={asked}")[0] == 404, asked
    status, page = fetch(rated, "/open/satisfaction")
    assert status == 200 and "Mức độ hài lòng, tháng" in page.decode()


def test_the_poster_is_one_sheet_with_method_and_numbers(rated: Centre) -> None:
    status, pdf = fetch(rated, "/open/satisfaction.pdf")
    assert status == 200
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    assert [round(x / 72 * 25.4) for x in document[0].get_size()] == [297, 420]
    words = document[0].get_textpage().get_text_range()
    assert "Khoảng tin cậy 95 %" in words and "Cách tính" in words


@pytest.mark.parametrize("many", [8, 16, 40])
def test_many_services_are_one_sheet_too_and_none_is_missing(many: int) -> None:
    setup = settings.read(settings.example()).setup()
    services = tuple(
        OfService(
            id=f"s{n}",
            name=Names(vi=f"Lĩnh vực quản lý và thủ tục liên thông số {n:02}", en="Field"),
            satisfied=told(Share(n=100 + n, satisfied=90, asked=200)),
        )
        for n in range(many)
    )
    month = Month(
        month="2026-10",
        centre=setup.name,
        satisfied=told(Share(n=1_000, satisfied=900, asked=1_500)),
        answered=0.7,
        services=services,
        reasons={"waiting": 60, "guidance": 45, "attitude": 40, "fees": 35},
        circular=(),
        decision=(),
        sipas=(),
        marked=0,
    )
    document = pypdfium2.PdfDocument(
        poster_pdf(month, setup, "https://mc.example/open/satisfaction")
    )
    assert len(document) == 1
    words = " ".join(document[0].get_textpage().get_text_range().split())
    assert all(f"số {n:02}" in words for n in range(many))


def test_a_group_grows_by_five_answers_at_once(tmp_path: Path) -> None:
    conn = sqlite3.connect(tmp_path / "r.db")
    create(conn)
    rows = [row for row in past(3, 60, int(time.time() * 1000), ("a", "b")) if row[5] is not None]
    today = dt.date.today()
    days = Days(
        since=f"{today - dt.timedelta(40):%Y-%m-%d}", until=f"{today + dt.timedelta(2):%Y-%m-%d}"
    )
    seen = set()
    for row in rows[:23]:
        write(conn, [row])
        (whole,) = store.groups(conn, days)
        seen.add(whole.scores)
        assert all(
            g.answers % 5 == 0 for by in store.DRIVEN_BY for g in store.groups(conn, days, by)
        )
    assert len(seen) == 5, "none, five, ten, fifteen and twenty"


def test_no_answer_is_had_by_taking_one_period_from_another(tmp_path: Path) -> None:
    """What is told of two months is the sum of what is told of each, so a difference says nothing new."""
    conn = sqlite3.connect(tmp_path / "r.db")
    create(conn)
    noon = int(dt.datetime(2026, 3, 1, 5, tzinfo=dt.UTC).timestamp() * 1000)
    write(conn, past(59, 11, noon, ("a", "b")))
    january, february = (
        Days(since="2026-01-01", until="2026-02-01"),
        Days(since="2026-02-01", until="2026-03-01"),
    )
    both = Days(since="2026-01-01", until="2026-03-01")

    def told(days: Days) -> Counter[tuple[str, str]]:
        found = Counter({("why", why): n for why, n in store.reasons(conn, days).items()})
        for survey, questions in (("circular01", 4), ("sipas", 5)):
            sheets = store.sheets(conn, days, survey, questions)
            found[survey, "begun"] += sheets.begun
            for sheet in sheets.answers:
                found.update((survey, f"{question} {value}") for question, value in sheet.items())
            for n, saw in enumerate(sheets.shown):
                found[survey, f"shown {n}"] += saw
        return found

    assert told(both) == told(january) + told(february)
    assert sum(told(both).values()) > 500


def test_periods_are_whole_days_and_end_before_today() -> None:
    today = dt.date(2026, 1, 5)
    assert days_of("last_month", today) == Days(since="2025-12-01", until="2026-01-01")
    assert days_of("last_quarter", today) == Days(since="2025-10-01", until="2026-01-01")
    assert days_of("days30", today) == Days(since="2025-12-06", until="2026-01-05")


def test_everything_that_can_be_told_has_its_words() -> None:
    keys = {
        *(f"rank_{x}" for x in circular01.Rank),
        *(f"open_{x}" for x in circular01.Open),
        *(f"reason_{x}" for x in suspicion.Suspicion),
        *(f"told_{x}" for x in drivers.Told if x is not drivers.Told.HIDDEN),
        *(f"alert_{x}" for x in triggers.AlertStatus),
        *(f"alert_{x}" for x in triggers.Measure),
    }
    assert not {key for key in keys if f"satisfaction.{key}" not in TEXTS.keys("vi")}


@pytest.mark.parametrize(
    ("text", "share"), [("25", 0.25), ("12,5 %", 0.125), ("-1", None), ("101", None), ("ba", None)]
)
def test_a_share_is_read_as_people_write_it(text: str, share: float | None) -> None:
    assert percent(text) == share


def test_the_report_command_writes_the_months_three_files(
    rated: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["report", "--data", str(rated.data), "--settings", str(rated.settings)]
    assert main([*common, "--out", str(tmp_path)]) == 0
    poster, table, told = (Path(line) for line in capsys.readouterr().out.split())
    assert poster.read_bytes().startswith(b"%PDF")
    body = json.loads(fetch(rated, "/open/satisfaction.json")[1])["satisfaction"]
    assert json.loads(told.read_bytes()) == body, "as it is published"
    assert table.read_text("utf-8").startswith("measure,level")
    assert main([*common, "--month", "2019-01"]) == 1
    assert "2019-01 is no month" in capsys.readouterr().err


def test_a_quarter_tells_what_its_months_tell_and_no_answer_more(tmp_path: Path) -> None:
    conn = sqlite3.connect(tmp_path / "r.db")
    create(conn)
    write(conn, past(90, 7, 1_795_480_200_000, ("a", "b")))
    quarter = Days(since="2026-09-01", until="2026-12-01")
    (whole,) = store.groups(conn, quarter)
    months = [store.groups(conn, month)[0] for month in store.months(quarter)]
    assert len(months) == 3 and all(month.answers % 5 == 0 for month in months)
    assert whole.scores == tuple(sum(x) for x in zip(*(m.scores for m in months), strict=True))
