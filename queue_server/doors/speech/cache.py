"""A bounded folder of sounds: the least recently used go first."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


class SoundCache:
    """WAV files by key in one folder of at most `limit` bytes.

    Several processes may share it: a file appears whole or not at all, and one that another process
    has just removed is simply not there.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Raises `OSError` when the disk will not take it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(self._path(key))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        self._shrink()

    def size(self) -> int:
        """Bytes now held."""
        return sum(size for _, size, _ in self._files())

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.wav"

    def _shrink(self) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        while total > self._limit and len(files) > 1:
            _, size, path = files.pop(0)
            path.unlink(missing_ok=True)
            total -= size

    def _files(self) -> list[tuple[int, int, Path]]:
        """Last use (ns), bytes and path of each file."""
        found = []
        for path in self._folder.glob("*.wav"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found.append((stat.st_mtime_ns, stat.st_size, path))
        return found
