"""How to read a device's health: which of its words are figures, and which say that something is wrong."""

from __future__ import annotations

from collections.abc import Mapping

FIGURES = ("seen:", "battery:", "lost:", "waiting", "refused", "answers_waiting")
"""Parts of a device's health that are figures, neither good nor bad by themselves."""
LOW_BATTERY = 15
"""Percent, from which on somebody should bring a new one."""
GOOD = ("ok", "ready")
OF_TERMINALS = ("terminal:", "seen:", "battery:", "lost:")
"""What a bridge says of its terminals, which stands in `Presence.terminals` as well."""


def troubles(health: Mapping[str, str]) -> list[str]:
    """`printer: paper_out` for each part that is neither well nor a figure, by name."""
    return [
        f"{part}: {word}"
        for part, word in sorted(health.items())
        if word not in GOOD and not part.startswith(FIGURES)
    ]
