"""The ids of asks whose outcome no visitor has seen: on disk, against power cuts.

A file of ids only, nothing about a visitor. What is found at the start is withdrawn.
"""

from __future__ import annotations

import os
from pathlib import Path


class OpenAsks:
    """For one thread. Each change is on disk when the call returns; a full disk raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = _read(path)

    def all(self) -> tuple[str, ...]:
        return tuple(self._ids)

    def add(self, ask: str) -> None:
        if ask not in self._ids:
            self._ids.append(ask)
            self._write()

    def remove(self, ask: str) -> None:
        if ask in self._ids:
            self._ids.remove(ask)
            self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        with draft.open("w", encoding="ascii") as file:
            file.write("\n".join(self._ids))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _read(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except (FileNotFoundError, UnicodeDecodeError):
        return []
