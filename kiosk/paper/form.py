"""Draws a filled form as a PDF in A4: rows from `rows.py`, layout from form.typ, fixed words from texts/.

The sheet says of itself that it was filled in at a kiosk and is not signed.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import msgspec
import typst

from queue_server.dossiers.forms.answers import Answers, value_at
from queue_server.dossiers.forms.check import spoken_date
from queue_server.dossiers.forms.lists import label, options_of
from queue_server.dossiers.forms.model import Field, FieldType, Form, Printed, Section
from queue_server.dossiers.forms.paths import fields_of
from queue_server.dossiers.forms.read import choices
from queue_server.dossiers.forms.rows import Row, RowKind, rows
from queue_server.dossiers.units import name_of
from queue_server.wire.messages import CentreSetup
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

from .strip import HERE, fonts_folder

BREAK = "\u200b"
"""May end a line but shows nothing: a text without blanks must not run off the paper."""
LONGEST_WORD, LONGEST_WORD_IN_TABLE = 24, 14
FEW_COLUMNS, WIDEST, WIDEST_OF_MANY = 6, 36.0, 20.0
EMPTY_LINES = 3
UNKNOWN_PLACE = "…………………"
ID_DIGITS = 12
LONG_OPTION = 34
"""Characters from which the boxes of a choice stand under each other."""
COUNCIL = re.compile(r"^(?:Ủy ban nhân dân|UBND)\s+", re.IGNORECASE)
COMMUNE = re.compile(r"^(?:xã|phường|đặc khu|thị trấn)\s", re.IGNORECASE)

Block = dict[str, Any]


class FormPaper:
    """Draws sheets. Not for two threads at once: the compiler is kept warm between sheets."""

    def __init__(self) -> None:
        self.texts = Texts(HERE / "texts")
        fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=True,
            font_paths=[str(fonts_folder())],
        )
        self._compiler = typst.Compiler(HERE / "form.typ", root=HERE, font_paths=fonts)

    def draw(
        self,
        form: Form,
        answers: Answers,
        setup: CentreSetup,
        today: dt.date,
        *,
        sample: bool,
        language: str = Language.VI,
    ) -> bytes:
        """The sheet as a PDF. `sample`: under the word MẪU, as an unchecked form always is. Some 0.1 s."""
        words = form_words(form, answers, setup, today, self.texts, sample, language)
        found = self._compiler.compile(format="pdf", sys_inputs=_inputs(words))
        return found if isinstance(found, bytes) else b"".join(found or [])

    def pictures(
        self,
        form: Form,
        answers: Answers,
        setup: CentreSetup,
        today: dt.date,
        *,
        sample: bool,
        language: str = Language.VI,
        dpi: int = 100,
    ) -> list[bytes]:
        """The same in PNG, one for each page: for a preview on the screen."""
        words = form_words(form, answers, setup, today, self.texts, sample, language)
        found = self._compiler.compile(format="png", ppi=float(dpi), sys_inputs=_inputs(words))
        return [found] if isinstance(found, bytes) else list(found or [])


def form_words(
    form: Form,
    answers: Answers,
    setup: CentreSetup,
    today: dt.date,
    texts: Texts,
    sample: bool,
    language: str = Language.VI,
) -> dict[str, Any]:
    """All that stands on the sheet, as the layout takes it."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"form.{key}", language, **values)

    sheet = _Sheet(form, answers, setup, today, language, say("stt"))
    return {
        "language": language,
        "title": form.title.say(language),
        "sample": say("sample") if sample else "",
        "sample_help": say("sample_help") if sample else "",
        "translated": say("translated") if language != Language.VI else "",
        "addressee": sheet.addressee,
        "blocks": sheet.blocks,
        "notes_title": say("notes"),
        "notes": [_broken(n.say(language)) for n in form.notes],
        "remark": say("remark", day=spoken_date(today.isoformat())),
        "page": say("page"),
        "source": say("source", source=form.source or form.title.vi, version=form.version),
    }


def commune_of(authority: str) -> str:
    """`phường Thành Sen` from `Ủy ban nhân dân phường Thành Sen`; empty where it is no commune's."""
    unit = COUNCIL.sub("", authority).strip()
    return unit if COMMUNE.match(unit) else ""


class _Sheet:
    """The blocks of one sheet, laid down row by row."""

    def __init__(
        self,
        form: Form,
        answers: Answers,
        setup: CentreSetup,
        today: dt.date,
        language: str,
        stt: str,
    ) -> None:
        self.form, self.answers, self.setup = form, answers, setup
        self.language, self.stt = language, stt
        self.fields = fields_of(form)
        self.sections = {s.id: s for s in form.sections}
        self.columns = _columns(form)
        self.blocks: list[Block] = []
        self.addressee: Block | None = None
        self._place_date = ""
        self._left_out = False
        """The row before has nothing on it, so what stands beside it goes too."""
        place = commune_of(setup.authority.vi)
        for row in rows(form, answers, today, language, place=place, printed=True):
            self._lay(row)
        self._end_date()

    # --- one row ---

    def _lay(self, row: Row) -> None:
        section = self.sections[row.section]
        if row.kind is RowKind.HEADING:
            if section.id not in self.columns:
                self._heading(row, section)
            return
        field = self.fields[row.path]
        if field.printed is Printed.ADDRESSEE:
            self.addressee = self._item(row, field) | {"value": _broken(self._to_whom(row))}
        elif section.id in self.columns:
            self._column(row, field, section)
        elif row.kind is RowKind.SIGNATURE:
            self._signature(row, field)
        elif field.made.startswith("place_date"):
            self._place_date = self._made_at(row)
        elif field.printed is Printed.FILLED and not _has_something(row):
            self._left_out = True
        elif section.table and field.type in (FieldType.YES_NO, FieldType.CHOICE):
            self._tick_line(row, field)
        else:
            self._plain(row, field)

    def _heading(self, row: Row, section: Section) -> None:
        """Of tables of boxes that follow each other, one table: their titles are lines in it."""
        if not section.table or not _is_group(self.form, section):
            self.blocks.append({"kind": "heading", "text": row.label})
            return
        head = [option.label.say(self.language) for option in _marks(section)]
        if not (self._last("grid") and self.blocks[-1]["head"] == head):
            self.blocks.append(self._grid(head))
        self.blocks[-1]["rows"].append({"group": row.label})

    def _plain(self, row: Row, field: Field) -> None:
        if row.kind is RowKind.LIST:
            self._table(row, field)
        elif row.kind is RowKind.STATEMENT:
            self.blocks.append({"kind": "statement", "text": row.label})
        elif field.printed is Printed.JOINED:
            self._join(row, field)
        elif field.printed is Printed.BESIDE:
            self._beside(row, field)
        else:
            self._left_out = False
            self.blocks.append({"kind": "line", "items": [self._item(row, field)]})

    def _join(self, row: Row, field: Field) -> None:
        value = self._said(row, field)
        if not value:
            return
        if self._left_out or not self._last("line"):
            self.blocks.append({"kind": "line", "items": [self._item(row, field)]})
            self._left_out = False
            return
        item = self.blocks[-1]["items"][-1]
        between = " " if value.startswith("(") else ", "
        item["value"] = between.join(v for v in (item["value"], _broken(value)) if v)

    def _beside(self, row: Row, field: Field) -> None:
        item = self._item(row, field)
        if self._last("signatures"):
            self.blocks[-1]["places"][-1]["items"].append(item)
        elif self._left_out and not row.value:
            return
        elif self._last("line") and not self._left_out:
            self.blocks[-1]["items"].append(item)
        else:
            self.blocks.append({"kind": "line", "items": [item]})

    def _item(self, row: Row, field: Field) -> Block:
        text = row.label if row.label.endswith(("?", ":")) else f"{row.label}:"
        number = f"{row.number}." if row.number and row.number[-1].isalnum() else row.number
        item: Block = {
            "number": number,
            "label": text,
            "note": row.note,
            "value": "",
            "kind": "text",
        }
        raw = self._raw(row, field)
        if field.printed is Printed.PARTS:
            return item | {"kind": "parts", "parts": self._parts(raw)}
        if field.type is FieldType.YES_NO and field.ticks:
            return item | {"kind": "tick", "on": raw is True, "label": row.label}
        if field.type is FieldType.YES_NO or (field.type is FieldType.CHOICE and field.ticks):
            return item | self._ticks(field, raw)
        if field.type is FieldType.ID_NUMBER and self.form.layout == "boxes":
            digits = list(str(raw or ""))[:ID_DIGITS]
            return item | {"kind": "boxes", "digits": digits + [""] * (ID_DIGITS - len(digits))}
        value = self._said(row, field)
        unit = field.unit.say(self.language) if field.unit else ""
        return item | {"value": _broken(value), "unit": unit}

    def _ticks(self, field: Field, raw: Any) -> Block:
        if field.type is FieldType.YES_NO:
            said = {True: "yes", False: "no"}.get(raw, "") if isinstance(raw, bool) else ""
            options = options_of("yes_no")
        else:
            said, options = str(raw or ""), choices(field)
        ticks: list[Block] = [
            {"label": o.label.say(self.language), "on": o.value == said} for o in options
        ]
        if said and not any(t["on"] for t in ticks):
            ticks.append({"label": _broken(said), "on": True})
        is_long = any(len(t["label"]) > LONG_OPTION for t in ticks)
        return {"kind": "ticks", "ticks": ticks, "below": is_long}

    def _parts(self, raw: Any) -> list[tuple[str, str]]:
        said: dict[str, Any] = raw if isinstance(raw, dict) else {}
        values = {
            "detail": str(said.get("detail", "")),
            "commune": name_of(said.get("commune", "")),
            "province": name_of(said.get("province", "")),
        }
        return [(label("part", p, self.language), _broken(v)) for p, v in values.items()]

    # --- values ---

    def _raw(self, row: Row, field: Field) -> Any:
        return value_at(self.answers, row.path) if row.asked else None

    def _said(self, row: Row, field: Field) -> str:
        """`14 giờ 30 phút` for a time, else what the row says."""
        if field.type is FieldType.TIME and row.value and self.language == Language.VI:
            hours, _, minutes = row.value.partition(":")
            return f"{hours} giờ {minutes} phút"
        return row.value

    def _to_whom(self, row: Row) -> str:
        """The centre itself stands under `here`; its commune's police, its chair."""
        authority = self.setup.authority.vi
        commune = commune_of(authority)
        known = {
            "here": authority,
            "chair_here": f"Chủ tịch {authority}" if authority else "",
            "police_here": f"Công an {commune}" if commune else "",
        }
        value = value_at(self.answers, row.path) or ""
        return known.get(value, row.value) if isinstance(value, str) else row.value

    def _made_at(self, row: Row) -> str:
        """`Làm tại: phường Thành Sen, ngày …`; dots for a place that is not known."""
        if not row.value:
            return ""
        has_place = bool(commune_of(self.setup.authority.vi))
        said = row.value if has_place else f"{UNKNOWN_PLACE}, {row.value[0].lower()}{row.value[1:]}"
        return f"{row.label}: {said}" if row.label in ("Làm tại", "Done at") else said

    # --- larger blocks ---

    def _table(self, row: Row, field: Field) -> None:
        head = [self.stt, *row.head]
        lines = [[str(n), *self._cells(field, line)] for n, line in enumerate(row.lines, 1)]
        if not lines:
            lines = [[str(n), *([""] * len(row.head))] for n in range(1, EMPTY_LINES + 1)]
        self.blocks.append(
            {
                "kind": "table",
                "item": self._item(row, field) | {"kind": "title"},
                "head": head,
                "lines": [[_broken(c, LONGEST_WORD_IN_TABLE) for c in line] for line in lines],
                "widths": _widths(head, lines),
            }
        )

    def _cells(self, field: Field, line: tuple[str, ...]) -> list[str]:
        """A yes is a cross on the sheet, a no is nothing."""
        yes = label("yes_no", "yes", self.language)
        marks = {True: "X", False: ""}
        return [
            marks[cell == yes] if inner.type is FieldType.YES_NO else cell
            for inner, cell in zip(field.fields, line, strict=True)
        ]

    def _tick_line(self, row: Row, field: Field) -> None:
        """A line of a table of boxes; the table begins with the first."""
        ticks = self._ticks(field, self._raw(row, field))["ticks"]
        if not self._last("grid"):
            self.blocks.append(self._grid([tick["label"] for tick in ticks]))
        marks = [tick["on"] for tick in ticks]
        self.blocks[-1]["rows"].append({"number": row.number, "label": row.label, "marks": marks})

    def _grid(self, head: list[str]) -> Block:
        return {"kind": "grid", "stt": self.stt, "head": head, "rows": []}

    def _column(self, row: Row, field: Field, section: Section) -> None:
        """Her column and his: the same rows of two sections beside each other."""
        left, right = self.columns
        if not self._last("columns"):
            heads = [self.sections[s].title.say(self.language) for s in (left, right)]
            self.blocks.append({"kind": "columns", "heads": heads, "rows": []})
        block, value = self.blocks[-1], _broken(self._said(row, field))
        if section.id == left:
            line = {"label": row.label, "note": row.note, "left": value, "right": ""}
            block["rows"].append(line | {"id": field.id})
            return
        for line in block["rows"]:
            if line["id"] == field.id:
                line["right"] = value

    def _signature(self, row: Row, field: Field) -> None:
        hint = field.help.say(self.language) if field.help else ""
        place = {"label": row.label, "note": row.note, "hint": hint, "items": []}
        if self._last("signatures"):
            self.blocks[-1]["places"].append(place)
            return
        self.blocks.append({"kind": "signatures", "date": self._place_date, "places": [place]})
        self._place_date = ""

    def _end_date(self) -> None:
        if self._place_date:
            self.blocks.append({"kind": "signatures", "date": self._place_date, "places": []})

    def _last(self, kind: str) -> bool:
        return bool(self.blocks) and self.blocks[-1]["kind"] == kind


def _has_something(row: Row) -> bool:
    return row.asked if row.kind is RowKind.STATEMENT else bool(row.value or row.lines)


def _columns(form: Form) -> tuple[str, ...]:
    """The two sections with the same fields that `two_columns` puts beside each other."""
    if form.layout != "two_columns":
        return ()
    for left, right in zip(form.sections, form.sections[1:], strict=False):
        if left.fields and [f.id for f in left.fields] == [f.id for f in right.fields]:
            return left.id, right.id
    return ()


def _marks(section: Section) -> tuple[Any, ...]:
    field = next(f for f in section.fields if f.type in (FieldType.YES_NO, FieldType.CHOICE))
    return options_of("yes_no") if field.type is FieldType.YES_NO else choices(field)


def _is_group(form: Form, section: Section) -> bool:
    """One of several tables of boxes in a row: its title is a line in the table, not above it."""
    at = form.sections.index(section)
    around = (*form.sections[max(0, at - 1) : at], *form.sections[at + 1 : at + 2])
    return any(other.table and _marks(other) == _marks(section) for other in around)


def _widths(head: list[str], lines: list[list[str]]) -> list[float]:
    """Shares of the width: no word is parted that need not be, and long texts get the room that is left."""
    most = WIDEST if len(head) <= FEW_COLUMNS else WIDEST_OF_MANY
    found = []
    for at, name in enumerate(head):
        cells = [line[at] for line in lines]
        words = [len(word) for text in (name, *cells) for word in text.split()]
        longest = min(LONGEST_WORD_IN_TABLE, max(words, default=1)) + 1.0
        text = max((len(cell) for cell in cells), default=0)
        found.append(max(4.0, longest, min(most, text * 0.7)))
    return found


def _broken(text: str, longest: int = LONGEST_WORD) -> str:
    """`text` with places to end a line in words that are too long for one."""
    if len(text) <= longest:
        return text
    return re.sub(rf"\S{{{longest + 1},}}", lambda found: _parted(found[0], longest // 2), text)


def _parted(word: str, size: int) -> str:
    return BREAK.join(word[at : at + size] for at in range(0, len(word), size))


def _inputs(words: dict[str, Any]) -> dict[str, str]:
    return {"words": msgspec.json.encode(words).decode()}
