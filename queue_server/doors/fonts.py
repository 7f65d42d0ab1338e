"""Roboto, as the kivy package carries it, for public pages and sheets of paper."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def fonts() -> Path:
    """Its folder; Kivy itself is not loaded. Raises FileNotFoundError."""
    kivy = importlib.util.find_spec("kivy")
    if kivy is None or not kivy.submodule_search_locations:
        raise FileNotFoundError("the package kivy, whose fonts the pages use, is not installed")
    return Path(kivy.submodule_search_locations[0]) / "data" / "fonts"
