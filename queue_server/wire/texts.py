"""Words on screens, pages and paper: one TOML file per language, read once, keys as `section.name`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

LANGUAGES = ("vi", "en")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}"] = str(value)
    return out


class Texts:
    """The texts of one folder (`vi.toml`, `en.toml`, and any further language file laid beside them)."""

    def __init__(self, folder: Path) -> None:
        self._by_language = {
            path.stem: _flat(tomllib.loads(path.read_text("utf-8")))
            for path in sorted(folder.glob("*.toml"))
        }

    def languages(self) -> tuple[str, ...]:
        return tuple(self._by_language)

    def keys(self, language: str) -> set[str]:
        return set(self._by_language.get(language, {}))

    def say(self, key: str, language: str = "vi", **values: object) -> str:
        """The text of `key`, falling back to Vietnamese, then to the key itself."""
        own = self._by_language.get(language, {})
        text = own.get(key) or self._by_language.get("vi", {}).get(key) or key
        return text.format(**values) if values else text
