"""Keys of a keypad for hands and ears, learnt on site: no two makes send the same.

A key is known by its scan code, since the names of the upper function keys differ between systems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

FILE = "keys.json"


class KeyName(StrEnum):
    """What a keypad can say; in the order in which the keys are asked for."""

    UP = "up"
    DOWN = "down"
    SELECT = "select"
    BACK = "back"
    HELP = "help"
    VOLUME = "volume"
    JACK_IN = "jack_in"
    JACK_OUT = "jack_out"


class BadKeys(ValueError):
    """The file of learnt keys cannot be read; the text is one line for the technician."""


def code_of(key: int, scan: int) -> int:
    """The scan code, or the key's own code (negative) where the system gives no scan code."""
    return scan if scan > 0 else -key


def read_keys(folder: Path) -> dict[int, KeyName]:
    """The keys that were learnt, by code; none if none were. Raises BadKeys."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        raw = json.loads(path.read_text())
        return table({str(name): int(code) for name, code in raw.items()})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadKeys(f"{path}: {error}: learn the keys again with --learn-keys") from error


def table(codes: Mapping[str, int]) -> dict[int, KeyName]:
    """Names and codes as in the settings (`[kiosk.keys] up = 82`). Raises ValueError for a strange name."""
    return {int(code): KeyName(name) for name, code in codes.items()}


def write_keys(folder: Path, keys: Mapping[int, KeyName]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text(json.dumps({name.value: code for code, name in keys.items()}, indent=1) + "\n")
    return path
