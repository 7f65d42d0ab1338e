"""The words of self-filing: its own, then the kiosk's, then those of dossiers."""

from __future__ import annotations

from pathlib import Path

import kiosk
import queue_server.dossiers
from queue_server.wire.texts import Texts


class Words:
    """`say` looks for a key in the nearest texts first."""

    def __init__(self) -> None:
        own = Path(__file__).parent / "texts"
        above = Path(kiosk.__file__).parent / "texts"
        rules = Path(queue_server.dossiers.__file__).parent / "texts"
        self._texts = tuple(Texts(folder) for folder in (own, above, rules))
        self._keys = tuple(texts.keys("vi") for texts in self._texts)

    def say(self, key: str, language: str = "vi", **values: object) -> str:
        for texts, keys in zip(self._texts, self._keys, strict=True):
            if key in keys:
                return texts.say(key, language, **values)
        return key
