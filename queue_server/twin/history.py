"""A replayed day as the past: who was called where, when and until when, and nothing that only the world knew."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from .day import Day, DayVisitor, Further
from .replay import Called


def as_history(day: Day, found: Sequence[Sequence[Called]]) -> Day:
    """The day as a later day may learn from it; `found` are each visitor's transactions (`replay`)."""
    visitors = tuple(
        _been(visitor, errands) for visitor, errands in zip(day.visitors, found, strict=True)
    )
    counters = tuple(replace(counter, speed={}) for counter in day.counters)
    return replace(day, visitors=visitors, counters=counters)


def _been(visitor: DayVisitor, errands: Sequence[Called]) -> DayVisitor:
    if not errands:
        return replace(visitor, minutes=None)
    first, *rest = errands
    return replace(
        visitor,
        minutes=None,
        called=first.called,
        counter=first.counter,
        finished=first.finished,
        was=first.service if first.service != visitor.service else "",
        further=tuple(
            Further(
                service=c.service,
                counter=c.counter,
                called=c.called,
                finished=c.finished,
                wait=c.wait,
            )
            for c in rest
        ),
    )
