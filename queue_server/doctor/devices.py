"""Devices and their terminals: who is out of reach, in trouble, low on battery, or refuses its settings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from ..by_hand import is_running, presences
from ..wire import messages as m
from ..wire.health import LOW_BATTERY
from .finding import Finding, Look, note, ok


def devices(look: Look) -> Finding | None:
    """None while the centre is not running: nobody then knows."""
    if not is_running(look.folder):
        return None
    admitted = _admitted(look)
    known = [one for one in presences(look.folder).values() if one.device in admitted]
    troubles = list(troubles_of(known, look.now))
    if troubles:
        return note("devices", "devices_troubled", names="; ".join(troubles))
    count, terminals = len(known), sum(len(one.terminals) for one in known)
    return ok("devices", "devices", count=count, terminals=terminals)


def troubles_of(known: Iterable[m.Presence], now: int) -> Iterator[str]:
    """`kiosk-2 (out of reach)`, in machine words that read the same in each language. `now`: ms UTC."""
    for one in known:
        if one.state != "online" or one.until < now:
            yield f"{one.device} (offline)"
            continue
        if one.config is not None and one.config.state == "refused":
            yield f"{one.device} (config {one.config.reason} {one.config.key})"
        for terminal in one.terminals:
            yield from _of_terminal(terminal)


def _of_terminal(one: m.TerminalSeen) -> Iterator[str]:
    if one.state != "ok":
        yield f"{one.name} ({one.state})"
    if one.battery is not None and one.battery <= LOW_BATTERY:
        yield f"{one.name} (battery {one.battery} %)"
    if one.update.startswith(("refused", "went_back", "bad")):
        yield f"{one.name} (firmware {one.update})"


def _admitted(look: Look) -> set[str]:
    place = f"file:{look.folder.devices.absolute()}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as conn:
        return {
            name for (name,) in conn.execute("SELECT name FROM devices WHERE revoked_at IS NULL")
        }
