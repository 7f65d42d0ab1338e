"""What visitors are asked beyond the five faces: surveys are data, one TOML file each beside this module.

Every survey begins with the five faces, so that all answers of the centre can be read together; its questions
come after them. A centre lays its own files into `<data>/surveys`; one with the id of a shipped one replaces it.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

import msgspec

from ..words import Frozen, Names

SHIPPED = Path(__file__).parent
TOO_LONG = 5
"""More questions than this and a manager is warned before anybody has left one unanswered."""
MOST_QUESTIONS = 12
FACES = (1, 2, 3, 4, 5)


class Kind(StrEnum):
    """How a question is answered: one of its options, one of the five faces, or in words."""

    CHOICE = "choice"
    FACES = "faces"
    WORDS = "words"


class Option(Frozen):
    """`value` is what is counted: 0, 1, 2 for the indices of TT 01/2018."""

    value: int
    text: Names


class Question(Frozen):
    """`id` names the answer in the figures; `options` belong to a choice alone."""

    id: str
    text: Names
    kind: Kind = Kind.FACES
    options: tuple[Option, ...] = ()

    def takes(self, value: int) -> bool:
        """Whether `value` is one of its answers."""
        if self.kind is Kind.FACES:
            return value in FACES
        return any(option.value == value for option in self.options)


class Survey(Frozen):
    """`source`: the text of law that asks these questions; `certainty` as in the house's facts (S, W or U)."""

    id: str
    title: Names
    questions: tuple[Question, ...] = ()
    source: str = ""
    certainty: str = ""
    languages: tuple[str, ...] = ("vi", "en")

    def question(self, question_id: str) -> Question | None:
        return next((q for q in self.questions if q.id == question_id), None)

    @property
    def too_long(self) -> bool:
        return len(self.questions) > TOO_LONG


class SurveyError(Exception):
    """A survey's file cannot be used; the text is one line for who wrote it."""


def read(folder: Path) -> tuple[Survey, ...]:
    """The surveys of a folder, by file name. Raises SurveyError."""
    return tuple(_read(path) for path in sorted(folder.glob("*.toml")))


def offered(own: Path | None = None) -> dict[str, Survey]:
    """The shipped surveys and, over them, those of the centre's own folder. Raises SurveyError."""
    known = {survey.id: survey for survey in read(SHIPPED)}
    if own is not None and own.is_dir():
        known |= {survey.id: survey for survey in read(own)}
    return known


def _read(path: Path) -> Survey:
    try:
        survey = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Survey)
        _check(survey)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SurveyError(f"{path.name}: {error}") from error
    return survey


def _check(survey: Survey) -> None:
    ids = [question.id for question in survey.questions]
    if len(set(ids)) != len(ids):
        raise ValueError("two questions have one id")
    if len(ids) > MOST_QUESTIONS:
        raise ValueError(f"more than {MOST_QUESTIONS} questions")
    for question in survey.questions:
        choices = len({option.value for option in question.options})
        if choices != len(question.options):
            raise ValueError(f"question {question.id}: two options have one value")
        if (question.kind is Kind.CHOICE) != (choices >= 2):
            raise ValueError(
                f"question {question.id}: a choice has two options or more, no other has any"
            )
    if sum(question.kind is Kind.WORDS for question in survey.questions) > 1:
        raise ValueError("words are asked for once")
