"""A visitor looks for her procedure at the kiosk: the journey's rules, without a screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from kiosk import finding_reports as f
from kiosk import reports as r
from kiosk.finding import parts, sheets
from kiosk.finding_reports import Drawn, Errand, Part, Sheet
from kiosk.journey import decide
from kiosk.reports import PrinterCondition
from kiosk.visit import State, Step, View, view
from tests.kiosk_pictures import NOW, base, shelf


@pytest.fixture(scope="module")
def ready() -> State:
    """A centre whose civil-status service is called as in the sample catalogue."""
    state = base("vi")
    assert state.setup is not None and state.line is not None
    first, *others = state.setup.services
    services = (msgspec.structs.replace(first, id="ho_tich"), *others)
    setup = msgspec.structs.replace(state.setup, services=services)
    return replace(state, shelf=shelf(), setup=setup)


def after(state: State, *reports: tuple[type, dict[str, Any]] | type) -> tuple[State, list[Any]]:
    """The state after all of them, and every effect on the way."""
    done: list[Any] = []
    for each in reports:
        kind, values = each if isinstance(each, tuple) else (each, {})
        state, effects = decide(state, kind(NOW, **values))
        done += effects
    return state, done


def typed(words: str) -> list[tuple[type, dict[str, Any]]]:
    return [(f.KeyPressed, {"key": key}) for key in words]


ASKED = (f.ErrandAsked, {"language": "vi"})
SEARCHING = (ASKED, (f.ErrandChosen, {"errand": Errand.SEARCH}))


def at_advice(state: State, code: str = "1.001193") -> State:
    state, _ = after(state, *SEARCHING, (f.ProcedureFound, {"code": code}))
    return state


def test_she_types_without_marks_finds_and_takes_a_number_for_it(ready: State) -> None:
    state, _ = after(ready, *SEARCHING, *typed("dang ky khai sinh"))
    assert state.shelf is not None
    assert state.shelf.find(state.query)[0].code == "1.001193"
    state, _ = after(state, (f.ProcedureFound, {"code": "1.001193"}), f.NumberAsked)
    assert (state.service, state.procedure) == ("ho_tich", "1.001193")
    assert state.step is Step.PRIORITY
    back, _ = after(state, r.WentBack)
    assert back.step is Step.ADVICE


def test_typing_goes_round_telex_vni_and_plain(ready: State) -> None:
    state, _ = after(ready, *SEARCHING, *typed("cheets"))
    assert state.query == "Chết"
    state, _ = after(state, f.QueryCleared, f.TypingTurned, *typed("che6t1"))
    assert (state.query, state.typing) == ("Chết", "vni")
    state, _ = after(state, f.QueryCleared, f.TypingTurned, *typed("as"))
    assert (state.query, state.typing) == ("As", "plain")


def test_who_does_not_type_goes_by_fields_and_back_the_same_way(ready: State) -> None:
    state, _ = after(
        ready,
        ASKED,
        (f.ErrandChosen, {"errand": Errand.FIELDS}),
        (f.FieldChosen, {"field": "Hộ tịch"}),
        (f.ProcedureFound, {"code": "1.000894"}),
    )
    assert state.step is Step.ADVICE
    steps = []
    for _ in range(4):
        state, _ = after(state, r.WentBack)
        steps.append(state.step)
    assert steps == [Step.FIELD, Step.FIELDS, Step.ERRAND, Step.WELCOME]


def test_advice_is_there_without_server_and_what_needs_it_is_not_offered(ready: State) -> None:
    cut_off = replace(ready, connected=False, connection_changed=0)
    state, _ = after(cut_off, *SEARCHING, (f.ProcedureFound, {"code": "1.001193"}))
    assert view(state) is View.ADVICE
    state, effects = after(cut_off, ASKED, (f.ErrandChosen, {"errand": Errand.LOOKUP}))
    assert state.step is Step.ERRAND and effects == []


def test_filing_is_offered_only_where_a_form_is_in_force(ready: State) -> None:
    _, effects = after(at_advice(ready), f.FilingAsked)
    assert effects == [f.OpenErrand(Errand.FILE, "vi", "1.001193")]
    _, effects = after(at_advice(ready, "1.000894"), f.FilingAsked)
    assert effects == []


def test_a_procedure_that_nobody_here_does_gives_no_number(ready: State) -> None:
    state, _ = after(at_advice(ready, "1.004746"), f.NumberAsked)
    assert state.step is Step.ADVICE


def test_the_checklist_is_printed_once_until_it_is_out(ready: State) -> None:
    state, effects = after(at_advice(ready), f.ChecklistAsked, f.ChecklistAsked)
    assert effects == [f.PrintChecklist("1.001193", "vi")]
    state, _ = after(state, (f.ChecklistCame, {"code": state.found, "outcome": "confirmed"}))
    assert not state.listing and state.listed == "confirmed"
    other, _ = after(state, f.ChecklistAsked, (f.ChecklistCame, {"code": "x", "outcome": "failed"}))
    assert other.listed == "confirmed"
    dry = replace(at_advice(ready), printer=PrinterCondition.PAPER_OUT)
    assert after(dry, f.ChecklistAsked)[1] == []


def test_each_part_begins_at_its_first_page_and_the_code_goes_away_first(ready: State) -> None:
    state, _ = after(
        at_advice(ready), (r.PageTurned, {"page": 2}), (f.PartShown, {"part": Part.COST})
    )
    assert (state.part, state.page) == (Part.COST, 0)
    state, _ = after(state, (f.KeptOnPhone, {"shown": True}), r.WentBack)
    assert state.step is Step.ADVICE and not state.kept


def test_what_she_typed_is_gone_with_the_visit(ready: State) -> None:
    state, _ = after(ready, *SEARCHING, *typed("ly hon"), r.WentHome)
    assert (state.query, state.found, state.step) == ("", "", Step.WELCOME)


def test_a_new_shelf_without_her_procedure_does_not_leave_her_on_an_empty_page(
    ready: State,
) -> None:
    shelf_now = ready.shelf
    assert shelf_now is not None
    less = replace(shelf_now, summaries={})
    state, _ = after(at_advice(ready), (f.ShelfCame, {"shelf": less}))
    assert state.step is Step.ERRAND


# --- the centre's own guides ----------------------------------------------------------------------

FIRST, SECOND = (
    Sheet("sample", "Tờ khai", "a-1.jpg", 1, 2),
    Sheet("sample", "Tờ khai", "a-2.jpg", 2, 2),
)
FILM = Sheet("film", "Cách khai")
DRAWN = Drawn("a-1.jpg", np.zeros((1, 1, 3), np.uint8))


def guided(*shown: Sheet, code: str = "1.001193") -> tuple[type, dict[str, Any]]:
    return (f.GuidesCame, {"code": code, "sheets": shown})


def opened(drawn: Drawn | None, file: str, code: str = "1.001193") -> tuple[type, dict[str, Any]]:
    return (f.SheetDrawn, {"code": code, "file": file, "drawn": drawn})


SAMPLE = (f.PartShown, {"part": Part.SAMPLE})


def test_guides_are_asked_for_when_the_procedures_page_opens_and_not_before(ready: State) -> None:
    state, effects = after(ready, *SEARCHING, *typed("khai sinh"))
    assert effects == []
    state, effects = after(state, (f.ProcedureFound, {"code": "1.001193"}))
    assert effects == [f.FetchGuides("1.001193")]
    assert Part.SAMPLE not in parts(state)
    assert after(state, SAMPLE)[0].part is Part.PAPERS, "none came, so there is none to see"


def test_guides_are_turned_sheet_by_sheet_and_back_leads_to_the_papers(ready: State) -> None:
    state, effects = after(at_advice(ready), guided(FIRST, SECOND), SAMPLE)
    assert effects == [f.DrawSheet("1.001193", "a-1.jpg")] and state.drawn is None
    state, _ = after(state, opened(DRAWN, "a-1.jpg"))
    assert state.drawn is DRAWN
    state, effects = after(state, (r.PageTurned, {"page": 1}))
    assert effects == [f.DrawSheet("1.001193", "a-2.jpg")] and state.drawn is None
    state, _ = after(state, opened(DRAWN, "a-1.jpg"))
    assert state.drawn is None, "it came too late for its turn"
    state, _ = after(state, r.WentBack)
    assert (state.step, state.part, state.page) == (Step.ADVICE, Part.PAPERS, 0)


def test_more_guides_do_not_take_the_picture_away_that_she_looks_at(ready: State) -> None:
    looking, _ = after(at_advice(ready), guided(FIRST), SAMPLE, opened(DRAWN, "a-1.jpg"))
    state, effects = after(looking, guided(FIRST, SECOND))
    assert state.drawn is DRAWN and effects == []


def test_a_sheet_that_cannot_be_shown_is_left_out_and_the_last_one_leads_back(
    ready: State,
) -> None:
    state, _ = after(at_advice(ready), guided(FIRST, SECOND), SAMPLE)
    state, effects = after(state, opened(None, "a-1.jpg"))
    assert state.guides == (SECOND,) and effects == [f.DrawSheet("1.001193", "a-2.jpg")]
    state, _ = after(state, opened(None, "a-2.jpg"))
    assert (state.step, state.part) == (Step.ADVICE, Part.PAPERS)


def test_a_film_is_offered_only_where_a_phone_can_be_sent_to_it(ready: State) -> None:
    state, _ = after(at_advice(ready), guided(FILM))
    assert Part.SAMPLE not in parts(state)
    assert state.setup is not None
    reached = msgspec.structs.replace(state.setup, public_url="https://x")
    state, effects = after(state, (r.SetupCame, {"setup": reached}), SAMPLE)
    assert sheets(state) == (FILM,) and state.part is Part.SAMPLE and effects == []


def test_guides_of_another_procedure_or_after_the_visit_change_nothing(ready: State) -> None:
    state, _ = after(at_advice(ready), guided(FIRST, code="1.000894"))
    assert state.guides == ()
    looking, _ = after(state, guided(FIRST), SAMPLE, opened(DRAWN, "a-1.jpg"))
    gone, _ = after(looking, r.WentHome)
    assert (gone.guides, gone.drawn, gone.part) == ((), None, Part.PAPERS)
    late, effects = after(gone, guided(FIRST), opened(DRAWN, "a-1.jpg"))
    assert late == gone and effects == []


def test_idle_leads_home_from_a_sample_as_from_everywhere(ready: State) -> None:
    looking, _ = after(at_advice(ready), guided(FIRST), SAMPLE, opened(DRAWN, "a-1.jpg"))
    left = NOW + ready.rules.idle + ready.rules.warn + 1
    state, _ = decide(looking, r.Tick(left))
    assert (state.step, state.guides, state.drawn) == (Step.WELCOME, (), None)
