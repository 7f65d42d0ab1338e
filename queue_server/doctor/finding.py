"""What the doctor looks at, and what he finds: a code and values, which the texts turn into words."""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import settings
from ..folder import Folder


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; the centre does its work."""
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """`name` and `code` are keys under `[name]` and `[say]` in the texts."""

    name: str
    level: Level
    code: str
    values: dict[str, object]


def ok(name: str, code: str = "ok", **values: object) -> Finding:
    return Finding(name, Level.OK, code, values)


def note(name: str, code: str, **values: object) -> Finding:
    return Finding(name, Level.NOTE, code, values)


def bad(name: str, code: str, **values: object) -> Finding:
    return Finding(name, Level.BAD, code, values)


@dataclass(frozen=True)
class Look:
    """The centre that is looked at; `now` in ms. He reads, and changes nothing."""

    folder: Folder
    settings_path: Path
    file: settings.CentreFile
    now: int

    @cached_property
    def addresses(self) -> dict[str, Any]:
        """Where the running centre's doors are; empty when it does not run."""
        if not self.pid:
            return {}
        try:
            told: dict[str, Any] = json.loads(self.folder.addresses.read_text())
        except (OSError, ValueError):
            return {}
        return told

    @cached_property
    def pid(self) -> str:
        """The process that holds the data folder; empty when there is none."""
        try:
            with (self.folder.root / "centre.lock").open() as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return handle.read().strip() or "?"
        except OSError:
            pass
        return ""

    @property
    def backups(self) -> Path:
        from ..keeping_command import beside

        named = self.file.backup.folder
        return Path(named) if named else beside(self.folder.root)

    @property
    def master_key(self) -> Path:
        return self.folder.master_key(self.file.vault.key_file)
