"""The rules of a visit of self-filing: what is asked, what goes out, what is thrown away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk import access as a
from kiosk.filing import drafts, talk
from kiosk.filing import reports as r
from kiosk.filing.journey import decide
from kiosk.filing.packing import package
from kiosk.filing.papers import phone_code
from kiosk.filing.reports import Consent, How, LookFor, Page
from kiosk.filing.visit import (
    MOST_PAGES,
    Over,
    State,
    Step,
    applicant,
    follow_key,
    is_handed_in,
    is_prepared,
    offers_priority,
    to_give,
    view,
    wanted,
)
from queue_server.dossiers.forms.read import shipped
from queue_server.wire.filing import FeedbackFiled, Filed

from .child_room import small_form
from .filing_pictures import CARD, NOW, opened

SECOND = 1_000
Told = tuple[type[r.Report], dict[str, Any]]


def visit(errand: str = "file", **changes: Any) -> talk.Open:
    given = opened(errand, **changes)
    return msgspec.structs.replace(given, forms=small_form()) if errand == "file" else given


def after(state: State, *reports: Told | type[r.Report]) -> tuple[State, list[Any]]:
    """The state after these touches, and all that was wanted on the way."""
    wanted: list[Any] = []
    for each in reports:
        kind, values = each if isinstance(each, tuple) else (each, {})
        state, effects = decide(state, kind(max(state.now, NOW), **values))
        wanted += effects
    return state, wanted


def begun(errand: str = "file", **changes: Any) -> State:
    return after(State(), (r.Heard, {"message": visit(errand, **changes)}))[0]


def keys(text: str) -> list[Told]:
    return [(r.KeyPressed, {"key": key}) for key in text]


def filling() -> State:
    return after(begun(), r.Began, r.Began, r.CardLeft)[0]


ANSWERS: list[Any] = [
    *keys("042190001234"),
    r.Entered,
    (r.Chosen, {"value": "number_only"}),
    *keys("nguyeenx thij hanhj"),
    r.Entered,
    *keys("12051990"),
    r.Entered,
    (r.Chosen, {"value": "female"}),
    r.Skipped,
    (r.Chosen, {"value": True}),
]


def filled(**changes: Any) -> State:
    """All is answered; the papers are next."""
    state, _ = after(begun(**changes), r.Began, r.Began, r.CardLeft, *ANSWERS)
    assert state.step is Step.PAPERS
    return state


def said(wanted: list[Any], kind: type) -> list[Any]:
    return [e.message for e in wanted if isinstance(e, r.Say) and isinstance(e.message, kind)]


# --- filling --------------------------------------------------------------------------------------


def test_one_question_after_the_other_and_the_answers_are_as_the_form_wants_them() -> None:
    answers = filled().answers
    assert answers["requester.name"] == "NGUYỄN THỊ HẠNH"
    assert answers["requester.born"] == "1990-05-12"
    assert answers["requester.paper"] == {"number": "042190001234", "kind": "number_only"}


def test_back_loses_nothing_and_on_goes_to_what_is_open() -> None:
    state, _ = after(filling(), *ANSWERS[:15], r.WentBack, r.WentBack)
    assert state.at == "requester.paper/number"
    assert state.draft.text == "042190001234"
    state, _ = after(state, r.Entered)
    assert state.at == "requester.name"


def test_a_wrong_answer_stays_at_its_question_with_the_reason() -> None:
    state, _ = after(filling(), *keys("0421"), r.Entered)
    assert state.at == "requester.paper/number"
    assert [p.code for p in state.problems] == ["id_digits"]
    state, _ = after(state, (r.KeyPressed, {"key": "9"}))
    assert state.problems == ()


def test_a_doubt_holds_nobody_up_once_she_has_looked() -> None:
    state, _ = after(filling(), *ANSWERS[:-3], (r.Chosen, {"value": "male"}))
    assert state.at == "requester.sex" and state.pending == "male"
    assert [(p.code, p.blocks) for p in state.problems] == [("id_sex", False)]
    state, _ = after(state, r.Certain)
    assert state.answers["requester.sex"] == "male"


def test_what_must_be_answered_cannot_be_left_out() -> None:
    state, _ = after(filling(), r.Skipped, r.Skipped)
    assert state.at == "requester.paper/kind"


def test_a_row_of_the_review_is_changed_and_leads_back_to_it() -> None:
    state, _ = after(filled(), r.PapersDone, r.PapersDone)
    assert state.step is Step.REVIEW
    state, _ = after(state, (r.RowTouched, {"path": "requester.born"}))
    assert state.at == "requester.born" and state.draft.date == ("12", "05", "1990")
    state, _ = after(state, (r.PartTouched, {"part": 2}), *keys("1950"), r.Entered)
    state, _ = after(state, *([r.Certain] if state.pending is not None else []))
    assert state.step is Step.REVIEW and state.answers["requester.born"] == "1950-05-12"


DATES = [("12051990", "1990-05-12"), ("571990", "1990-07-05"), ("4111999", "1999-11-04")]


@pytest.mark.parametrize(("typed", "date"), DATES)
def test_a_date_is_typed_as_it_is_said(typed: str, date: str) -> None:
    state, _ = after(filling(), *ANSWERS[:14], *keys("nam an"), r.Entered, *keys(typed))
    assert state.question is not None
    assert drafts.value_of(state.question, state.draft) == date


# --- card -----------------------------------------------------------------------------------------


def card() -> State:
    return after(begun(), r.Began, r.Began)[0]


def test_a_card_fills_in_what_the_form_asks_and_nothing_of_it_is_kept_beside() -> None:
    state, _ = after(card(), (r.CodeRead, {"text": CARD}))
    assert state.answers["requester.name"].upper() == "NGUYỄN THỊ HẠNH"
    assert "184012345" not in repr(state) and "Cẩm Bình" not in repr(state)
    state, _ = after(state, r.CardLeft)
    state, _ = after(state, (r.Chosen, {"value": "number_only"}))
    assert state.at == "requester.phone"


def test_a_reader_that_types_gives_numbers_and_dates_only() -> None:
    state, _ = after(card(), (r.CodeRead, {"text": CARD, "typed": True}))
    assert "requester.name" not in state.answers
    assert state.answers["requester.born"] == "1963-05-12"


WRONG = [
    ("042163001234|184012345|Nguyễn", "torn"),
    ("HC4010123456789|4e6775|01/01/1990", "health_card"),
    ("https://vneid.gov.vn/x", "link"),
    ("xin chào", "unknown"),
]


@pytest.mark.parametrize(("code", "fault"), WRONG)
def test_a_wrong_code_gets_a_clear_word_and_fills_in_nothing(code: str, fault: str) -> None:
    state, _ = after(card(), (r.CodeRead, {"text": code}))
    assert state.card_fault == fault and state.answers == {}


def test_a_copy_is_whose_only_the_number_is_asked_of() -> None:
    form = next(x for x in shipped() if x.id == "chung-thuc")
    answers = {"start.kind": "copy", "requester.number": "042190001234"}
    state = replace(filling(), form=form, answers=answers)
    assert applicant(state, "card.number") == "042190001234"


def test_who_is_sixty_is_offered_priority_by_itself() -> None:
    setup = visit().setup
    state, _ = after(card(), (r.CodeRead, {"text": CARD}))
    assert any(g.id == "elderly" for g in setup.priorities)
    assert offers_priority(state)
    young = CARD.replace("12051963", "12051990")
    assert not offers_priority(after(card(), (r.CodeRead, {"text": young}))[0])


def test_the_camera_is_on_only_where_something_is_looked_at() -> None:
    state, wanted = after(begun(), r.Began, r.Began)
    assert [e.what for e in wanted if isinstance(e, r.Watch)] == [LookFor.CODES]
    _, wanted = after(state, r.CardLeft)
    assert [e.what for e in wanted if isinstance(e, r.Watch)] == [LookFor.NOTHING]


# --- consent --------------------------------------------------------------------------------------


def test_silence_is_no_consent() -> None:
    state, _ = after(begun(), r.Began, r.Began)
    assert state.consents == {Consent.USE}


def test_what_the_centre_holds_is_asked_only_with_consent() -> None:
    agreed: Told = (r.ConsentSet, {"purpose": Consent.REUSE, "given": True})
    state, _ = after(begun(), r.Began, agreed, r.Began, r.CardLeft)
    _, wanted = after(state, *ANSWERS)
    assert [e.number for e in wanted if isinstance(e, r.AskHeld)] == ["042190001234"]
    _, wanted = after(filling(), *ANSWERS)
    assert not [e for e in wanted if isinstance(e, r.AskHeld)]


# --- papers ---------------------------------------------------------------------------------------


def scanned() -> State:
    touch: Told = (r.PaperTouched, {"index": 1})
    state, _ = after(filled(), touch, (r.HowChosen, {"how": How.SCAN}))
    assert state.step is Step.SCAN and state.watching is LookFor.PAGES
    return state


def test_pages_are_taken_moved_and_taken_again() -> None:
    state, _ = after(scanned(), (r.PageTaken, {"page": Page("p1")}))
    more: Told = (r.HowChosen, {"how": How.SCAN})
    state, _ = after(state, more, (r.PageTaken, {"page": Page("p2")}))
    state, _ = after(state, (r.PageTouched, {"page": "p2", "wish": "up"}))
    assert [p.id for p in state.given[1].pages] == ["p2", "p1"]
    state, wanted = after(state, (r.PageTouched, {"page": "p2", "wish": "again"}))
    assert state.step is Step.SCAN and r.Forget("p2") in wanted
    state, _ = after(state, (r.PageTaken, {"page": Page("p3")}), r.PagesDone)
    assert state.step is Step.PAPERS
    assert [p.id for p in state.given[1].pages] == ["p1", "p3"]


def test_a_page_that_comes_late_is_thrown_away() -> None:
    _, wanted = after(filled(), (r.PageTaken, {"page": Page("late")}))
    assert r.Forget("late") in wanted


def test_pages_sent_by_phone_come_to_their_own_paper_while_she_looks_at_another() -> None:
    plain = begun()
    assert plain.opened is not None
    reached = msgspec.structs.replace(plain.opened.setup, phone_upload=True)
    state = filled(setup=reached)
    touch: Told = (r.PaperTouched, {"index": 1})
    by_phone: Told = (r.HowChosen, {"how": How.PHONE})
    state, wanted = after(state, touch, by_phone)
    assert r.Watch(LookFor.PHONE) in wanted and phone_code(state) == ""
    state, _ = after(state, (r.PhoneChanged, {"url": "https://mc.example/up/x"}))
    assert phone_code(state) == "https://mc.example/up/x/1"
    state, _ = after(state, (r.PageTaken, {"page": Page("p1"), "paper": 1}))
    assert state.step is Step.PAGES and [p.id for p in state.given[1].pages] == ["p1"]
    state, wanted = after(state, r.PagesDone, (r.PageTaken, {"page": Page("p2"), "paper": 1}))
    assert state.step is Step.PAPERS and [p.id for p in state.given[1].pages] == ["p1", "p2"]
    assert not wanted and state.watching is LookFor.PHONE
    _, wanted = after(state, (r.PageTaken, {"page": Page("p3"), "paper": 0}))
    assert wanted == [r.Forget("p3")]
    state, wanted = after(state, r.PapersDone, r.PapersDone)
    assert state.step is Step.REVIEW and r.Watch(LookFor.NOTHING) in wanted
    cut_off = filled(setup=reached, online=False)
    state, _ = after(cut_off, touch, by_phone)
    assert state.step is Step.PAPER


def flat() -> State:
    touch: Told = (r.PaperTouched, {"index": 1})
    return after(filled(), touch, (r.HowChosen, {"how": How.FLAT}))[0]


def test_a_scanner_is_looked_at_as_long_as_its_paper_is_and_all_its_pages_stay() -> None:
    assert flat().watching is LookFor.FILES, "and not the camera"
    pages: list[Any] = [(r.PageTaken, {"page": Page(f"p{n}")}) for n in range(MOST_PAGES + 1)]
    state, wanted = after(flat(), *pages[:3])
    assert [p.id for p in state.given[1].pages] == ["p0", "p1", "p2"]
    assert state.step is Step.PAGES and state.watching is LookFor.FILES and not wanted
    state, wanted = after(state, (r.HowChosen, {"how": How.FLAT}), *pages[3:])
    assert len(state.given[1].pages) == MOST_PAGES and wanted == [r.Forget(f"p{MOST_PAGES}")]
    assert after(state, r.PagesDone)[0].watching is LookFor.NOTHING


def test_a_file_that_is_refused_is_said_until_a_page_comes() -> None:
    state, _ = after(flat(), (r.HintCame, {"hint": "small"}))
    assert state.hint == "small"
    assert after(state, (r.PageTaken, {"page": Page("p")}))[0].hint == ""


def test_the_sheet_that_lies_there_is_taken_once_more_only_if_she_wants_it_again() -> None:
    state, _ = after(scanned(), (r.PageTaken, {"page": Page("p1")}))
    _, wanted = after(state, (r.PageTouched, {"page": "p1", "wish": "again"}))
    assert [type(each) for each in wanted] == [r.Forget, r.Retake, r.Watch]
    _, wanted = after(state, (r.HowChosen, {"how": How.SCAN}))
    assert [type(each) for each in wanted] == [r.Watch]


def test_a_camera_that_is_pulled_out_leaves_the_other_ways() -> None:
    state, _ = after(scanned(), (r.CameraChanged, {"works": False}), r.WentBack)
    assert state.step is Step.PAPER and not state.camera


def test_of_missing_papers_she_is_told_once() -> None:
    state, _ = after(filled(), r.PapersDone)
    assert state.step is Step.PAPERS and state.warned
    assert after(state, r.PapersDone)[0].step is Step.REVIEW


def test_a_paper_that_she_brings_makes_it_a_preparation() -> None:
    touch: Told = (r.PaperTouched, {"index": 1})
    assert not is_prepared(filled())
    state, _ = after(filled(), touch, (r.HowChosen, {"how": How.SHOW}))
    assert is_prepared(state)


def test_one_sheet_is_filled_in_here_and_others_so_called_are_papers_to_give() -> None:
    insured = replace(begun(), opened=opened(code="2.000986"))
    names = [paper.name for paper in to_give(insured)]
    assert any("bảo hiểm y tế" in name for name in names)
    assert [paper.own for paper in wanted(insured)].count(True) == 1


def test_a_receipt_lists_only_what_is_handed_in() -> None:
    touch: Told = (r.PaperTouched, {"index": 1})
    (paper,) = [p for p in to_give(filled()) if p.index == 1]
    for how, handed in ((How.SCAN, False), (How.NONE, False), (How.SHOW, True)):
        state, _ = after(filled(), touch, (r.HowChosen, {"how": how}))
        assert is_handed_in(state, paper) is handed
    state, _ = after(scanned(), (r.PageTaken, {"page": Page("p1")}))
    assert is_handed_in(state, paper)


# --- the end --------------------------------------------------------------------------------------


def sent() -> State:
    state, wanted = after(filled(), r.PapersDone, r.PapersDone, r.FilingWanted, r.FilingWanted)
    assert len(said(wanted, talk.WantsNumber)) == 1
    number = talk.Numbered(provisional="T-K1-000007")
    state, wanted = after(state, (r.Heard, {"message": number}))
    assert [e.provisional for e in wanted if isinstance(e, r.Pack)] == ["T-K1-000007"]
    state, wanted = after(state, (r.Packed, {"id": "visit-0001", "path": "/x"}))
    assert [m.id for m in said(wanted, talk.Submit)] == ["visit-0001"]
    return state


FILED = Filed(dossier="d1", received_at=NOW, code="G22.99.08-261127-0012")


def test_it_is_filed_once_and_what_she_takes_home_is_printed() -> None:
    answer = talk.Submitted(id="visit-0001", filed=FILED)
    state, wanted = after(sent(), (r.Heard, {"message": answer}))
    assert state.step is Step.DONE and state.filed == FILED
    assert sum(isinstance(e, r.DrawStrip) for e in wanted) == 1


def test_without_an_answer_she_has_the_provisional_number_and_a_late_answer_still_counts() -> None:
    kept = talk.Kept(id="visit-0001", provisional="T-K1-000007")
    state, _ = after(sent(), (r.Heard, {"message": kept}))
    assert state.step is Step.DONE and state.kept and state.provisional == "T-K1-000007"
    late = talk.Submitted(id="visit-0001", filed=FILED)
    state, _ = after(state, (r.Heard, {"message": late}))
    assert not state.kept and state.filed == FILED


def test_another_visits_answer_is_nobodys() -> None:
    other = talk.Submitted(id="visit-9999", filed=FILED)
    assert after(sent(), (r.Heard, {"message": other}))[0].step is Step.SENDING


@pytest.mark.parametrize("why", ["disk", "large", "error"])
def test_what_cannot_be_kept_is_refused_at_once_and_nothing_is_lost(why: str) -> None:
    state, _ = after(filled(), r.PapersDone, r.PapersDone, r.FilingWanted)
    state, _ = after(state, (r.NotPacked, {"why": why}))
    assert state.step is Step.FULL and state.answers == filled().answers
    assert after(state, r.FilingWanted)[0].step is Step.SENDING


def test_a_refusal_leaves_all_that_she_did() -> None:
    refused = talk.Refused(id="visit-0001", code="form_not_checked", vi="Chưa.")
    state, _ = after(sent(), (r.Heard, {"message": refused}))
    assert state.step is Step.REFUSED and state.answers
    assert after(state, r.WentBack)[0].step is Step.REVIEW


def test_a_number_for_what_was_prepared_names_the_dossier_and_her_priority() -> None:
    answer = talk.Submitted(id="visit-0001", filed=FILED)
    state, _ = after(sent(), (r.Heard, {"message": answer}))
    old = replace(state, answers={**state.answers, "requester.born": "1950-01-01"})
    _, wanted = after(old, r.TicketWanted)
    (want,) = said(wanted, talk.WantsTicket)
    assert (want.service, want.dossier_code, want.priority) == ("civil", "d1", "elderly")
    assert r.End("ticket") in wanted
    _, wanted = after(old, (r.PriorityTouched, {"wanted": False}), r.TicketWanted)
    assert said(wanted, talk.WantsTicket)[0].priority is None


def test_the_package_holds_form_papers_and_person() -> None:
    state = replace(sent(), consents=frozenset({Consent.USE, Consent.KEEP}))
    state, _ = after(state)
    done = package(state, b"%PDF- form", lambda pages, paper: b"%PDF- paper", NOW)
    filing = done.filing
    assert (filing.owner_name, filing.owner_number) == ("NGUYỄN THỊ HẠNH", "042190001234")
    assert filing.consents == ("keep", "use") and filing.provisional == "T-K1-000007"
    assert [(p.kind, p.component) for p in filing.papers] == [("form", 0)]
    assert done.files == (b"%PDF- form",)


# --- the other errands ----------------------------------------------------------------------------


def test_words_are_left_like_a_form_and_come_with_a_number() -> None:
    state, _ = after(begun("feedback"), r.Began, (r.Chosen, {"value": "praise"}), r.Skipped)
    state, _ = after(state, *keys("cam on"), r.Entered, r.Skipped)
    assert state.step is Step.REVIEW
    state, _ = after(state, r.FilingWanted)
    number = talk.Numbered(provisional="T-K1-000008")
    state, _ = after(state, (r.Heard, {"message": number}))
    packed = {"id": "visit-0001", "path": "/x", "key": "0123456789ABCDEF"}
    state, wanted = after(state, (r.Packed, packed))
    assert said(wanted, talk.Submit)[0].kind == "feedback"
    kept = talk.Kept(id="visit-0001", provisional="T-K1-000008")
    shown = follow_key(after(state, (r.Heard, {"message": kept}))[0])
    assert shown == "0123-4567-89AB-CDEF", "without it the number opens nothing"
    filed = FeedbackFiled(number="PA-1", received_at=NOW)
    told = talk.FeedbackKept(id="visit-0001", filed=filed)
    assert after(state, (r.Heard, {"message": told}))[0].feedback == filed


def test_a_code_is_looked_up_as_it_is_typed_or_read_from_the_receipt() -> None:
    state, wanted = after(begun("lookup"), *keys("g22.99-12"), r.LookedFor)
    assert r.LookUp("G22.99-12") in wanted and state.step is Step.LOOKING
    address = "https://x.vn/lookup?code=G22.99-12"
    _, wanted = after(begun("lookup"), (r.CodeRead, {"text": address}))
    assert r.LookUp("G22.99-12") in wanted
    state, wanted = after(begun("lookup"), (r.CodeRead, {"text": CARD}))
    assert state.card_fault == "code" and not [e for e in wanted if isinstance(e, r.LookUp)]


# --- leaving --------------------------------------------------------------------------------------


def test_nothing_is_thrown_away_without_a_question() -> None:
    state, wanted = after(filled(), r.LeaveAsked)
    assert view(state) is Over.LEAVE and not [e for e in wanted if isinstance(e, r.End)]
    assert view(after(state, r.Stayed)[0]) is Step.PAPERS
    assert r.End("left") in after(state, r.Left)[1]
    assert r.End("left") in after(begun(), r.LeaveAsked)[1]


def test_idle_asks_first_and_then_ends_the_visit() -> None:
    state = filled()
    asked, _ = decide(state, r.Tick(NOW + 130 * SECOND))
    assert view(asked) is Over.IDLE
    _, effects = decide(asked, r.Tick(NOW + 181 * SECOND))
    assert effects == (r.End("idle"),)
    more, _ = decide(asked, a.MoreTimeAsked(NOW + 131 * SECOND))
    assert decide(more, r.Tick(NOW + 181 * SECOND))[1] == ()


@st.composite
def walks(draw: st.DrawFn) -> list[Told | type[r.Report]]:
    touches: list[Any] = [
        *ANSWERS,
        r.Began,
        r.CardLeft,
        r.WentBack,
        r.PapersDone,
        r.FilingWanted,
        r.Stayed,
        r.LeaveAsked,
        (r.CodeRead, {"text": CARD}),
        (r.PaperTouched, {"index": 1}),
        (r.HowChosen, {"how": How.SCAN}),
        (r.PageTaken, {"page": Page("p")}),
        (r.Heard, {"message": talk.Numbered(provisional="T-1")}),
        (r.Packed, {"id": "visit-0001", "path": "/x"}),
        (r.Heard, {"message": talk.Submitted(id="visit-0001", filed=FILED)}),
    ]
    return draw(st.lists(st.sampled_from(touches), max_size=40))


@given(walks())
@settings(max_examples=60, deadline=None)
def test_from_everywhere_time_alone_ends_the_visit(story: list[Any]) -> None:
    state, _ = after(begun(), *story)
    if state.step is not Step.SENDING:
        assert r.End("idle") in decide(state, r.Tick(NOW + 10**7))[1]


@given(walks())
@settings(max_examples=60, deadline=None)
def test_a_package_is_made_once_for_each_number_and_never_with_open_questions(
    story: list[Any],
) -> None:
    state = begun()
    for each in story:
        before = state
        state, wanted = after(state, each)
        if any(isinstance(e, r.Pack) for e in wanted):
            assert before.step in (Step.SENDING, Step.REVIEW, Step.FULL, Step.REFUSED)
            assert all(q.value is not None for q in state.asked)
