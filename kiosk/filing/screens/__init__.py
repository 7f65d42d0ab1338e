"""The pictures of self-filing: each draws a state and reports touches; `draw` picks the right one."""

from __future__ import annotations

from collections.abc import Callable

from kivy.uix.widget import Widget

from kiosk.filing.visit import Over, Step, view

from . import beginning, ending, notices, papers, question
from .scene import Scene

_PICTURES: dict[Step | Over, Callable[[Scene], Widget]] = {
    Over.HELP: notices.helping,
    Over.IDLE: notices.idle,
    Over.LEAVE: notices.leave,
    Over.ACCESS: notices.access,
    Step.FORMS: beginning.forms_to_choose,
    Step.START: beginning.start,
    Step.CONSENT: beginning.consent,
    Step.CARD: beginning.card,
    Step.QUESTION: question.question,
    Step.PAPERS: papers.papers,
    Step.PAPER: papers.paper,
    Step.SCAN: papers.scan,
    Step.PAGES: papers.pages,
    Step.REVIEW: ending.review,
    Step.SENDING: ending.sending,
    Step.DONE: ending.done,
    Step.REFUSED: ending.refused,
    Step.FULL: ending.full,
    Step.CODE: ending.code,
    Step.LOOKING: ending.looking,
    Step.FOUND: ending.found,
}


def draw(scene: Scene) -> Widget:
    return _PICTURES[view(scene.state)](scene)
