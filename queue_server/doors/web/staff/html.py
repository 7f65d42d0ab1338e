"""HTML of the live parts, made from values: all that is not `Markup` already is escaped."""

from __future__ import annotations

from markupsafe import Markup, escape


def tag(name: str, /, *inside: object, cls: str = "", **attributes: object) -> Markup:
    """An element; `data_act` is written `data-act`; attributes that are None or False are left out."""
    given = {"class": cls or None, **attributes}
    written = "".join(
        f' {key.replace("_", "-")}="{escape("" if value is True else str(value))}"'
        for key, value in given.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>") + join(*inside) + Markup(f"</{name}>")


def join(*pieces: object) -> Markup:
    """The pieces one after the other; None is nothing."""
    return Markup("").join(escape(piece) for piece in pieces if piece is not None)


def table(head: tuple[object, ...], rows: list[Markup], cls: str = "") -> Markup:
    return tag(
        "table",
        tag("thead", tag("tr", *[tag("th", cell) for cell in head])),
        tag("tbody", *rows),
        cls=f"mc-table {cls}",
    )


def row(*cells: object, cls: str = "", **attributes: object) -> Markup:
    """A table row; a cell that is a `Markup` starting with `<td` stands as it is."""
    return tag(
        "tr",
        *[c if isinstance(c, Markup) and c.startswith("<td") else tag("td", c) for c in cells],
        cls=cls,
        **attributes,
    )


def clock(since: int, form: str = "mm:ss", late_minutes: float | None = None) -> Markup:
    """Time since `since` (ms), ticking in the browser: `mm:ss` or `min`; marked when past `late_minutes`."""
    late = None if late_minutes is None else f"{late_minutes:g}"
    return tag("span", cls="mc-clock", data_since=since, data_form=form, data_late=late)


def act(
    name: str, words: str, subject: object, enabled: bool = True, cls: str = "", title: str = ""
) -> Markup:
    """A small button of a row; the part that holds it hears `name` and `subject`."""
    return tag(
        "button",
        words,
        cls=f"mc-act {cls}",
        type="button",
        data_act=name,
        data_subject=subject,
        disabled=not enabled,
        title=title or None,
    )


def chip(words: object, cls: str = "") -> Markup:
    return tag("span", words, cls=f"mc-chip {cls}")
