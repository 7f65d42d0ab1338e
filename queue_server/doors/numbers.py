"""Numbers as people write them."""

from __future__ import annotations


def decimal(value: float, language: str, digits: int = 1) -> str:
    """`2,7` in Vietnamese, `2.7` in English."""
    written = f"{value:.{digits}f}"
    return written if language == "en" else written.replace(".", ",")
