"""Refusals and reasons in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .line.events import Reason
from .line.moves import Move, MoveNow
from .line.setup import Setup
from .wire.texts import Texts
from .wire.words import local

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
    if "service" in values:
        service = setup.service(str(values["service"]))
        values["service"] = service.name.say(language) if service else values["service"]
    return TEXTS.say(f"reason.{why.code}", language, **values)


def move(move: Move, setup: Setup, language: str) -> str:
    """“Quầy 4 nhận thêm Hộ tịch đến 10:30: chờ trung bình 19 → 12 phút”."""
    waits = _waits(move)
    changes = waits["without"] != waits["expected"]
    wait = TEXTS.say("move.wait" if changes else "move.wait_same", language, **waits)
    said = TEXTS.say(f"move.{move.kind}", language, **_move(move, setup, language), wait=wait)
    if not move.cost_minutes:
        return said
    cost = TEXTS.say("move.cost", language, minutes=round(move.cost_minutes))
    return f"{said} ({cost})"


def move_at_counter(move: Move, setup: Setup, language: str) -> str:
    """The same in short, for the officer whose counter it is."""
    return TEXTS.say(f"move.at_counter_{move.kind}", language, **_move(move, setup, language))


def move_came(now: MoveNow, language: str) -> str:
    """What came of a move that has ended, beside what had been foretold with and without it."""
    if now.came is None:
        return TEXTS.say("move.came_none", language, **_waits(now.move))
    return TEXTS.say("move.came", language, **_waits(now.move), came=round(now.came))


def _waits(move: Move) -> dict[str, Any]:
    return {"without": round(move.without), "expected": round(move.expected)}


def _move(move: Move, setup: Setup, language: str) -> dict[str, Any]:
    until = local(move.until, setup.rules.utc_offset_minutes).strftime("%H:%M")
    service = setup.service(move.service)
    return {
        "counter": move.counter,
        "service": service.name.say(language) if service else move.service,
        "until": until,
    }
