"""A visit goes from the kiosk into its child and back, with a number or without."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk import errand_rules as e
from kiosk import finding_reports as f
from kiosk import reports as r
from kiosk.access import Access
from kiosk.filing import parent
from kiosk.filing.main import REMOTE
from kiosk.filing.packing import write_draft
from kiosk.finding_reports import Errand
from kiosk.journey import decide
from kiosk.outbox import Outbox
from kiosk.touch.window import WindowSettings
from kiosk.visit import State, Step, View, view

from .child_room import Finger, credentials
from .filing_visit import visit
from .kiosk_pictures import NOW, base
from .kiosk_room import Broker, KioskProcess, PretendServer, until


def opening() -> State:
    state = replace(base("en"), step=Step.ERRAND, access=Access(letters=1.25))
    state, effects = decide(state, f.ErrandChosen(NOW, errand=Errand.FEEDBACK))
    assert effects == (f.OpenErrand(Errand.FEEDBACK, "en"),)
    return state


def test_while_the_child_has_the_screen_the_kiosk_does_not_go_home_by_itself() -> None:
    state, effects = decide(opening(), r.Tick(NOW + 10**7))
    assert view(state) is View.OPENING and effects == ()


def test_a_visit_that_is_over_leaves_the_first_screen_as_a_new_visitor_finds_it() -> None:
    state, _ = decide(opening(), e.ErrandEnded(NOW, reason="done"))
    assert state.step is Step.WELCOME and state.language == "vi" and state.access == Access()


def test_a_child_that_died_is_said_in_her_language() -> None:
    state, _ = decide(opening(), e.ErrandEnded(NOW, reason="crashed"))
    assert view(state) is View.LOST and state.language == "en"
    assert decide(state, r.WentHome(NOW))[0].step is Step.WELCOME


def test_what_was_prepared_gets_a_number_that_knows_it() -> None:
    want = e.TicketWanted(
        NOW, ask="a", service="civil", procedure="1.001193", priority="elderly",
        prepared=True, copies=3, dossier="d1", language="en",
    )  # fmt: skip
    state, effects = decide(opening(), want)
    assert state.step is Step.WAITING and state.language == "en"
    (asked,) = [x.message for x in effects if isinstance(x, r.AskTicket)]
    assert (asked.prepared, asked.copies, asked.dossier_code) == (True, 3, "d1")
    assert (asked.service, asked.procedure, asked.priority) == ("civil", "1.001193", "elderly")
    late, _ = decide(state, e.ErrandEnded(NOW, reason="ticket", access=Access(contrast=True)))
    assert late.step is Step.WAITING and late.access.contrast, "as she wished it in the child"


def test_a_number_is_taken_though_the_panel_was_open_when_the_child_came() -> None:
    state = opening()
    state = replace(state, access=replace(state.access, open=True))
    want = e.TicketWanted(NOW, ask="a", service="civil", prepared=True)
    state, effects = decide(state, want)
    assert view(state) is View.WAITING and any(isinstance(x, r.AskTicket) for x in effects)


@pytest.mark.parametrize("reason", ["done", "crashed", "ticket"])
def test_headphones_pulled_out_in_the_child_are_out_for_the_next_visitor(reason: str) -> None:
    state = replace(opening(), headphones=True)
    assert not decide(state, e.ErrandEnded(NOW, reason=reason))[0].headphones
    inside = e.ErrandEnded(NOW, reason=reason, headphones=True)
    assert decide(state, inside)[0].headphones


# --- a child that is not there --------------------------------------------------------------------


PROGRAMS = {"cannot start": None, "dies": "exit 1", "hangs": "exec sleep 60"}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_child_that_never_gets_ready_gives_the_screen_back(
    program: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    if program is not None:
        python.write_text(f"#!/bin/sh\n{program}\n")
        python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(parent, "READY_WITHIN_S", 0.2)
    monkeypatch.setattr(parent, "RESTART_AFTER_S", 0.05)
    outbox = Outbox(tmp_path / "outbox", credentials(1), least_free=0)
    process = parent.FilingProcess(WindowSettings(1080, 1920, False), tmp_path, outbox)
    over: list[str] = []
    process.events.ended = lambda told: over.append(told.reason)
    process.open(visit("visit-0001"))
    until(lambda: over, "the word that it is over")
    assert over == ["crashed"] and not process.open_now
    process.stop()


def test_what_a_child_left_unsent_goes_with_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, credentials(1), least_free=0)
    process = parent.FilingProcess(WindowSettings(1080, 1920, False), tmp_path, outbox)
    process.warm = lambda: None  # type: ignore[method-assign]
    process.open(visit("visit-0001"))
    write_draft(tmp_path, "visit-0001", b"sealed")
    process._over(parent.CRASHED)
    assert not list(tmp_path.glob("*.draft"))


# --- the real two ---------------------------------------------------------------------------------


@pytest.fixture
def kiosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KioskProcess]:
    monkeypatch.setenv(REMOTE, str(tmp_path / "child"))
    broker = Broker(tmp_path)
    broker.start()
    server = PretendServer(broker.port)
    server.start()
    kiosk = KioskProcess(tmp_path, broker.port, server.web)
    kiosk.start()
    yield kiosk
    kiosk.stop()
    server.stop()
    broker.stop()


def test_a_visitor_reaches_the_child_and_comes_back_even_if_it_dies(
    kiosk: KioskProcess, tmp_path: Path
) -> None:
    child = Finger(tmp_path / "child")
    kiosk.go("more-vi", "errand-feedback")
    until((tmp_path / "child").exists, "the child")
    until(lambda: child.screen == "start", "its first picture")
    assert child.says("Phản ánh")
    child.touch("leave")
    kiosk.until_shows("welcome")
    kiosk.go("more-vi", "errand-feedback")
    until(lambda: kiosk.do(state=True)["screen"] == "opening", "the word that it opens")
    until(lambda: _is_open(child), "the next child")
    os.kill(_child_of(kiosk), 9)
    kiosk.until_shows("lost")
    assert kiosk.says("chưa được nộp")


def _is_open(child: Finger) -> bool:
    try:
        return child.screen == "start"
    except OSError:
        return False


def _child_of(kiosk: KioskProcess) -> int:
    assert kiosk._process is not None
    tasks = Path(f"/proc/{kiosk._process.pid}/task")
    found = [
        int(child)
        for task in tasks.iterdir()
        for child in (task / "children").read_text().split()
        if "kiosk.filing.main" in Path(f"/proc/{child}/cmdline").read_text()
    ]
    return found[0]
