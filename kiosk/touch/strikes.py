"""One press is one act: the second strike of a shaking hand is left out (EN 301 549, 5.8 and 5.9)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Strikes:
    """`double_s`: so long the same button does not act again; `key_s`: the same for keys to type with.

    EN 301 549 asks that it can be set to half a second.
    """

    double_s: float = 0.5
    key_s: float = 0.0
    _last: str = ""
    _at: float = float("-inf")

    def allow(self, name: str, repeats: bool, now: float) -> bool:
        """Whether a press of `name` at `now` (s) acts; `repeats`: it is a key."""
        limit = self.key_s if repeats else self.double_s
        return name != self._last or now - self._at >= limit

    def note(self, name: str, now: float) -> None:
        """It acted."""
        self._last, self._at = name, now
