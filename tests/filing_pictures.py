"""Draws the pictures of self-filing without a server: for the tests, and for looking at.

python -m tests.filing_pictures SIZE FOLDER [LANGUAGE] [LOOK]     (LOOK: see tests/looks.py)

Saves FOLDER/<name>.png (`-`: no pictures) and prints what `touch.remote.describe` says of each.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from kiosk.access import Access
from kiosk.filing import reports as r
from kiosk.filing import talk
from kiosk.filing.journey import decide
from kiosk.filing.reports import How, Page
from kiosk.filing.visit import Given, Help, State, Step
from kiosk.touch.window import WindowSettings, parse_size, prepare_kivy
from queue_server.dossiers.catalogue import Procedure, own_record
from queue_server.dossiers.forms.offered import FormsOffered, offered
from queue_server.dossiers.forms.read import shipped
from queue_server.wire.filing import FeedbackFiled, Filed
from queue_server.wire.messages import Refusal

from .kiosk_pictures import NOW, setup
from .looks import access_of

SAMPLE = Path(__file__).parent.parent / "deploy" / "procedures.sample.toml"
CARD = "042163001234|184012345|Nguyễn Thị Hạnh|12051963|Nữ|Thôn 3, Cẩm Bình, Hà Tĩnh|20092024"


def record(code: str) -> Procedure:
    raw = tomllib.loads(SAMPLE.read_text())["procedure"]
    found = own_record(next(p for p in raw if p["code"] == code))
    assert isinstance(found, Procedure)
    return found


def forms_of(code: str) -> FormsOffered:
    found = [form for form in shipped() if code in form.procedures]
    return offered(found, [], {}, True)


def opened(errand: str = "file", code: str = "1.001193", **changes: Any) -> talk.Open:
    wants_form = errand == "file"
    visit = talk.Open(
        visit="visit-0001",
        errand=errand,
        setup=setup(),
        record=record(code) if wants_form else None,
        service="civil" if wants_form else "",
        forms=forms_of(code) if wants_form else FormsOffered(version=""),
        devices=talk.Devices(camera="film:", scan_folder="/scans", printer=True),
    )
    return msgspec.structs.replace(visit, **changes)


def after(state: State, *reports: tuple[type[r.Report], dict[str, Any]]) -> State:
    for kind, values in reports:
        state, _ = decide(state, kind(NOW, **values))
    return state


def begun(visit: talk.Open, language: str) -> State:
    visit = msgspec.structs.replace(visit, language=language)
    return after(State(), (r.Heard, {"message": visit}))


def at_question(state: State, path: str) -> State:
    """The question with this path, or what ends so, on the screen."""
    from kiosk.filing.filling import _put

    found = next(q for q in state.asked if q.path == path)
    return _put(state, found)


def at_end(state: State) -> State:
    """Turned to the last page."""
    return replace(state, pages={state.step: 99}, turned={state.step: 99})


def visits(language: str) -> Iterator[tuple[str, State]]:
    """Every picture by name, in the order of a visit."""
    birth = begun(opened(), language)
    yield "start", birth
    wedding = begun(opened(code="1.000894"), language)
    yield "start_presence", wedding
    asked = after(birth, (r.Began, {}))
    yield "consent", asked
    yield "consent_given", replace(asked, consents=frozenset({r.Consent.REUSE}))
    yield "consent_end", at_end(asked)
    card = after(asked, (r.Began, {}))
    yield "card", card
    yield "card_no_camera", replace(card, camera=False)
    wrong = after(card, (r.CodeRead, {"text": "HC4010123456789|4e67|01/01/1990"}))
    yield "card_wrong", wrong
    filled = after(card, (r.CodeRead, {"text": CARD}))
    yield "card_filled", filled
    yield "card_filled_end", at_end(filled)
    state = after(filled, (r.CardLeft, {}))
    yield "question_1", state
    yield from questions(birth, language)
    yield "ask_sensitive", sensitive(birth)
    yield from paper_pictures(birth)
    yield from ends(filled, language)
    help_ = replace(state, help=Help.COMING)
    yield "help", help_
    yield "leave", replace(state, leaving=True)
    yield "idle", replace(state, touched=NOW - 140_000)
    yield "access", replace(state, access=replace(state.access, open=True))
    yield from others(language)


KINDS = (
    "id_number",
    "name",
    "date",
    "choice",
    "province",
    "money",
    "yes_no",
    "int",
    "phone",
    "more",
)


def questions(birth: State, language: str) -> Iterator[tuple[str, State]]:
    """One of each way to answer, out of the shipped forms."""
    seen: set[tuple[str, int]] = set()
    for code in sorted({c for form in shipped() for c in form.procedures}):
        for form in shipped():
            if code not in form.procedures:
                continue
            from kiosk.filing.filling import with_form

            state = replace(with_form(replace(birth, access=Access()), form), step=Step.QUESTION)
            for question in state.asked:
                key = (question.kind.value, 8 if len(question.options) > 4 else 4)
                if key in seen:
                    continue
                seen.add(key)
                put = at_question(state, question.path)
                yield f"ask_{question.kind.value}_{key[1]}", put
                if question.kind.value == "id_number":
                    yield "ask_wrong", after(put, (r.KeyPressed, {"key": "4"}), (r.Entered, {}))
                if question.kind.value == "name":
                    typed = [(r.KeyPressed, {"key": key}) for key in "nguyeenx thij hanhj"]
                    yield "ask_typed", after(put, *typed)
                if question.kind.value == "province":
                    path = question.path
                    inside = after(put, (r.Chosen, {"value": "42"}))
                    commune = path.replace("province", "commune")
                    if any(q.path == commune for q in inside.asked):
                        yield (
                            "ask_commune",
                            after(at_question(inside, commune), (r.KeyPressed, {"key": "c"})),
                        )
                if question.kind.value == "date":
                    yield (
                        "ask_date_typed",
                        after(put, *((r.KeyPressed, {"key": key}) for key in "1205")),
                    )
                if question.kind.value == "money":
                    yield "ask_money_typed", after(put, *((r.KeyPressed, {"key": k}) for k in "25"))
                if question.kind.value == "more":
                    yield "ask_lines", _lines(put)


def sensitive(birth: State) -> State:
    """A question about health or the like."""
    from kiosk.filing.filling import with_form

    for form in shipped():
        state = replace(with_form(birth, form), step=Step.QUESTION)
        found = next((q for q in state.asked if q.sensitive), None)
        if found is not None:
            return at_question(state, found.path)
    raise AssertionError("no shipped form asks for such a thing")


def _lines(put: State) -> State:
    """Two lines are there already."""
    from kiosk.filing.filling import _put, _with_answers

    question = put.question
    assert question is not None
    lines = [{"name": "NGUYỄN VĂN AN"}, {"name": "NGUYỄN THỊ BÌNH"}]
    state = _with_answers(put, {**put.answers, question.list_path: lines})
    more = next(q for q in state.asked if q.path == question.path)
    return _put(state, more)


def paper_pictures(birth: State) -> Iterator[tuple[str, State]]:
    papers = replace(birth, step=Step.PAPERS)
    yield "papers", papers
    some = replace(papers, given={1: Given(How.SCAN, (Page("p1"), Page("p2")))})
    yield "papers_some", some
    yield "papers_missing", replace(papers, warned=True)
    held = (r.HeldPaper(ref="x", component=1, at=NOW - 9_000_000_000),)
    yield "paper", replace(papers, step=Step.PAPER, paper=1, held=held)
    yield "paper_to_show", replace(papers, step=Step.PAPER, paper=2)
    scan = replace(some, step=Step.SCAN, paper=1, given={1: Given(How.SCAN)})
    yield "scan", scan
    yield "scan_no_camera", replace(scan, camera=False)
    yield "pages", replace(some, step=Step.PAGES, paper=1)
    one = {1: Given(How.SCAN, (Page("p1"),))}
    flat = replace(scan, given={1: Given(How.FLAT)})
    yield "scan_flat", flat
    sent = replace(scan, given={1: Given(How.PHONE)})
    yield "scan_phone", replace(sent, phone="https://motcua.example/up/0123456789abcdefghijklmn")
    yield "scan_phone_off", replace(sent, phone="")
    yield "scan_flat_refused", replace(flat, hint="refused")
    flawed = {1: Given(How.SCAN, (Page("p1", ("glare",)),))}
    yield "pages_flaw", replace(some, step=Step.PAGES, paper=1, given=flawed)
    yield "pages_one", replace(some, step=Step.PAGES, paper=1, given=one)


def ends(filled: State, language: str) -> Iterator[tuple[str, State]]:
    review = replace(filled, step=Step.REVIEW, filled=())
    yield "review", review
    yield "review_end", at_end(review)
    yield "review_again", replace(at_end(review), pages={})
    yield "sending", replace(review, step=Step.SENDING)
    due = NOW + 90_000_000
    filed = Filed(
        dossier="d1",
        received_at=NOW,
        code="G22.99.08-261127-0012",
        due_at=due,
        due_text="16:00 27/11/2026",
        place=7,
        papers=2,
        sample=True,
    )
    done = replace(
        review, step=Step.DONE, filed=filed, strip="confirmed", provisional="T-K1-000012"
    )
    yield "done", done
    yield "done_kept", replace(done, filed=None, kept=True, strip="failed")
    shown = {3: Given(How.SHOW)}
    prepared = msgspec.structs.replace(
        filed, code="", due_at=None, due_text="", place=0, prepared=True
    )
    yield "done_prepared", replace(done, filed=prepared, given=shown)
    refusal = Refusal(
        code="form_not_checked",
        vi="Mẫu đơn này chưa được trung tâm đối chiếu nên chưa nộp được ở đây.",
        en="This form is not yet checked by the centre and cannot be filed here.",
    )
    said = talk.Refused(id="v", code=refusal.code, vi=refusal.vi, en=refusal.en)
    yield "refused", replace(review, step=Step.REFUSED, refusal=said)
    yield "full", replace(review, step=Step.FULL, fault="disk")


def others(language: str) -> Iterator[tuple[str, State]]:
    words = begun(opened("feedback"), language)
    yield "feedback", words
    yield "feedback_kind", after(words, (r.Began, {}))
    number = FeedbackFiled(number="PA-261127-0003", received_at=NOW, answer_by=NOW + 1_300_000_000)
    number = msgspec.structs.replace(number, key="0123456789ABCDEF")
    yield "feedback_done", replace(words, step=Step.DONE, feedback=number, strip="confirmed")
    lookup = begun(opened("lookup"), language)
    yield "code", lookup
    yield (
        "code_typed",
        replace(lookup, camera=False, draft=replace(lookup.draft, text="G22.99.08-261127-0012")),
    )
    body = b'{"code":"G22.99.08-261127-0012","state":"processing","completion":50}'
    found = talk.Answered(id="lookup", status=200, body=body)
    yield "found", replace(lookup, step=Step.FOUND, looked_up=found)
    unknown = talk.Answered(id="lookup", status=200, body=b'{"code":"X","state":"unknown"}')
    typed = replace(lookup.draft, text="G22.99.08-261127-0021")
    yield "found_unknown", replace(lookup, step=Step.FOUND, looked_up=unknown, draft=typed)


def run(size: str, folder: Path | None, language: str, way: str, only: str = "") -> None:
    width, height = parse_size(size)
    window = WindowSettings(width, height, False, 344.0 if height > width else 598.0)
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    prepare_kivy(window, Path(tempfile.mkdtemp()) / "kivy")
    from kivy.config import Config

    Config.set("graphics", "maxfps", "0")
    from kivy.clock import Clock

    from kiosk.filing.eye import Eye
    from kiosk.filing.screens import draw
    from kiosk.filing.screens.scene import Scene, own_look
    from kiosk.filing.visit import view
    from kiosk.filing.words import Words
    from kiosk.touch.remote import describe
    from kiosk.touch.screen_app import ScreenApp
    from kiosk.touch.style import CALM, HIGH_CONTRAST

    words, eye = Words(), Eye(lambda *_, **__: None)

    class Gallery(ScreenApp):
        """Shows a picture, looks at it two frames later, and goes on."""

        def on_start(self) -> None:
            access = access_of(way)
            self.palette = HIGH_CONTRAST if access.contrast else CALM
            self.letters, self.low = access.letters, access.low
            self.rest = ((n, s) for n, s in visits(language) if only in n)
            Clock.schedule_once(lambda _: self.next(), 0.1)

        def next(self) -> None:
            found = next(self.rest, None)
            if found is None:
                self.stop()
                return
            name, state = found
            state = replace(state, access=replace(access_of(way), open=state.access.open))
            scene = Scene(
                state, own_look(self.look), words, lambda *_, **__: None, "07:25", {}, eye
            )
            self.show(view(state).value, draw(scene))
            Clock.schedule_once(lambda _: Clock.schedule_once(lambda _: self.keep(name), 0), 0)

        def keep(self, name: str) -> None:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                self.screenshot(folder / f"{name}.png")
            heard = [item.words for item in self.assist.items() if not item.private]
            print(json.dumps({"name": name, "heard": heard, **describe(self)}), flush=True)
            self.next()

    Gallery(window).run()


if __name__ == "__main__":
    given = [*sys.argv[1:], *["vi", "usual", ""][len(sys.argv) - 3 :]]
    run(given[0], None if given[1] == "-" else Path(given[1]), given[2], given[3], given[4])
