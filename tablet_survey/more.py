"""The questions of a survey, one a screen: options, faces or words, and the ways on, back and out."""

from __future__ import annotations

from collections.abc import Sequence

from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk.touch.spoken import part_of_frame
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import Column, Row, Space, alike
from queue_server.wire.surveys import Kind, Option, Question

from . import journey as j
from .journey import State
from .parts import (
    SCORES,
    SIDE,
    Chip,
    FaceChoice,
    Picture,
    Scene,
    TimeBar,
    fixed,
    go_back,
    go_on,
    mark_face,
    send,
    tall,
    top,
    write,
)

MOST_ABREAST = 4
"""So many options stand side by side on a lying screen; more stand in two columns."""
MOST_OF_TITLE = 0.3
"""No question takes more of the screen's height."""


class MorePicture(Picture):
    """One question. What was chosen stays marked, and may be changed by going back."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look, state = scene.look, scene.state
        question = state.question
        assert question is not None, "the journey shows this screen with a question only"
        self._question = question
        self.options: list[Chip] = []
        self.faces: list[FaceChoice] = []
        self.bar = TimeBar(look)
        self.add_widget(top(scene))
        self.add_widget(_asked(scene, question))
        self.add_widget(self._answers(scene))
        self.add_widget(_ways(scene))
        self.add_widget(self.bar)
        self.update(state, 1.0, "")

    def _answers(self, scene: Scene) -> Widget:
        if self._question.kind is Kind.WORDS:
            return Column(scene.look, Space(), tall(write(scene), 1.2), Space())
        if self._question.kind is Kind.FACES:
            self.faces = [_face(scene, self._question, score) for score in SCORES]
            alike(self.faces)
            return (Column if scene.look.portrait else Row)(scene.look, *self.faces, gap=2)
        self.options = [_option(scene, self._question, o) for o in self._question.options]
        alike(self.options)
        return _laid(scene, self.options)

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        given = state.rating.answer(self._question.id) if state.rating else None
        mark_face(self.faces, given or 0)
        for chip, option in zip(self.options, self._question.options, strict=False):
            chip.choose(option.value == given)


def _asked(scene: Scene, question: Question) -> Widget:
    """The question, and how many there are: nobody is kept in the dark about how long it takes."""
    look, state = scene.look, scene.state
    count = len(state.survey.questions) if state.survey else 0
    progress = scene.say("more.progress", place=state.place + 1, count=count)
    above = Text(look, progress, "body", colour=look.palette.quiet, halign="center")
    words = question.text.say(state.language)
    title = Text(look, words, "title", bold=True, halign="center")
    width = look.width - 2 * look.unit(SIDE)
    wished = height_of(look, words, "title", width, bold=True) + look.unit(1)
    wished = min(wished, look.height * MOST_OF_TITLE)
    small = height_of(look, progress, "body", width) + 1
    asked = Column(look, fixed(above, small), fixed(title, wished), gap=0.5)
    return fixed(asked, small + wished + look.unit(0.5))


def _face(scene: Scene, question: Question, score: int) -> FaceChoice:
    return FaceChoice(
        scene.look,
        score,
        scene.say(f"score.{score}"),
        lambda: scene.report(j.AnswerQuestion(question.id, score)),
        lying=scene.look.portrait,
    )


def _option(scene: Scene, question: Question, option: Option) -> Chip:
    return Chip(
        scene.look,
        option.text.say(scene.state.language),
        lambda: scene.report(j.AnswerQuestion(question.id, option.value)),
        name=f"option-{option.value}",
        role="lead",
    )


def _laid(scene: Scene, options: Sequence[Chip]) -> Widget:
    look, count = scene.look, len(options)
    if look.portrait:
        columns = 1 if count <= MOST_ABREAST + 1 else 2
    else:
        columns = count if count <= MOST_ABREAST else 2
    grid = GridLayout(cols=columns, spacing=look.unit(1.6))
    for option in options:
        grid.add_widget(option)
    return grid


def _ways(scene: Scene) -> Widget:
    """Back, on without an answer, and out: always at the same places."""
    look, state = scene.look, scene.state
    back, given = go_back(scene), j.answered(state)
    if state.last_question and given:
        last = send(scene)
        last.size_hint_x = 2
        row = Row(look, back, last, gap=3)
    else:
        on = go_on(scene, "more.next" if given else "more.skip", "plain")
        row = Row(look, back, on, send(scene, "quiet", "more.send"), gap=3)
    return part_of_frame(fixed(row, look.target(12)))
