"""What a visit is expected to take, and at which pace a counter works, before it is seen: from the log's lessons."""

from __future__ import annotations

from typing import Protocol

from .setup import Setup
from .times import Times

START_MINUTES = 8.0
"""Of a service that is no longer set up."""
SHORTEST = 0.2
"""Few copies shorten a visit to no less than this share."""
MOST_DOSSIERS = 10


class Known(Protocol):
    """What the kiosk knows of a visit: a ticket holds it, and the order that makes one."""

    @property
    def prepared(self) -> bool: ...
    @property
    def copies(self) -> int: ...
    @property
    def supplement(self) -> bool: ...
    @property
    def dossiers(self) -> int: ...


def minutes_of(visit: Known, service: str, asked: str, setup: Setup, times: Times) -> float:
    """Expected minutes of this errand at a counter of mean pace: learned, else the service's set mean.

    What the kiosk knows tells of the errand `asked` only; a further one takes its service's mean.
    """
    learned = times.services.get(service)
    settled = setup.service(service)
    start = START_MINUTES if settled is None else settled.mean_minutes
    mean = start if learned is None else learned.mean
    if service != asked:
        return mean
    factor = float(min(max(1, visit.dossiers), MOST_DOSSIERS))
    if visit.supplement:
        factor *= setup.rules.supplement_factor
    if learned is not None and visit.prepared:
        factor *= learned.prepared
    if learned is not None and visit.copies:
        more = learned.per_copy * (visit.copies - learned.copies)
        factor *= max(SHORTEST, 1.0 + more / mean)
    return mean * factor


def believed_pace(counter: int, officer: str, service: str, setup: Setup, times: Times) -> float:
    """Factor on the minutes of a service at this counter and officer: learned, else by home and help."""
    known = times.officers.get(f"{officer}:{service}") if officer else None
    if known is None:
        known = times.counters.get(f"{counter}:{service}")
    if known is not None:
        return known
    settled = setup.counter(counter)
    home = settled is not None and settled.serves[0] == service
    return 1.0 if home else times.helps
