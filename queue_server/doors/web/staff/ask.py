"""A small dialog that asks for what an order needs: a reason, a choice, a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from .page import Page


@dataclass(frozen=True)
class Field:
    """One question. With `options` it is a choice (`several` of them: many); `known`: ready answers."""

    name: str
    label: str
    options: Mapping[Any, str] | None = None
    several: bool = False
    known: tuple[str, ...] = ()
    needed: bool = True
    value: Any = None
    most: int = 200
    long: bool = False
    """Several lines; Enter makes a new one."""


@dataclass
class _Asked:
    fields: tuple[Field, ...]
    missing: str
    inputs: dict[str, Any] = field(default_factory=dict)

    def answers(self) -> dict[str, Any] | None:
        """All answers, or None when one that is needed is not there (and says so)."""
        found = {name: _value(given.value) for name, given in self.inputs.items()}
        complete = True
        for asked in self.fields:
            lacks = asked.needed and not found[asked.name] and found[asked.name] != 0
            self.inputs[asked.name].props(
                f'error error-message="{self.missing}"' if lacks else "",
                remove=None if lacks else "error",
            )
            complete = complete and not lacks
        return found if complete else None


def _value(given: Any) -> Any:
    return given.strip() if isinstance(given, str) else given


async def ask(
    page: Page, title: str, *fields: Field, text: str = "", danger: bool = False
) -> dict[str, Any] | None:
    """The answers by name, or None when she thought better of it (Escape). Enter confirms."""
    asked = _Asked(fields, page.say("ask.needed"))
    with page.client, ui.dialog() as dialog, ui.card().classes("mc-dialog"):
        ui.label(title).classes("mc-dialog-title")
        if text:
            ui.label(text)
        for one in fields:
            asked.inputs[one.name] = _input(one)

        def submit() -> None:
            answers = asked.answers()
            if answers is not None:
                dialog.submit(answers)

        for one in fields:
            if one.options is None and not one.long:
                asked.inputs[one.name].on("keydown.enter", submit)
        with ui.row().classes("mc-dialog-ends"):
            ui.button(page.say("ask.cancel"), on_click=dialog.close).props("flat no-caps")
            colour = "negative" if danger else "primary"
            ok = ui.button(page.say("ask.ok"), on_click=submit).props(
                f"unelevated no-caps color={colour}"
            )
            ok.props("autofocus" if not fields else "").classes("mc-ok")
    answers: dict[str, Any] | None = await dialog
    dialog.delete()
    return answers


def _input(one: Field) -> Any:
    if one.options is not None:
        made: Any = ui.select(
            dict(one.options),
            label=one.label,
            value=one.value if one.value is not None else ([] if one.several else None),
            multiple=one.several,
        ).props("outlined dense options-dense" + (" use-chips" if one.several else ""))
        return made.classes("mc-field")
    write = ui.textarea if one.long else ui.input
    made = write(one.label, value=one.value or "").props(
        f"outlined dense maxlength={one.most} autofocus"
    )
    made.classes("mc-field")
    if one.known:
        with ui.row().classes("mc-known"):
            for words in one.known:
                chosen = ui.button(words, on_click=lambda w=words: made.set_value(w))
                chosen.props("no-caps outline dense").classes("mc-ready")
    return made


async def ask_reason(page: Page, title: str, known: str = "", needed: bool = True) -> str | None:
    """A reason; `known`: key of ready reasons, divided by `|`."""
    ready = tuple(page.say(known).split("|")) if known else ()
    answers = await ask(
        page, title, Field("reason", page.say("ask.reason"), known=ready, needed=needed)
    )
    return answers["reason"] if answers is not None else None


async def confirm(page: Page, title: str, text: str) -> bool:
    """Yes, or not."""
    return await ask(page, title, text=text, danger=True) is not None


async def show_once(page: Page, title: str, secret: str, text: str) -> None:
    """A code or password that is shown this once only."""
    with page.client, ui.dialog().props("persistent") as dialog, ui.card().classes("mc-dialog"):
        ui.label(title).classes("mc-dialog-title")
        ui.label(secret).classes("mc-secret")
        ui.label(text).classes("mc-hint")
        with ui.row().classes("mc-dialog-ends"):
            ui.button(page.say("ask.seen"), on_click=dialog.close).props("unelevated no-caps")
    await dialog
    dialog.delete()
