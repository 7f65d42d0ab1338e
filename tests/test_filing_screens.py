"""Self-filing as a visitor meets it: real pictures and touches in the real child, a pretend centre."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk.access import Access
from kiosk.filing import talk
from kiosk.filing.eye import HINTS
from kiosk.filing.reports import Consent
from kiosk.scan.judge import Fault, Way
from kiosk.settings import FilingSettings, KioskSettings
from queue_server.wire.filing import shown_key
from queue_server.wire.texts import Texts

from .child_room import Child, PretendCentre
from .filing_visit import visit
from .kiosk_room import until

ROOT = Path(__file__).parent.parent
TOO_MUCH = ("ask_date_4", "ask_date_typed", "papers", "papers_some", "papers_missing")
"""With the largest letters they need a little more than the lower half."""
PURPOSES = (Consent.REUSE, Consent.KEEP, Consent.NOTIFY)
LOOKS = [
    ("1080x1920", "vi", "largest-low"),
    ("1080x1920", "vi", "large"),
    ("1920x1080", "vi", "largest"),
    ("540x960", "en", "largest"),
    ("540x960", "en", "largest-low"),
    ("960x540", "vi", "usual"),
]
"""The hardest; `make screens` draws them all."""
"""Half a second on a kiosk; the machine of the tests does other things as well."""


# --- every picture --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=LOOKS, ids="-".join)
def drawn(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    size, language, look = request.param
    said = subprocess.run(
        [sys.executable, "-m", "tests.filing_pictures", size, "-", language, look],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    pictures = [json.loads(line) for line in said.stdout.splitlines()]
    return [{**picture, "low": "low" in look, "language": language} for picture in pictures]


def test_nothing_is_cut_outside_too_small_or_on_top_of_another(
    drawn: list[dict[str, Any]],
) -> None:
    assert len(drawn) > 45
    for picture in drawn:
        name, (width, height) = picture["name"], picture["size"]
        assert not [t["text"] for t in picture["texts"] if t["overflows"]], name
        head = 11 * min(width, height) / 100
        high = [t["text"] for t in picture["texts"][3:] if t["rect"][1] < head - 1]
        assert not high, (name, "under the head of the screen", high)
        least = 18 * width / (344.0 if height > width else 598.0) - 1
        said = [t["rect"] for t in picture["texts"]]
        both = [(a, b) for i, a in enumerate(said) for b in said[i + 1 :] if _overlap(a, b)]
        assert not both, name
        rects = [b["rect"] for b in picture["buttons"]]
        for x, y, w, h in rects:
            assert x >= 0 and y >= 0 and x + w <= width and y + h <= height, name
            assert min(w, h) >= least, name
        assert not [(a, b) for i, a in enumerate(rects) for b in rects[i + 1 :] if _overlap(a, b)]
        assert "help" in {b["name"] for b in picture["buttons"]}, name
        if picture["low"] and name not in TOO_MUCH:
            assert not [b["name"] for b in picture["buttons"] if b["rect"][1] < height / 2 - 1], (
                name
            )


def test_the_buttons_stand_below_what_they_turn(drawn: list[dict[str, Any]]) -> None:
    """A sheet that is too high for its room is drawn over the pager below it."""
    for picture in drawn:
        touched = [(b["name"], b["rect"]) for b in picture["buttons"]]
        for said in (text["rect"] for text in picture["texts"]):
            cut = [n for n, rect in touched if _overlap(said, rect) and not _within(said, rect)]
            assert not cut, picture["name"]


def _within(a: list[int], b: list[int]) -> bool:
    return (
        a[0] >= b[0] - 1
        and a[1] >= b[1] - 1
        and a[0] + a[2] <= b[0] + b[2] + 1
        and a[1] + a[3] <= b[1] + b[3] + 1
    )


def test_there_is_one_main_button_at_most_and_it_is_the_way_that_helps(
    drawn: list[dict[str, Any]],
) -> None:
    main = {p["name"]: [b["name"] for b in p["buttons"] if b["kind"] == "primary"] for p in drawn}
    assert not {name: found for name, found in main.items() if len(found) > 1}
    helps = {
        "refused": "call",
        "full": "call",
        "found_unknown": "again",
        "found": "done",
        "scan": "take",
        "scan_no_camera": "other-way",
        "scan_phone_off": "other-way",
        "pages_flaw": "again-p1",
        "pages_one": "pages-done",
        "papers": "papers-done",
    }
    assert {name: main[name] for name in helps} == {name: [way] for name, way in helps.items()}


def test_nothing_is_agreed_to_or_submitted_before_all_of_it_was_seen(
    drawn: list[dict[str, Any]],
) -> None:
    deeds = {"consent": "agree", "card_filled": "card-on", "review": "submit"}
    names = {p["name"]: {b["name"] for b in p["buttons"]} for p in drawn}
    for name, deed in deeds.items():
        first, last = names[name], names[f"{name}_end"]
        assert deed in last and "next-page" not in last
        assert (deed in first) == ("previous" not in last), "at once where there is one page"
        assert ("next-page" in first) == (deed not in first)
    assert {"submit", "next"} <= names["review_again"], "once seen, it may be sent from any page"
    assert "next-page" in names["review"]


def test_what_a_row_is_stands_and_is_said_before_what_is_in_it(drawn: list[dict[str, Any]]) -> None:
    pictures = [p for p in drawn if p["name"].startswith("review")]
    rows = [b["text"] for p in pictures for b in p["buttons"] if "row-" in b["name"]]
    empty = {"vi": "(bỏ trống)", "en": "(left out)"}[drawn[0]["language"]]
    assert [row for row in rows if empty in row]
    assert all(row.endswith(f"\n{empty}") for row in rows if empty in row)


def test_signs_of_an_address_and_of_a_code_have_keys(drawn: list[dict[str, Any]]) -> None:
    names = {p["name"]: {b["name"] for b in p["buttons"]} for p in drawn}
    assert {"key-@", "key-dot", "key--", "key-_", "done"} <= names["ask_email_4"]
    assert {"key-dot", "key--", "find"} <= names["code"] & names["code_typed"]


def test_what_is_to_be_minded_at_the_end_stands_on_the_first_page(
    drawn: list[dict[str, Any]],
) -> None:
    said = {p["name"]: " ".join(text["text"] for text in p["texts"]) for p in drawn}
    failed, kept, note, receipt = {
        "vi": ("Không in được", "Máy chủ chưa trả lời", "Xin lấy phiếu hồ sơ", "giấy hẹn"),
        "en": ("could not be printed", "has not answered", "take the note", "receipt"),
    }[drawn[0]["language"]]
    assert failed in said["done_kept"] and kept in said["done_kept"]
    assert note in said["done_prepared"] and receipt not in said["done_prepared"]


def test_what_fits_without_a_pager_has_none(drawn: list[dict[str, Any]]) -> None:
    seen = {p["name"]: {b["name"] for b in p["buttons"]} for p in drawn}
    assert {"line-0", "line-1"} <= seen["ask_lines"] and "next" not in seen["ask_lines"]
    (width, height) = drawn[0]["size"]
    if (width, height) == (960, 540):
        assert {f"{purpose.value}-yes" for purpose in PURPOSES} <= seen["consent"]


def test_a_list_longer_than_the_screen_can_be_turned(drawn: list[dict[str, Any]]) -> None:
    shown = [p for p in drawn if p["name"].startswith("ask_province")]
    assert shown
    assert all("next" in [b["name"] for b in p["buttons"]] for p in shown)


def test_what_is_hers_is_not_for_the_loudspeaker(drawn: list[dict[str, Any]]) -> None:
    heard = {picture["name"]: " | ".join(picture["heard"]) for picture in drawn}
    seen = {picture["name"]: picture for picture in drawn}
    rows = [b["text"].split("\n")[-1] for b in seen["review"]["buttons"] if "row-" in b["name"]]
    assert rows and not [words for words in rows if words in heard["review"]]
    asked, cause = {
        "vi": ("Nguyên nhân mất là gì?", "Nguyên nhân"),
        "en": ("What was the cause of death?", "cause"),
    }[drawn[0]["language"]]
    assert "đồng" in str(seen["ask_money_typed"]["texts"])
    assert "hai mươi lăm" not in heard["ask_money_typed"].lower()
    texts = [text["text"] for text in seen["ask_sensitive"]["texts"]]
    assert asked in texts, "what is asked tells already"
    assert cause not in heard["ask_sensitive"]
    typed = {b["name"] for b in seen["ask_sensitive"]["buttons"]}
    assert "key-q" in typed and not _letters(seen["ask_sensitive"]), "what she types would be told"
    assert any(_letters(picture) for picture in drawn), "an ordinary question is typed by ear"


def _letters(picture: dict[str, Any]) -> list[str]:
    """Keys that the loudspeaker names."""
    return [words for words in picture["heard"] if len(words.split(".")[0]) == 1]


def _overlap(a: list[int], b: list[int]) -> bool:
    return (
        a[0] < b[0] + b[2] - 1
        and b[0] < a[0] + a[2] - 1
        and a[1] < b[1] + b[3] - 1
        and b[1] < a[1] + a[3] - 1
    )


def test_both_languages_say_the_same_things() -> None:
    texts = Texts(ROOT / "kiosk" / "filing" / "texts")
    assert texts.keys("vi") == texts.keys("en")


def test_whatever_may_be_the_matter_with_a_page_has_its_words() -> None:
    keys = Texts(ROOT / "kiosk" / "filing" / "texts").keys("vi")
    flaws = {fault.value for fault in Fault} - {Fault.NO_CAMERA.value}
    ways = {way.value for way in Way} - {Way.UPRIGHT.value, Way.UNSURE.value}
    told = flaws | ways | set(HINTS.values()) | {"small", "refused"}
    assert {f"scan.hint.{flaw}" for flaw in told} <= keys


# --- visits ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def centre() -> Iterator[PretendCentre]:
    made = PretendCentre()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, centre: PretendCentre) -> Iterator[Child]:
    folder = tmp_path_factory.mktemp("child")
    settings = KioskSettings(double_strike_ms=0, filing=FilingSettings(answer_seconds=1.0))
    child = Child(folder, centre, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDL_VIDEODRIVER", "offscreen")
        child.start()
        yield child
        child.stop()


def key_on(child: Child) -> str:
    texts = [text["text"] for text in child.do(state=True)["texts"]]
    return next((text for text in texts if re.fullmatch(r"(\w{4}-){3}\w{4}", text)), "")


def fill(child: Child, papers: bool = True) -> None:
    """From the first picture to the review; without `papers` to those."""
    child.touch("begin")
    child.until_shows("consent")
    while "agree" not in child.buttons():
        child.touch("next-page")
    child.touch("agree", "without")
    child.type("042190001234")
    child.touch("next", "option-number_only")
    child.type("an binh")
    child.touch("done")
    child.until_shows("question:requester.born")
    child.type("12051990")
    child.touch("next", "option-female", "skip", "agree")
    child.until_shows("papers")
    if not papers:
        return
    child.touch("papers-done")
    until(lambda: child.says("giấy tờ chưa có"), "the word of missing papers")
    child.touch("papers-done")
    child.until_shows("review")


def test_a_code_for_her_phone_goes_with_her_visit(room: Child, centre: PretendCentre) -> None:
    opened = visit("visit-phon")
    room.open(
        msgspec.structs.replace(
            opened, setup=msgspec.structs.replace(opened.setup, phone_upload=True)
        )
    )
    fill(room, papers=False)
    room.touch("paper-1")
    room.until_shows("paper")
    room.touch("how-phone")
    until(lambda: room.says("Quét mã này bằng điện thoại"), "the code for the phone")
    room.touch("leave")
    room.until_shows("over_leave")
    room.touch("leave-now")
    assert room.over.wait(30)
    until(lambda: centre.gone == ["/api/visits/v1"], "the centre may let go of it")


def test_a_visit_from_start_to_dossier(room: Child, centre: PretendCentre) -> None:
    room.open(visit("visit-one1"))
    fill(room)
    room.touch("submit")
    room.until_shows("done")
    until(lambda: room.says("G22.99.08-261127-0012"), "the dossier's code")
    package = centre.packages[-1]
    assert package.filing.owner_name == "AN BINH"
    assert [p.kind for p in package.filing.papers] == ["form"]
    assert package.files[0].startswith(b"%PDF-")
    (strip,) = until(lambda: [s for s in room.said if isinstance(s, bytes)], "the strip")
    assert strip.startswith(b"\x89PNG")
    room.process.tell(talk.Printed(outcome="confirmed"))
    until(lambda: room.says("lấy giấy hẹn"), "the word that it is printed")
    room.touch("done")
    assert room.over.wait(30) and room.reason == "done"


def test_without_an_answer_she_goes_with_a_number_that_the_centre_learns_later(
    room: Child, centre: PretendCentre
) -> None:
    centre.status = 503
    room.open(visit("visit-two2", "feedback"))
    room.touch("begin", "option-praise", "skip")
    room.type("tot")
    room.touch("done")
    room.until_shows("question:feedback.phone")
    room.touch("skip", "submit")
    room.until_shows("done")
    assert room.says("T-KIOSK-1-")
    key = until(lambda: key_on(room), "the key to follow it by")
    centre.status = 200
    room.outbox.hurry()
    until(lambda: room.says("PA-1"), "the centre's own number, late")
    until(lambda: room.says("phiếu ghi số"), "what she takes home")
    assert not room.says("Thủ tục") and not room.says("giấy hẹn")
    assert shown_key(centre.feedback[-1].key) == key
    assert centre.feedback[-1].words == "Tot" and centre.feedback[-1].kind == "praise"
    room.touch("done")
    assert room.over.wait(30)
    assert room.outbox.waiting() == []


def test_half_a_double_tap_on_the_next_page_submits_nothing(
    room: Child, centre: PretendCentre
) -> None:
    sent = len(centre.packages)
    room.open(msgspec.structs.replace(visit("visit-larg"), access=Access(letters=1.6)))
    fill(room)
    while "submit" not in room.buttons():
        left, top, width, height = room.buttons()["next-page"]["rect"]
        room.do(touch=[left + width // 2, top + height // 2], times=2)
    assert room.screen.startswith("review:") and len(centre.packages) == sent
    room.touch("submit")
    room.until_shows("done")
    room.touch("done")
    assert room.over.wait(30)


def test_leaving_in_the_middle_throws_all_away_after_a_question(room: Child) -> None:
    room.open(visit("visit-thr3"))
    room.touch("begin", "agree", "without")
    room.type("0421")
    room.touch("leave")
    room.until_shows("over_leave")
    room.touch("leave-now")
    assert room.over.wait(30) and room.reason == "left"


def test_a_child_that_dies_in_the_middle_is_said_and_a_new_one_is_there(room: Child) -> None:
    room.open(visit("visit-fou4"))
    child = room.process.child
    assert child is not None
    child.kill()
    assert room.over.wait(30) and room.reason == "crashed"
    until(lambda: room.process.ready, "a new child")


def test_words_and_look_ups(room: Child, centre: PretendCentre) -> None:
    room.open(visit("visit-loo5", "lookup"))
    room.type("g221127")
    room.touch("find")
    until(lambda: room.says("90%"), "how far it is")
    room.touch("help")
    until(lambda: [s for s in room.said if isinstance(s, str)], "the call for help")
    room.process.tell(talk.HelpComes(heard=True))
    until(lambda: room.says("Nhân viên sẽ tới ngay"), "the word that somebody comes")
    room.process.tell(talk.Close())
    assert room.over.wait(30) and room.reason == "closed"
