"""What is wrong with an answer. Most of it holds the visitor up; a doubt about a number only asks her to look."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from ...wire.words import Frozen, Language, Names
from ..identity import NUMBER, age, doubts
from ..words_vi import grouped
from .answers import MORE, Answers, first_day, holds, is_date, is_filled, last_day, value_at
from .ask import Question, Widget, questions
from .model import Check, Field, FieldType, Form
from .paths import fields_of

LONGEST = {Widget.TEXT: 300, Widget.LONG: 2_000, Widget.NAME: 120, Widget.CHOICE: 200}
LONGEST_ELSE = 200
MOST_MONEY = 10**15
MOST_NUMBER = 10**9
EARLIEST = dt.date(1870, 1, 1)
LATEST_YEARS = 100
SHORTEST_NAME = 2

MOBILE = re.compile(r"0[35789]\d{8}")
FIXED = re.compile(r"02\d{8,9}")
SERVICE = re.compile(r"1[89]00\d{4,6}")
EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}")
TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
CMND = re.compile(r"\d{9}|\d{12}")
PASSPORT = re.compile(r"[A-Z0-9]{6,12}")

NAME_SIGNS = frozenset(" '’-.,()")

Say = Callable[..., str]


class Problem(Frozen):
    """`code` and `values` make the words (`form.problem.<code>`); `blocks`: not to be left as it is.

    `message`: the form's own words instead. `path`: the question it is about.
    """

    code: str
    path: str = ""
    values: dict[str, str] = {}
    blocks: bool = True
    message: Names | None = None


def words_of(problem: Problem, say: Say, language: str = Language.VI) -> str:
    """What the visitor is told, in the words of `dossiers/texts`."""
    if problem.message is not None:
        return problem.message.say(language)
    return say(f"form.problem.{problem.code}", language, **problem.values)


def check(
    form: Form, answers: Answers, question: Question, value: Any, today: dt.date
) -> tuple[Problem, ...]:
    """What is wrong with `value` as the answer to `question`; nothing for a question that may be passed over."""
    value = cleaned(question, value)
    if not is_filled(value):
        return (_problem(question, "required"),) if question.required else ()
    found = list(_by_type(question, value, today))
    if question.kind is Widget.MORE and value is False:
        return tuple(found + _of_list(question.field, question.list_path, answers, today))
    if not any(p.blocks for p in found):
        found += _by_rules(form, answers, question, value, today)
        found += _doubts(form, answers, question, value)
        found += _odd_paper(answers, question, value)
    return tuple(found)


def problems(form: Form, answers: Answers, today: dt.date) -> tuple[Problem, ...]:
    """All that is wrong or missing, in the sheet's order; what is wrong with a whole list after its lines."""
    found = [
        problem
        for question in questions(form, answers, today)
        for problem in check(form, answers, question, question.value, today)
    ]
    told = {p.path for p in found}
    for path, field in fields_of(form).items():
        if field.type is FieldType.LIST and path in answers and f"{path}/{MORE}" not in told:
            found += _of_list(field, path, answers, today)
    return tuple(found)


def cleaned(question: Question, value: Any) -> Any:
    """The answer as it is kept: NFC, without control signs, blanks in a row as one; a number's blanks and dots away."""
    if not isinstance(value, str):
        return value
    text = "".join(c for c in unicodedata.normalize("NFC", value) if _is_kept(c))
    if question.kind is Widget.LONG:
        lines = [" ".join(line.split()) for line in text.split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    text = " ".join(text.split())
    if question.kind is Widget.PHONE:
        return re.sub(r"^(?:\+|00)84", "0", re.sub(r"[\s.\-()]", "", text))
    if question.kind is Widget.ID_NUMBER:
        return re.sub(r"[\s.\-]", "", text)
    if question.part == "paper":
        return re.sub(r"[\s.\-]", "", text).upper()
    return text.lower() if question.kind is Widget.EMAIL else text


def _is_kept(char: str) -> bool:
    """Control and format signs, private and unassigned ones go: they turn lines about and hide text."""
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def _problem(question: Question, code: str, blocks: bool = True, **values: object) -> Problem:
    said = {key: str(value) for key, value in values.items()}
    return Problem(code=code, path=question.path, values=said, blocks=blocks)


# --- by type ---


def _by_type(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    test = TESTS.get(question.kind, _text)
    yield from test(question, value, today)


def _text(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _problem(question, "not_text")
        return
    most = LONGEST.get(question.kind, LONGEST_ELSE)
    if len(value) > most:
        yield _problem(question, "too_long", most=most, length=len(value))


def _name(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    """Letters of any script, so that foreign names go in; figures, emoji and signs of markup do not."""
    as_text = tuple(_text(question, value, today))
    yield from as_text
    if as_text or not isinstance(value, str):
        return
    wrong = [c for c in value if not (_is_letter(c) or c in NAME_SIGNS)]
    if wrong:
        yield _problem(question, "name_signs", signs=" ".join(dict.fromkeys(wrong[:5])))
    elif sum(_is_letter(c) for c in value) < SHORTEST_NAME:
        yield _problem(question, "name_short")
    elif " " not in value:
        yield _problem(question, "name_one_word", blocks=False)


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"


def _date(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not is_date(value):
        yield _problem(question, "not_a_date")
        return
    if len(value) < len("2026-03-10") and not question.partial:
        yield _problem(question, "date_whole")
    day = first_day(value)
    if day < EARLIEST or day.year > today.year + LATEST_YEARS:
        yield _problem(question, "not_a_date")
    elif question.part == "issued" and day > today:
        yield _problem(question, "in_future")


def _time(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not isinstance(value, str) or not TIME.fullmatch(value):
        yield _problem(question, "not_a_time")


def _choice(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _problem(question, "not_an_option")
    elif value not in {o.value for o in question.options}:
        if not question.other:
            yield _problem(question, "not_an_option")
        else:
            yield from _text(question, value, today)


def _yes_no(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield _problem(question, "not_an_option")


def _statement(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if value is not True:
        yield _problem(question, "not_agreed", blocks=question.required)


def _int(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    most = MOST_MONEY if question.kind is Widget.MONEY else MOST_NUMBER
    if not isinstance(value, int) or isinstance(value, bool):
        yield _problem(question, "not_a_number")
    elif value < 0:
        yield _problem(question, "too_small", least=0)
    elif value > most:
        yield _problem(question, "too_large", most=grouped(most))


def _id_number(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        count = len(value) if isinstance(value, str) and value.isdigit() else 0
        yield _problem(question, "id_digits" if count else "id_number", count=count)


def _phone(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    known = isinstance(value, str) and any(p.fullmatch(value) for p in (MOBILE, FIXED, SERVICE))
    if not known:
        yield _problem(question, "phone")


def _email(question: Question, value: Any, today: dt.date) -> Iterator[Problem]:
    if not isinstance(value, str) or len(value) > LONGEST_ELSE or not EMAIL.fullmatch(value):
        yield _problem(question, "email")


TESTS: dict[Widget, Callable[[Question, Any, dt.date], Iterator[Problem]]] = {
    Widget.NAME: _name,
    Widget.DATE: _date,
    Widget.TIME: _time,
    Widget.CHOICE: _choice,
    Widget.PROVINCE: _choice,
    Widget.COMMUNE: _choice,
    Widget.YES_NO: _yes_no,
    Widget.MORE: _yes_no,
    Widget.STATEMENT: _statement,
    Widget.INT: _int,
    Widget.MONEY: _int,
    Widget.ID_NUMBER: _id_number,
    Widget.PHONE: _phone,
    Widget.EMAIL: _email,
}


# --- by the form's own rules ---


def _by_rules(
    form: Form, answers: Answers, question: Question, value: Any, today: dt.date
) -> Iterator[Problem]:
    """A block's rules are about its detail or, with dates, its day of issue."""
    line = _line(answers, question)
    for rule in question.field.checks:
        if question.part and question.part not in ("detail", "issued"):
            continue
        if not holds(rule.when, answers, today, line):
            continue
        for code, values in _broken(rule, question, value, answers, line, today):
            yield Problem(
                code=code,
                path=question.path,
                values={k: str(v) for k, v in values.items()},
                blocks=not rule.warns,
                message=rule.message,
            )


def _of_list(field: Field, path: str, answers: Answers, today: dt.date) -> list[Problem]:
    """What is wrong with a list as a whole."""
    lines = answers.get(path) or []
    found: list[Problem] = []
    for rule in field.checks:
        if holds(rule.when, answers, today):
            found += [
                Problem(
                    code=code,
                    path=f"{path}/{MORE}",
                    values=values,
                    blocks=not rule.warns,
                    message=rule.message,
                )
                for code, values in _broken_list(rule, field, lines)
            ]
    return found


def _broken_list(
    rule: Check, field: Field, lines: list[Answers]
) -> Iterator[tuple[str, dict[str, str]]]:
    if rule.least is not None and len(lines) < rule.least:
        yield "lines_least", {"least": str(rule.least)}
    if rule.most is not None and len(lines) > rule.most:
        yield "lines_most", {"most": str(rule.most)}
    if rule.one and lines and sum(line.get(rule.one) is True for line in lines) != 1:
        what = next((f.label.vi for f in field.fields if f.id == rule.one), rule.one)
        yield "exactly_one", {"what": what}


def _broken(
    rule: Check,
    question: Question,
    value: Any,
    answers: Answers,
    line: Answers | None,
    today: dt.date,
) -> Iterator[tuple[str, dict[str, object]]]:
    if question.kind is Widget.DATE:
        yield from _broken_date(rule, value, answers, line, today)
    if isinstance(value, int) and not isinstance(value, bool):
        if rule.least is not None and value < rule.least:
            yield "too_small", {"least": grouped(rule.least)}
        if rule.most is not None and value > rule.most:
            yield "too_large", {"most": grouped(rule.most)}
    if isinstance(value, str) and question.kind is not Widget.DATE:
        if rule.shortest is not None and len(value) < rule.shortest:
            yield "too_short", {"least": rule.shortest}
        if rule.longest is not None and len(value) > rule.longest:
            yield "too_long", {"most": rule.longest, "length": len(value)}
        if rule.pattern and not re.fullmatch(rule.pattern, value):
            yield "pattern", {}


def _broken_date(
    rule: Check, value: str, answers: Answers, line: Answers | None, today: dt.date
) -> Iterator[tuple[str, dict[str, object]]]:
    """A date known only in part is wrong when no day that it can mean is right."""
    low = _day(rule.not_before, answers, line, today)
    if low and last_day(value) < first_day(low):
        yield "too_early", {"day": spoken_date(low)}
    high = _day(rule.not_after, answers, line, today)
    if high and first_day(value) > last_day(high):
        is_today = rule.not_after == "today"
        yield ("in_future", {}) if is_today else ("too_late", {"day": spoken_date(high)})
    if rule.least_years is not None and age(value, today) < rule.least_years:
        yield "too_young", {"years": rule.least_years}


def _day(named: str, answers: Answers, line: Answers | None, today: dt.date) -> str:
    if named == "today":
        return today.isoformat()
    value = named if is_date(named) else value_at(answers, named, line) if named else ""
    return value if is_date(value) else ""


def spoken_date(text: str) -> str:
    """`10/03/2026`, `03/2026` or `2026`."""
    return "/".join(reversed(text.split("-")))


def _line(answers: Answers, question: Question) -> Answers | None:
    if question.index is None:
        return None
    lines = answers.get(question.list_path)
    known = isinstance(lines, list) and question.index < len(lines)
    return lines[question.index] if known and isinstance(lines, list) else {}


# --- doubts about a person's number ---


def _doubts(form: Form, answers: Answers, question: Question, value: Any) -> Iterator[Problem]:
    """Number, date of birth and sex of one person stand in one section, or in one line of a list."""
    fields = _same_person(form, question)
    said = {kind: _said(answers, question, fields, kind) for kind in ("number", "born", "sex")}
    mine = next((k for k in said if _is(question.field, k, question.part)), None)
    if mine is None:
        return
    said[mine] = value
    if not isinstance(said["number"], str):
        return
    for doubt in doubts(said["number"], said["born"] or None, said["sex"] or ""):
        if mine == "number" or doubt == {"born": "year", "sex": "sex"}[mine]:
            yield _problem(question, f"id_{doubt}", blocks=False)


def _odd_paper(answers: Answers, question: Question, value: Any) -> Iterator[Problem]:
    """A passport's number, or an old card's of 9 digits (12 since 2012), looks otherwise."""
    if question.part != "paper":
        return
    kind = value_at(answers, question.path.replace("/paper", "/kind"))
    if kind == "cmnd" and not CMND.fullmatch(value):
        yield _problem(question, "old_card", blocks=False)
    elif kind != "cmnd" and not PASSPORT.fullmatch(value):
        yield _problem(question, "paper", blocks=False)


def _same_person(form: Form, question: Question) -> tuple[Field, ...]:
    section = next(s for s in form.sections if s.id == question.section)
    if question.index is None:
        return section.fields
    own = next((f for f in section.fields if f"{section.id}.{f.id}" == question.list_path), None)
    return own.fields if own else ()


def _is(field: Field, kind: str, part: str) -> bool:
    if kind == "number":
        return field.type is FieldType.ID_NUMBER or (
            field.type is FieldType.ID_DOCUMENT and part == "number"
        )
    if kind == "born":
        is_born = field.prefill == "card.born" or field.id in ("born", "birth", "date_of_birth")
        return field.type is FieldType.DATE and is_born
    return field.type is FieldType.CHOICE and field.options_from == "sex"


def _said(answers: Answers, question: Question, fields: tuple[Field, ...], kind: str) -> Any:
    """Nothing where the section holds two of the kind: it is not known whose they are."""
    found = [f for f in fields if _is(f, kind, "number")]
    if len(found) != 1:
        return None
    part = "/number" if found[0].type is FieldType.ID_DOCUMENT else ""
    if question.index is None:
        return value_at(answers, f"{question.section}.{found[0].id}{part}")
    return value_at(answers, f"{question.list_path}[{question.index}].{found[0].id}{part}")
