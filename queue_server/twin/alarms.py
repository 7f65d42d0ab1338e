"""Alarms: breaches that looks ahead foretell, when they are raised and withdrawn, and how often they were right.

An alarm names a service and one half-hour. It stands from the look whose chance reaches `raise_at` until one
whose chance falls under `drop_at`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..line.rule import Line
from .engine import Run
from .outlook import HALF_HOUR, TARGET, Look

RAISE_AT = 0.52
DROP_AT = 0.15
AHEAD = 15.0
"""A half-hour is named at the earliest so many minutes before it begins: sooner, more alarms are false."""
BEFORE = 10.0
"""A breach is foretold if its alarm stands so many minutes before the half-hour's mean passes the target."""


@dataclass(frozen=True)
class Alarm:
    """`half_hour` is numbered from midnight; `chance`: when it was raised."""

    service: int
    half_hour: int
    raised: float
    chance: float
    withdrawn: float = math.inf


@dataclass(frozen=True)
class Breach:
    """A half-hour that came out over the target; `passed`: when its mean first was."""

    service: int
    half_hour: int
    passed: float
    wait: float


@dataclass(frozen=True)
class AlarmScore:
    """`false_alarms`: alarms whose half-hour was no breach. `episodes` join a service's alarms of adjoining
    half-hours; one is false if none of its half-hours, nor one beside them, was a breach."""

    breaches: int
    foretold: int
    alarms: int
    false_alarms: int
    episodes: int
    false_episodes: int


class Alarms:
    """The alarms that stand, and all that have stood. Only half-hours that have not begun are named."""

    def __init__(
        self, raise_at: float = RAISE_AT, drop_at: float = DROP_AT, ahead: float = AHEAD
    ) -> None:
        self._raise_at, self._drop_at, self._ahead = raise_at, drop_at, ahead
        self._standing: dict[tuple[int, int], Alarm] = {}
        self._over: list[Alarm] = []

    def hear(self, look: Look) -> list[Alarm]:
        """Takes in one look; gives the alarms that it raises."""
        raised = []
        for service in range(look.chance.shape[0]):
            for slot in range(1, look.chance.shape[1]):
                if (look.first + slot) * HALF_HOUR > look.now + self._ahead:
                    break
                key, chance = (service, look.first + slot), float(look.chance[service, slot])
                known = self._standing.get(key)
                if known is None and chance >= self._raise_at:
                    self._standing[key] = Alarm(*key, look.now, chance)
                    raised.append(self._standing[key])
                elif known is not None and chance < self._drop_at:
                    self._over.append(replace(self._standing.pop(key), withdrawn=look.now))
        return raised

    def standing(self, now: float) -> list[Alarm]:
        """Those whose half-hour is not over."""
        return [a for a in self._standing.values() if (a.half_hour + 1) * HALF_HOUR > now]

    def all(self) -> list[Alarm]:
        return sorted([*self._over, *self._standing.values()], key=lambda a: a.raised)


def breaches_of(line: Line, run: Run, services: int, target: float = TARGET) -> list[Breach]:
    """The breaches of a played day. Waits count where the visitor was called."""
    called = np.asarray(run.called)
    waits = np.maximum(called - np.asarray(line.since), 0.0)
    slots = np.floor(called / HALF_HOUR).astype(int)
    service = np.asarray(line.service)
    found = []
    for s in range(services):
        for slot in sorted(set(slots[(called >= 0) & (service == s)].tolist())):
            rows = np.flatnonzero((service == s) & (slots == slot) & (called >= 0))
            rows = rows[np.argsort(called[rows], kind="stable")]
            running = np.cumsum(waits[rows]) / np.arange(1, len(rows) + 1)
            if running[-1] > target:
                passed = float(called[rows[int(np.argmax(running > target))]])
                found.append(Breach(s, int(slot), passed, float(running[-1])))
    return found


def scored(
    breaches: Sequence[Breach], alarms: Sequence[Alarm], before: float = BEFORE
) -> AlarmScore:
    """How many breaches were foretold, and how many alarms were false."""
    happened = {(b.service, b.half_hour) for b in breaches}
    foretold = sum(any(_told(a, b, before) for a in alarms) for b in breaches)
    named = {(a.service, a.half_hour) for a in alarms}
    episodes = _episodes(named)
    return AlarmScore(
        breaches=len(breaches),
        foretold=foretold,
        alarms=len(named),
        false_alarms=len(named - happened),
        episodes=len(episodes),
        false_episodes=sum(
            not any((s, h) in happened for h in range(first - 1, last + 2))
            for s, first, last in episodes
        ),
    )


def _told(alarm: Alarm, breach: Breach, before: float) -> bool:
    same = (alarm.service, alarm.half_hour) == (breach.service, breach.half_hour)
    return same and alarm.raised <= breach.passed - before < alarm.withdrawn


def _episodes(named: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(service, first half-hour, last) of each unbroken stretch."""
    found: list[tuple[int, int, int]] = []
    for service, slot in sorted(named):
        if found and found[-1][0] == service and found[-1][2] == slot - 1:
            found[-1] = (service, found[-1][1], slot)
        else:
            found.append((service, slot, slot))
    return found


def total(scores: Iterable[AlarmScore]) -> AlarmScore:
    """Of several days."""
    columns: list[Any] = [
        (s.breaches, s.foretold, s.alarms, s.false_alarms, s.episodes, s.false_episodes)
        for s in scores
    ]
    return (
        AlarmScore(*(sum(c) for c in zip(*columns, strict=True)))
        if columns
        else AlarmScore(*[0] * 6)
    )
