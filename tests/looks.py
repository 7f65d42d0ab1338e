"""The looks in which pictures are drawn for tests and contact sheets, by name: `largest-contrast-low`."""

from __future__ import annotations

from kiosk.access import Access

LETTERS = {"usual": 1.0, "large": 1.25, "largest": 1.6}


def access_of(name: str) -> Access:
    """`usual`, `large` or `largest`, and `contrast`, `low`, `reading`; KeyError for another word."""
    parts = name.split("-")
    known = {"contrast", "low", "reading", *LETTERS}
    if set(parts) - known:
        raise KeyError(name)
    letters = max(LETTERS.get(part, 1.0) for part in parts)
    return Access(
        letters=letters,
        contrast="contrast" in parts,
        low="low" in parts,
        reading="reading" in parts,
    )
