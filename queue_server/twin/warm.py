"""`python -m queue_server.twin.warm`: compiles the twin's loops once, so that nobody waits for it later."""

from __future__ import annotations

from ..line.rule import Weights
from .foretell import replay_telling
from .generate import generate


def warm() -> None:
    """Plays a small day with estimates; the compiled code is kept beside the user's other caches."""
    replay_telling(generate("mixed", 0.5, 1), "balanced", Weights(), many=2)


if __name__ == "__main__":
    warm()
