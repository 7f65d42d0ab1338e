"""Old pictures go in the pauses between touches, and never while somebody touches."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from kiosk.touch.tidy import LONG_PAUSE_S, PAUSE_S, THRESHOLDS, Tidy


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """As it was, for the tests that come after."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Noting(Tidy):
    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def throw_away(self) -> None:
        self.done.append("throw_away")
        super().throw_away()

    def set_apart(self) -> None:
        self.done.append("set_apart")
        super().set_apart()


def test_nothing_is_done_while_somebody_touches() -> None:
    tidy = Noting()
    assert gc.get_threshold() == THRESHOLDS
    for tenth in range(50):
        touched = 100 + tenth / 10
        tidy.look(touched_at=touched, now=touched + PAUSE_S / 2)
    assert tidy.done == []


def test_a_pause_throws_away_once_and_a_long_one_sets_apart_once() -> None:
    tidy = Noting()
    for second in range(1, 60):
        tidy.look(touched_at=100, now=100 + second)
    assert tidy.done == ["throw_away", "set_apart"]
    tidy.look(touched_at=170, now=170 + PAUSE_S)
    tidy.look(touched_at=170, now=170 + LONG_PAUSE_S)
    assert tidy.done[2:] == ["throw_away", "set_apart"]


def test_pictures_full_of_cycles_are_gone_after_a_pause() -> None:
    class Picture:
        def __init__(self) -> None:
            self.itself = self

    tidy = Tidy()
    gc.disable()
    try:
        for _ in range(20):
            Picture()
        assert sum(isinstance(x, Picture) for x in gc.get_objects()) == 20
        tidy.look(touched_at=0, now=PAUSE_S)
        assert not any(isinstance(x, Picture) for x in gc.get_objects())
    finally:
        gc.enable()
