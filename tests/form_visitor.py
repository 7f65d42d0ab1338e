"""A made-up visitor who answers every question of a form."""

from __future__ import annotations

import datetime as dt
from typing import Any

from queue_server.dossiers.forms import fill
from queue_server.dossiers.forms.fill import Question, Widget
from queue_server.dossiers.forms.model import Form

TODAY = dt.date(2026, 11, 27)
NAMES = ("Nguyễn Thị Ánh Tuyết", "Trần Văn Quyết", "Lê Hoàng Phương Uyên", "Đỗ Hữu Ngữ")
MOST_QUESTIONS = 600
PLAIN: dict[Widget, Any] = {
    Widget.YES_NO: True,
    Widget.STATEMENT: True,
    Widget.DATE: "1985-03-15",
    Widget.TIME: "07:30",
    Widget.MONEY: 50_000_000,
    Widget.ID_NUMBER: "042185001234",
    Widget.PHONE: "0912345678",
    Widget.EMAIL: "anh.tuyet@example.vn",
    Widget.PROVINCE: "42",
    Widget.COMMUNE: "18685",
}
# What would otherwise contradict itself, by form; `list#` is how many lines.
SAID: dict[str, dict[str, Any]] = {
    "khai-sinh": {"child.born": "2026-10-05", "requester.relation": "father"},
    "khai-tu": {"deceased.born": "1944", "deceased.notice_day": "1990-01-01"},
    "ket-hon": {"groom.times": 2, "groom.status": "divorced"},
    "chung-thuc": {
        f"screen.{id}": "no" for id in ("changed", "torn", "secret", "foreign", "banned")
    },
    "ho-kinh-doanh": {"founder.who": "family", "lines.list[1].main": False, "lines.list#": 2},
    "tro-giup-1d": {"person.born": "1952-01-01"},
    "tro-giup-1a": {"person.born": "2015-01-01"},
}


def answered_whole(form: Form, **said: Any) -> fill.Answers:
    """Every question answered; `said` by path with `__` for the dot, before what `SAID` has."""
    wanted = SAID.get(form.id, {}) | {key.replace("__", "."): v for key, v in said.items()}
    answers: fill.Answers = {}
    for count in range(MOST_QUESTIONS):
        left = [q for q in fill.questions(form, answers, TODAY) if q.value is None]
        if not left:
            return answers
        answers = fill.answered(form, answers, left[0], _value(left[0], wanted, count))
    raise AssertionError(f"{form.id} never ends")


def _value(question: Question, wanted: dict[str, Any], count: int) -> Any:
    if question.path in wanted:
        return wanted[question.path]
    if question.kind is Widget.MORE:
        return (question.index or 0) < wanted.get(f"{question.list_path}#", 2)
    if question.kind is Widget.CHOICE:
        values = [o.value for o in question.options]
        return question.suggested if question.suggested in values else values[0]
    if question.kind is Widget.NAME:
        return NAMES[count % len(NAMES)]
    if question.kind is Widget.INT:
        return question.suggested or 2
    if question.part == "issued":
        return "2024-08-20"
    return PLAIN.get(question.kind, "4711" if question.path.endswith(".code") else "Xã Cẩm Bình")
