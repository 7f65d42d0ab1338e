"""The plan of a simulated day: who comes when and wants what, who works when. Pure: chance comes by a seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from ...line.setup import Setup
from ...wire.words import Frozen, Language
from .manners import Manners

Sessions = tuple[tuple[int, int], ...]
KIOSK, PHONE, GUIDE = "kiosk", "phone", "guide"
REASONS = ("waiting", "guidance", "attitude", "repeated", "paperwork", "late", "fees", "facilities")
POOR = 3
LONGEST = 5.0
"""No service takes longer than so many times its mean."""


class Visit(Frozen):
    """One person's day at the centre. `at` in minutes after midnight, spans in minutes.

    `asks` is the service she takes a number for, `needs` the one she came for. `leaves_after`: gone
    if she is not called by then. `score` None: she does not answer at the counter.
    """

    at: float
    asks: str
    needs: str
    minutes: float
    door: str = KIOSK
    language: Language = Language.VI
    touching: float = 0.5
    walking: float = 0.5
    priority: str | None = None
    late_priority: str | None = None
    misses_call: bool = False
    comes_back: bool = False
    back_after: float = 4.0
    leaves_after: float | None = None
    tells: bool = False
    steps_out: bool = False
    abandons: bool = False
    double_tap: bool = False
    help: bool = False
    parks: bool = False
    dossiers: int = 0
    score: int | None = None
    reasons: tuple[str, ...] = ()
    survey: bool = False
    accepts_later: bool = False


class Rest(Frozen):
    """A time away from the counter. `why` is a key under `[rest]` in the texts."""

    begins: float
    ends: float
    why: str


class Shift(Frozen):
    """An officer's day at her counter; `rests` in order."""

    account: str
    counter: int
    opens: float
    closes: float
    rests: tuple[Rest, ...] = ()


def plan(setup: Setup, manners: Manners, seed: int, weekday: str = "mon") -> list[Visit]:
    """The day's visitors in the order in which they come; all within the opening hours."""
    chance = Random(seed)
    sessions = setup.hours.sessions.get(weekday, ())
    wanted = demand(setup, manners, sessions)
    total = round(sum(wanted.values()))
    minutes = list(_minutes(manners, sessions))
    if not minutes or not total:
        return []
    weights = [_rush(manners, minute) for minute in minutes]
    arrivals = sorted(m + chance.random() for m in chance.choices(minutes, weights, k=total))
    services = chance.choices(list(wanted), list(wanted.values()), k=total)
    return [
        visit(setup, manners, chance, at, service)
        for at, service in zip(arrivals, services, strict=True)
    ]


def demand(setup: Setup, manners: Manners, sessions: Sessions) -> dict[str, float]:
    """Visitors a day by service, so that every counter has `load` to do: its minutes ÷ service time."""
    opened = sum(end - begin for begin, end in sessions)
    given: dict[str, float] = {s.id: 0.0 for s in setup.services}
    for counter in setup.counters:
        for service in counter.serves:
            given[service] += opened / len(counter.serves)
    return {
        s.id: manners.load
        * given[s.id]
        / (s.mean_minutes * manners.service_factor + manners.walking)
        for s in setup.services
        if given[s.id]
    }


def _minutes(manners: Manners, sessions: Sessions) -> Iterator[int]:
    """Every minute at which somebody may come in."""
    for begin, end in sessions:
        yield from range(round(begin - manners.early), round(end - manners.last))


def _rush(manners: Manners, minute: int) -> float:
    return next((times for begin, end, times in manners.peaks if begin <= minute < end), 1.0)


def visit(setup: Setup, manners: Manners, chance: Random, at: float, needs: str) -> Visit:
    """One person who comes then for this service."""

    def happens(share: float) -> bool:
        return chance.random() < share

    service = setup.service(needs)
    assert service is not None
    mean = service.mean_minutes * manners.service_factor
    others = [s.id for s in setup.services if s.id != needs]
    group = chance.choice(setup.priorities).id if setup.priorities else None
    claims = happens(manners.priority)
    score = _score(manners, chance) if happens(manners.answers) else None
    return Visit(
        at=at,
        needs=needs,
        asks=chance.choice(others) if others and happens(manners.wrong_choice) else needs,
        minutes=min(lognormal(chance, mean, service.cv), LONGEST * mean),
        door=_door(manners, chance),
        language=Language.EN if happens(manners.english) else Language.VI,
        touching=_around(chance, manners.touching),
        walking=_around(chance, manners.walking),
        priority=group if claims else None,
        late_priority=group if not claims and happens(manners.late_priority) else None,
        misses_call=happens(manners.no_show),
        comes_back=happens(manners.comes_back),
        back_after=_around(chance, manners.back_after),
        leaves_after=_around(chance, manners.patience) if happens(manners.leaves) else None,
        tells=happens(manners.tells),
        steps_out=happens(manners.steps_out),
        abandons=happens(manners.abandons),
        double_tap=happens(manners.double_tap),
        help=happens(manners.help),
        parks=happens(manners.parks),
        dossiers=chance.choice((1, 1, 1, 1, 2, 3)) if happens(manners.with_dossier) else 0,
        score=score,
        reasons=tuple(chance.sample(REASONS, 2)) if score is not None and score <= POOR else (),
        survey=score is None and happens(manners.survey),
        accepts_later=happens(manners.accepts_later),
    )


def _door(manners: Manners, chance: Random) -> str:
    shares = (1.0 - manners.phone - manners.by_guide, manners.phone, manners.by_guide)
    return chance.choices((KIOSK, PHONE, GUIDE), shares)[0]


def _score(manners: Manners, chance: Random) -> int:
    return chance.choices((1, 2, 3, 4, 5), manners.scores)[0]


def _around(chance: Random, mean: float) -> float:
    """Half as much to half as much again."""
    return mean * chance.uniform(0.5, 1.5)


def shifts(setup: Setup, manners: Manners, seed: int, weekday: str = "mon") -> list[Shift]:
    """Who works where. One half goes to lunch first, the other when the first are back."""
    chance = Random(seed)
    sessions = setup.hours.sessions.get(weekday, ())
    if not sessions:
        return []
    taken: dict[int, Shift] = {}
    for place, officer in enumerate(setup.officers):
        counter = setup.counter(officer.counter or 0)
        if counter is None or counter.id in taken:
            continue
        rests = [*_lunches(sessions, place), *_pauses(manners, chance, sessions)]
        taken[counter.id] = Shift(
            account=officer.account,
            counter=counter.id,
            opens=sessions[0][0] - chance.uniform(0, 2),
            closes=float(sessions[-1][1]),
            rests=_apart(rests),
        )
    return list(taken.values())


def _lunches(sessions: Sessions, place: int) -> Iterator[Rest]:
    for (_, closed), (opened, _) in itertools.pairwise(sessions):
        half = (opened - closed) / 2
        begins = closed + (half if place % 2 else 0.0)
        yield Rest(begins=begins, ends=begins + half, why="lunch")


def _pauses(manners: Manners, chance: Random, sessions: Sessions) -> Iterator[Rest]:
    for begin, end in sessions:
        if chance.random() < manners.pauses:
            begins = chance.uniform(begin + 30, max(begin + 30, end - 30))
            ends = begins + _around(chance, manners.pausing)
            yield Rest(begins=begins, ends=ends, why=chance.choice(("short", "documents")))


def waits_for_rest(rests: Sequence[Rest], until: float) -> bool:
    """Whether there is a rest that would begin before then."""
    return bool(rests) and rests[0].begins < until


def put_off(rests: Sequence[Rest], until: float) -> list[Rest]:
    """The next rest begins then, as long as it was; it takes the place of those that it runs into."""
    if not waits_for_rest(rests, until):
        return list(rests)
    first = rests[0]
    ends = until + first.ends - first.begins
    later = msgspec.structs.replace(first, begins=until, ends=ends)
    return [later, *(r for r in rests[1:] if r.begins >= ends)]


def _apart(rests: list[Rest]) -> tuple[Rest, ...]:
    """In order, without those that begin before the one before has ended."""
    kept: list[Rest] = []
    for rest in sorted(rests, key=lambda r: r.begins):
        if not kept or rest.begins >= kept[-1].ends:
            kept.append(rest)
    return tuple(kept)


def lognormal(chance: Random, mean: float, cv: float) -> float:
    """A lognormal number of this mean and coefficient of variation."""
    variance = math.log(1 + cv * cv)
    return chance.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))
