"""Made days of made centres (`motcua simulate --generate`): known causes, any number of them, no real person.

A *centre* is drawn once from the family's name (and a variant number); a seed draws one of its days. Days of
one centre therefore share services, skills and the usual shape of the day, as history and tomorrow do.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng

from .day import Day, DayCounter, DayService, DayVisitor

OPENS, CLOSES = 480.0, 960.0
SERVICES = 8
NAMES = (
    "Chứng thực",
    "Hộ tịch",
    "Cư trú, căn cước",
    "Đất đai",
    "Hộ kinh doanh",
    "Xây dựng",
    "Bảo trợ xã hội",
    "Trả kết quả",
)
PEAKS = ((540.0, 40.0, 1.6), (840.0, 50.0, 1.1))
"""(minute, spread in minutes, height over the flat rate): mid-morning and after lunch."""
DAY_SPREAD = 0.06
CLOSED = (600.0, 660.0)
"""The last counter is closed for this hour, known to all."""


@dataclass(frozen=True)
class Family:
    """What kind of centre. `skills`: services a counter serves; shares are of visitors."""

    skills: int = 3
    counters: int = 12
    priority: float = 0.12
    no_show: float = 0.05
    booked: float = 0.0
    surge: bool = False
    slower: float = 1.0
    foretold: float = 0.0
    spread_of_days: float = DAY_SPREAD
    closed_hour: bool = True
    more_to_open: int = 0


FAMILIES: dict[str, Family] = {
    "siloed": Family(skills=1),
    "paired": Family(skills=2),
    "mixed": Family(skills=3),
    "full": Family(skills=SERVICES),
    "appointments": Family(booked=0.3),
    "surge": Family(surge=True),
    "priority5": Family(priority=0.05),
    "priority30": Family(priority=0.30),
    "slower": Family(slower=0.85),
    "foretold": Family(foretold=0.5),
    "roster": Family(counters=24),
}


class UnknownFamily(Exception):
    pass


@dataclass(frozen=True)
class Centre:
    family: Family
    means: np.ndarray
    """Minutes by service."""
    cvs: np.ndarray
    mix: np.ndarray
    """Share of visitors by service."""
    serves: tuple[tuple[int, ...], ...]
    """Services by counter, the home service first."""


def centre_of(name: str, variant: int = 0) -> Centre:
    """The centre of a family. Raises UnknownFamily."""
    family = FAMILIES.get(name)
    if family is None:
        raise UnknownFamily(f"unknown family {name}; known: {', '.join(FAMILIES)}")
    # Families with the same skills are the same centre, so that only what the name says differs.
    rng = default_rng([zlib.crc32(b"centre"), family.skills, family.counters, variant])
    means = rng.permutation(np.linspace(3.0, 14.0, SERVICES))
    cvs = rng.uniform(0.6, 0.9, SERVICES)
    mix = rng.dirichlet(np.full(SERVICES, 6.0))
    work = mix * means
    homes = _homes(work / work.sum(), family.counters)
    return Centre(family, means, cvs, mix, _skills(rng, homes, work, family.skills))


def _homes(work: np.ndarray, counters: int) -> list[int]:
    """One home service a counter: each service once, then to where most work falls on one counter."""
    given = np.ones(len(work))
    homes = list(range(min(counters, len(work))))
    for _ in range(counters - len(homes)):
        service = int(np.argmax(work / given))
        given[service] += 1
        homes.append(service)
    return homes


def _skills(
    rng: Generator, homes: list[int], work: np.ndarray, most: int
) -> tuple[tuple[int, ...], ...]:
    """Further skills for each counter, those services first that have least help for their work."""
    known = [[home] for home in homes]
    helped = np.bincount(homes, minlength=len(work)).astype(float)
    for _ in range(1, most):
        for mine in (known[k] for k in rng.permutation(len(homes))):
            free = [s for s in range(len(work)) if s not in mine]
            if not free:
                continue
            need = np.array([work[s] / helped[s] for s in free]) * rng.uniform(0.5, 1.5, len(free))
            service = free[int(np.argmax(need))]
            mine.append(service)
            helped[service] += 0.5
    return tuple(tuple(mine) for mine in known)


def generate(name: str, load: float, seed: int, variant: int = 0, volume: float = 0.0) -> Day:
    """One day. `load`: expected work ÷ counter time. `volume`: counter-minutes that the load is
    measured against (0: those of the day's own counters)."""
    centre = centre_of(name, variant)
    return day_of_centre(centre, load, seed, volume)


def day_of_centre(centre: Centre, load: float, seed: int, volume: float = 0.0) -> Day:
    family, rng = centre.family, default_rng([seed, 77])
    counters = _counters(centre)
    minutes = volume or sum(end - begin for c in counters for begin, end in c.open)
    expected = load * minutes / float((centre.mix * centre.means).sum())
    day_factor = (
        rng.gamma(1 / family.spread_of_days**2, family.spread_of_days**2)
        if family.spread_of_days
        else 1.0
    )
    many = int(rng.poisson(expected * day_factor))
    visitors = [_visitor(centre, rng, at) for at in _arrivals(rng, many, family.surge)]
    return Day(
        services=tuple(
            DayService(id=f"S{k}", name=NAMES[k], mean_minutes=round(float(centre.means[k]), 2))
            for k in range(SERVICES)
        ),
        counters=counters,
        visitors=tuple(sorted(visitors, key=lambda v: v.arrives)),
        no_show_minutes=1.0,
        day=f"seed-{seed}",
    )


def _counters(centre: Centre) -> tuple[DayCounter, ...]:
    family = centre.family
    counters = []
    for place, serves in enumerate(centre.serves):
        spans: tuple[tuple[float, float], ...] = ((OPENS, CLOSES),)
        if family.closed_hour and place == len(centre.serves) - 1:
            spans = ((OPENS, CLOSED[0]), (CLOSED[1], CLOSES))
        speed = {f"S{s}": family.slower for s in serves[1:]} if family.slower != 1.0 else {}
        counters.append(
            DayCounter(id=place + 1, serves=tuple(f"S{s}" for s in serves), open=spans, speed=speed)
        )
    return tuple(counters)


def _arrivals(rng: Generator, many: int, surge: bool) -> np.ndarray:
    """Minutes of arrival, from two peaks on a flat rate, and a busload in ten minutes if there is a surge."""
    slots = np.arange(OPENS, CLOSES - 15.0)
    rate = np.ones(len(slots))
    for peak, spread, height in PEAKS:
        rate += height * np.exp(-(((slots - peak) / spread) ** 2) / 2)
    at = rng.choice(slots, many, p=rate / rate.sum()) + rng.random(many)
    if surge:
        begins = rng.uniform(570, 630)
        moved = rng.random(many) < 0.06
        at[moved] = begins + 10.0 * rng.random(int(moved.sum()))
    return np.sort(at)


def _visitor(centre: Centre, rng: Generator, at: float) -> DayVisitor:
    family = centre.family
    service = int(rng.choice(SERVICES, p=centre.mix))
    mean, cv = float(centre.means[service]), float(centre.cvs[service])
    known = float(np.log(1 + cv * cv))
    foretold = known * family.foretold
    lift = rng.normal(-foretold / 2, np.sqrt(foretold)) if foretold else 0.0
    rest = known - foretold
    minutes = mean * np.exp(lift + rng.normal(-rest / 2, np.sqrt(rest)))
    booked = None
    if rng.random() < family.booked:
        booked = round(float(at) / 15.0) * 15.0
        at = max(OPENS - 10.0, booked + rng.normal(-6.0, 8.0))
    return DayVisitor(
        arrives=round(float(at), 3),
        service=f"S{service}",
        priority="elderly" if rng.random() < family.priority else None,
        minutes=round(float(max(minutes, 0.2)), 3),
        shows=bool(rng.random() >= family.no_show),
        booked=booked,
        expected=round(mean * float(np.exp(lift)), 2) if foretold else None,
    )
