"""Single answers counted by each driver, as a store's own sums would be: for tests of what is made of the sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from queue_server.satisfaction.drivers import By, Key, Tally
from queue_server.wire.words import Frozen

WAIT_EDGES = (5, 10, 15, 20, 30, 60)
"""Minutes at which a new band of waits begins; 15 is the target."""
UNKNOWN = ""
"""The level of answers of which the driver is not known."""


class Answer(Frozen):
    """One answer: satisfied or not, and what is known of its visit. `hour` 0–23, of the centre's clock."""

    satisfied: bool
    wait_minutes: float | None = None
    service: str = UNKNOWN
    hour: int | None = None
    procedure: str = UNKNOWN
    group: str = UNKNOWN


def tallied(
    answers: Iterable[Answer], edges: Sequence[int] = WAIT_EDGES
) -> dict[str, tuple[Tally, ...]]:
    """The answers counted by each driver, as a store's own sums would be."""
    counts: dict[str, dict[Key, list[int]]] = {by: {} for by in By}
    for answer in answers:
        for by, key in _keys(answer, edges).items():
            count = counts[by].setdefault(key, [0, 0])
            count[0] += 1
            count[1] += answer.satisfied
    return {
        by: tuple(
            Tally(level=level, answers=n, satisfied=good, within=within)
            for (within, level), (n, good) in sorted(levels.items())
        )
        for by, levels in counts.items()
    }


def band(minutes: float | None, edges: Sequence[int] = WAIT_EDGES) -> str:
    """The band of a wait: `05-10` from 5 to under 10 minutes, `60-` from 60 on; names sort by length."""
    if minutes is None:
        return UNKNOWN
    wide = len(str(max(edges)))
    low = max((edge for edge in edges if edge <= minutes), default=0)
    high = min((edge for edge in edges if edge > minutes), default=None)
    return f"{low:0{wide}}-" + ("" if high is None else f"{high:0{wide}}")


def _keys(answer: Answer, edges: Sequence[int]) -> dict[str, Key]:
    return {
        By.WAIT: ("", band(answer.wait_minutes, edges)),
        By.SERVICE: ("", answer.service),
        By.HOUR: ("", UNKNOWN if answer.hour is None else f"{answer.hour:02}"),
        By.PROCEDURE: (answer.service, answer.procedure),
        By.GROUP: ("", answer.group),
    }
