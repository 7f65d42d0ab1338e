"""The officers' pages of dossiers on a real centre, and the receipts on paper."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from base64 import b64encode
from typing import Any

import numpy as np
import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image
from playwright.sync_api import expect

from kiosk.paper.receipt import ReceiptPaper
from queue_server import settings
from queue_server.doors.sheets.receipt import receipt_pdf, receipt_words
from queue_server.dossiers.life import DossierStatus
from queue_server.store.devices import Devices
from queue_server.store.dossiers import Dossier
from queue_server.wire.enrol import split_code
from queue_server.wire.filing import Filed, Filing, Package
from queue_server.wire.filing import encode_package as encode
from queue_server.wire.messages import CentreSetup
from queue_server.wire.sealed import seal
from queue_server.wire.words import DeviceKind, Names
from tests.centre import Centre, Refused, centre
from tests.filing_room import HERS, paper, pdf
from tests.test_staff_pages import Open, browser, open_as, window

__all__ = ["browser", "centre", "open_as", "window"]
AT = 1_795_165_200_000
CODE = "H19.15-261120-0001"


def file_at(centre: Centre, device: tuple[str, str], filing: Filing, *files: bytes) -> Any:
    """As a kiosk does over HTTP."""
    key = centre.call("GET", "/api/centre")["filing_key"]
    body = seal(encode(Package(filing=filing, files=files)), key, filing.id)
    basic = b64encode(":".join(device).encode()).decode()
    request = urllib.request.Request(
        f"{centre.web}/api/filings/{filing.id}", body, {"Authorization": f"Basic {basic}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def kiosk(centre: Centre, name: str) -> tuple[str, str]:
    devices, now = Devices(centre.data / "devices.db", "0" * 64), int(time.time() * 1000)
    secret, _ = split_code(devices.add(DeviceKind.KIOSK, name, None, now))
    return name, devices.redeem(secret, now).password


def a_filing(name: str, **more: Any) -> Filing:
    return Filing(
        id=name,
        procedure="1.001193",
        service="ho_tich",
        submitted_at=int(time.time() * 1000),
        answers={"child.name": "<b>Trần An</b>"},
        papers=(paper(pdf()),),
        **HERS,
        **more,
    )


def test_an_officer_opens_a_dossier_for_a_reason_and_takes_it_over(
    open_as: Open, centre: Centre
) -> None:
    device = kiosk(centre, "kiosk-filing")
    told = file_at(centre, device, a_filing("filing-of-mai"), pdf())
    page = open_as("quanly01", "/dossiers")
    line = page.locator(f"tr[data-dossier='{told['dossier']}']")
    expect(line).to_contain_text(told["code"])
    expect(line).to_contain_text("Đăng ký khai sinh")
    assert HERS["owner_name"] not in page.content()
    token = centre.as_("quanly01")
    with pytest.raises(Refused) as shut:
        centre.call("GET", f"/api/dossiers/{told['dossier']}/papers/1", token=token)
    assert shut.value.status == 403, "only who has opened it"
    line.get_by_text("Xem").click()
    page.wait_for_function("() => window.did_handshake")
    expect(page.get_by_text("được niêm phong")).to_be_visible()
    page.get_by_role("button", name="Mở hồ sơ").click()
    page.get_by_text("Kiểm tra hồ sơ").click()
    page.locator(".mc-ok").click()
    expect(page.get_by_text(HERS["owner_name"])).to_be_visible()
    expect(page.get_by_text("<b>Trần An</b>")).to_be_visible()
    href = page.get_by_role("link", name="Giấy chứng sinh").get_attribute("href")
    got = page.request.get(centre.web + str(href))
    assert (got.status, got.headers["cache-control"], got.body()) == (200, "no-store", pdf())
    receipt = page.request.get(f"{centre.web}/api/dossiers/{told['dossier']}/receipt.pdf")
    assert receipt.body().startswith(b"%PDF-")
    page.get_by_role("button", name="Tiếp nhận giải quyết").click()
    expect(page.get_by_text("Đang xử lý").first).to_be_visible()
    looked = centre.call("GET", f"/api/lookup?code={told['code']}")
    assert looked == {"code": told["code"], "state": "processing", "completion": 50}
    conn = sqlite3.connect(f"file:{centre.data / 'centre.db'}?mode=ro", uri=True)
    notes = conn.execute("SELECT account, body FROM events WHERE kind = 'Noted'").fetchall()
    assert any(a == "quanly01" and b"dossier_opened" in body for a, body in notes)


def test_the_counter_leads_to_what_the_visitor_prepared(open_as: Open, centre: Centre) -> None:
    device = kiosk(centre, "kiosk-preparing")
    told = file_at(centre, device, a_filing("filing-to-come", prepare=True), pdf())
    taken = centre.take("dat_dai", prepared=True, dossier_code=told["dossier"])
    page = open_as("canbo09", "/counter/9")
    centre.order("canbo09", "open-counter", counter=9)
    number = taken["number"]
    centre.order("canbo09", "call-number", counter=9, ticket=taken["ticket"], reason="thử")
    expect(page.locator(".mc-now-card")).to_contain_text(number)
    link = page.get_by_role("link", name="xem hồ sơ đã chuẩn bị")
    assert link.get_attribute("href") == f"/dossiers/{told['dossier']}"
    centre.order("canbo09", "finish-service", counter=9, ticket=taken["ticket"])
    centre.order("canbo09", "close-counter", counter=9)


# --- on paper -------------------------------------------------------------------------------------

SETUP = CentreSetup(
    centre="x",
    name=Names(vi="Trung tâm Phục vụ hành chính công phường Mẫu", en="Mẫu Ward Centre"),
    authority=Names(vi="", en=""),
    at=AT,
    services=(),
    priorities=(),
)
FILED = Filed(
    dossier="a" * 24,
    received_at=AT,
    code=CODE,
    due_at=AT + 3_600_000,
    place=3,
    url=f"https://mc.example/lookup?code={CODE}",
)


@pytest.mark.parametrize(("width", "bars"), [(576, [CODE]), (384, [])])
def test_the_strips_codes_are_read_from_its_dots(width: int, bars: list[str]) -> None:
    strip = ReceiptPaper(width).draw(FILED, SETUP, "Đăng ký khai sinh", ("Giấy chứng sinh",))
    assert (strip.mode, strip.width) == ("1", width)
    read = {b.format.name: b.text for b in zxingcpp.read_barcodes(np.array(strip.convert("L")))}
    assert read.get("QRCode") == FILED.url
    assert [read[x] for x in read if x == "Code128"] == bars


def test_the_strip_tells_a_sample_a_provisional_number_and_a_prepared_one_apart() -> None:
    draw = ReceiptPaper(576).draw
    plain = draw(FILED, SETUP, "Đăng ký khai sinh")
    sample = draw(replace(FILED, sample=True), SETUP, "Đăng ký khai sinh")
    assert sample.height > plain.height
    assert _black(sample) > _black(plain) + 10_000, "MẪU stands white on black"
    provisional = replace(FILED, code="", provisional="TAM-261120-0001", url="", due_at=None)
    for filed in (provisional, replace(FILED, code="", url="", prepared=True)):
        strip = draw(filed, SETUP, "Đăng ký khai sinh", number="B012")
        assert zxingcpp.read_barcodes(np.array(strip.convert("L"))) == []


def _black(strip: Image.Image) -> int:
    return strip.histogram()[0]


def test_form_01_has_its_fields_and_no_markup_of_strangers() -> None:
    setup = settings.read(settings.example()).setup()
    line = Dossier(
        **dict.fromkeys(Dossier.__struct_fields__, "")
        | {"dossier": "a" * 24, "code": CODE, "status": DossierStatus.RECEIVED, "due_at": AT + 1}
        | {"received_at": AT, "filed_at": AT, "moved_at": AT, "place": 3, "papers": 1}
        | {"prepared": False, "sample": True, "reused": 0, "supplements": 0}
    )
    filing = replace(a_filing("filing-x"), papers=(paper(pdf(), name="#panic() $x$ *b*"),))
    words = receipt_words(line, filing, setup, "Đăng ký khai sinh", "Trong ngày", AT)
    assert words["sample"] == "MẪU"
    assert words["lines"][2] == "4. Thời gian nhận hồ sơ: 16 giờ 00 phút, ngày 20/11/2026"
    assert ("Tiếp nhận hồ sơ của", HERS["owner_name"]) in words["facts"]
    made = receipt_pdf(line, filing, setup, "Đăng ký khai sinh", "Trong ngày", FILED.url, AT)
    assert made.startswith(b"%PDF-")
    assert b"/Count 1" in made
