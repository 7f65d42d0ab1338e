"""Refusals and reasons in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .line.events import Reason
from .line.setup import Setup
from .wire.texts import Texts

TEXTS = Texts(Path(__file__).parent / "texts")


def refusal(code: str, language: str, values: dict[str, Any]) -> str:
    return TEXTS.say(f"refusal.{code}", language, **values)


def reason(why: Reason | None, setup: Setup, language: str) -> str:
    """“Called because …”, in a sentence that an officer can repeat to the person who asks."""
    if why is None:
        return ""
    values: dict[str, Any] = dict(why.values)
    if "group" in values:
        group = next((p for p in setup.priorities if p.id == values["group"]), None)
        values["group"] = group.name.say(language) if group else values["group"]
    return TEXTS.say(f"reason.{why.code}", language, **values)
