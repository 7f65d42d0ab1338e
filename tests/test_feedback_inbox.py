"""The inbox of feedback in a browser: a visitor's phone sends it, a manager reads, judges and answers it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.centre import PASSWORD, Centre, running_centre

CHROMIUM = "/usr/bin/chromium"
WORDS = "Tôi chờ lâu, hồ sơ bị trả lại hai lần."


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with running_centre(tmp_path_factory.mktemp("inbox")) as running:
        running.ready("quanly01")
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM)
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def test_a_complaint_from_a_phone_is_read_judged_and_answered(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.web}/feedback")
    page.check("[name=kind][value=complaint]")
    page.fill("[name=words]", WORDS)
    page.click("button:text-is('Gửi')")
    page.wait_for_selector("text=PA-")
    page.goto(f"{centre.web}/login?next=/feedback-inbox")
    page.fill("[name=account]", "quanly01")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_selector("text=Chưa phân loại")
    assert WORDS not in page.inner_text("body"), "the list opens no seal"
    page.click("[data-act=open]")
    page.wait_for_selector(f"text={WORDS}")
    judge(page, "H19-khong-co")
    page.wait_for_selector("text=Không tìm thấy hồ sơ nào có mã hoặc số tạm này.")
    assert not page.is_visible("text=phản ánh đúng")
    judge(page, "")
    page.wait_for_selector(".mc-chip:text-is('phản ánh đúng')")
    page.click("[data-act=answered]")
    page.fill(".mc-dialog textarea", "Trung tâm xin lỗi và đã làm việc với quầy.")
    page.click(".mc-ok")
    page.wait_for_selector("text=Không có ý kiến nào.")


def judge(page: Page, number: str) -> None:
    page.click("[data-act=judge]")
    page.wait_for_selector("text=Phản ánh có đúng không?")
    page.click(".mc-dialog .q-field >> nth=0")
    page.click(".q-menu .q-item >> nth=0")
    page.fill(".mc-dialog input[type=text] >> nth=-1", number)
    page.click(".mc-ok")
