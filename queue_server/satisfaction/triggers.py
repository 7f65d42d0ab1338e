"""When somebody is to look: a trigger over the last minutes' answers, and the life of the alert that it opens.

Three measures, after HappyOrNot's practice: the share of negative answers (at first 50 % in 15 minutes, of at least 4),
an index against a limit, a given answer so many times. An alert ends by itself only when answers have become clearly
better again (`ease`), not when they merely stop; and after an end its trigger rests (`rest_minutes`). So it does not
flutter about its limit.

Nobody's answer stands in an alert: it says how many, and how it was in the room. Times are ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec.structs import replace

from ..wire.words import MINUTE, Frozen

LONGEST_WORDS = 500


class Measure(StrEnum):
    NEGATIVE = "negative"
    """The percentage of answers at `negative_to` or below, from `limit` on."""
    INDEX = "index"
    """The mean of the answers, 0 (all the worst) to 100 (all the best): below `limit`, or `above` it."""
    ANSWER = "answer"
    """The answer `answer`, `limit` times."""


class Trigger(Frozen):
    """What is watched. `counter`, `service`: these alone; None: all. `fewest`: with fewer answers nothing is said.

    `ease`: how far beyond the limit, in its unit, is clearly better again.
    """

    id: str
    measure: Measure = Measure.NEGATIVE
    limit: float = 50.0
    ease: float = 10.0
    minutes: int = 15
    fewest: int = 4
    rest_minutes: int = 15
    above: bool = False
    answer: int = 1
    negative_to: int = 2
    worst: int = 1
    best: int = 5
    counter: int | None = None
    service: str | None = None
    ends_itself: bool = True


def negative_share(id: str = "negative") -> Trigger:
    """The one to start with: half of at least four answers within a quarter of an hour."""
    return Trigger(id=id)


def low_index(id: str = "index", limit: float = 60.0) -> Trigger:
    """The index of the last hour below its limit; over again from five more on."""
    return Trigger(id=id, measure=Measure.INDEX, limit=limit, ease=5, minutes=60, fewest=10)


def bad_answers(id: str = "worst", times: int = 3) -> Trigger:
    """The worst answer three times within a quarter of an hour; over again when it comes no more."""
    return Trigger(id=id, measure=Measure.ANSWER, limit=times, ease=times, fewest=1)


FEWEST, FEWEST_TIMES, LONGEST_MINUTES = 4, 3, 60
"""With fewer answers, or a given one fewer times, an alert would tell single visitors' answers."""


def is_sound(trigger: Trigger) -> bool:
    """Whether it can fire, looks back no longer than answers are held, and tells nobody's answer."""
    low, high = sorted((trigger.worst, trigger.best))
    if low == high or not 1 <= trigger.minutes <= LONGEST_MINUTES or trigger.rest_minutes < 0:
        return False
    if trigger.measure is Measure.ANSWER:
        return trigger.limit >= FEWEST_TIMES and low <= trigger.answer <= high
    return trigger.fewest >= FEWEST and 0 < trigger.limit <= 100


class Answer(Frozen):
    """One answer at the moment at which it was pressed."""

    at: int
    score: int
    counter: int
    service: str = ""


class Reading(Frozen):
    """What a trigger sees: `value` in its measure's unit over `n` answers; None: too few.

    `better`: clearly so, by `ease`. Between the two nothing changes.
    """

    value: float | None = None
    n: int = 0
    fires: bool = False
    better: bool = False


class Moment(Frozen):
    """How it stood in the room, given by whoever asks: people waiting, the minutes that a newcomer would wait,
    counters open, and officers at them."""

    waiting: int = 0
    wait_minutes: float | None = None
    counters_open: int = 0
    officers: int = 0


class AlertStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Comment(Frozen):
    """What somebody of the centre wrote; it may name people, so it is kept sealed like other free words."""

    at: int
    by: str
    words: str


class Alert(Frozen):
    """One alert and how it stands. 0: not yet; `closed_by` empty: it ended by itself."""

    id: str
    trigger: str
    opened_at: int
    reading: Reading
    moment: Moment = Moment()
    status: AlertStatus = AlertStatus.OPEN
    acknowledged_at: int = 0
    acknowledged_by: str = ""
    closed_at: int = 0
    closed_by: str = ""
    comments: tuple[Comment, ...] = ()


class Wrong(StrEnum):
    """Why a step cannot be taken."""

    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    CLOSED = "alert_closed"
    NO_WORDS = "words_missing"
    LONG_WORDS = "words_too_long"


class WrongStep(Exception):
    """The alert does not stand so that this can be done; `code` says why."""

    def __init__(self, code: Wrong) -> None:
        super().__init__(code.value)
        self.code = code


# --- what is seen -------------------------------------------------------------------------------


def read(trigger: Trigger, answers: Iterable[Answer], at: int) -> Reading:
    """What the trigger says of the answers of its last minutes up to `at`."""
    since = at - trigger.minutes * MINUTE
    scores = [a.score for a in answers if since < a.at <= at and _concerns(trigger, a)]
    if len(scores) < trigger.fewest and trigger.measure is not Measure.ANSWER:
        return Reading(n=len(scores))
    value = _value(trigger, scores)
    bad, better = trigger.limit, trigger.limit - trigger.ease
    if trigger.measure is Measure.INDEX and not trigger.above:
        value, bad, better = -value, -bad, better - 2 * trigger.limit
    fires = value > bad if trigger.measure is Measure.INDEX else value >= bad
    return Reading(
        value=abs(value),
        n=len(scores),
        fires=fires and len(scores) >= trigger.fewest,
        better=not fires and value <= better,
    )


def _concerns(trigger: Trigger, answer: Answer) -> bool:
    return trigger.counter in (None, answer.counter) and trigger.service in (None, answer.service)


def _value(trigger: Trigger, scores: list[int]) -> float:
    match trigger.measure:
        case Measure.NEGATIVE:
            return 100 * sum(s <= trigger.negative_to for s in scores) / len(scores)
        case Measure.INDEX:
            mean = sum(scores) / len(scores)
            return 100 * (mean - trigger.worst) / (trigger.best - trigger.worst)
        case Measure.ANSWER:
            return float(scores.count(trigger.answer))


# --- the life of an alert -----------------------------------------------------------------------


def watch(
    trigger: Trigger, reading: Reading, last: Alert | None, at: int, moment: Moment, id: str
) -> Alert | None:
    """The alert that is new or has ended by this reading, None where nothing changes.

    `last`: this trigger's latest alert; a new one is named `id` and keeps `moment`.
    """
    if last is not None and last.status is not AlertStatus.CLOSED:
        return _ended(last, at) if reading.better and trigger.ends_itself else None
    rests = last is not None and at < last.closed_at + trigger.rest_minutes * MINUTE
    if rests or not reading.fires:
        return None
    return Alert(id=id, trigger=trigger.id, opened_at=at, reading=reading, moment=moment)


def acknowledge(alert: Alert, by: str, at: int) -> Alert:
    """Somebody looks after it."""
    _not_closed(alert)
    if alert.status is AlertStatus.ACKNOWLEDGED:
        raise WrongStep(Wrong.ALREADY_ACKNOWLEDGED)
    return replace(alert, status=AlertStatus.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by)


def comment(alert: Alert, by: str, at: int, words: str) -> Alert:
    """A word on an alert that is not closed."""
    _not_closed(alert)
    return replace(alert, comments=(*alert.comments, Comment(at=at, by=by, words=_tidy(words))))


def close(alert: Alert, by: str, at: int, words: str) -> Alert:
    """By a person: only what was acknowledged, and with a word on what was found or done."""
    _not_closed(alert)
    if alert.status is not AlertStatus.ACKNOWLEDGED:
        raise WrongStep(Wrong.NOT_ACKNOWLEDGED)
    said = comment(alert, by, at, words)
    return replace(said, status=AlertStatus.CLOSED, closed_at=at, closed_by=by)


def _ended(alert: Alert, at: int) -> Alert:
    return replace(alert, status=AlertStatus.CLOSED, closed_at=at)


def _not_closed(alert: Alert) -> None:
    if alert.status is AlertStatus.CLOSED:
        raise WrongStep(Wrong.CLOSED)


def _tidy(words: str) -> str:
    tidy = words.strip()
    if not tidy:
        raise WrongStep(Wrong.NO_WORDS)
    if len(tidy) > LONGEST_WORDS:
        raise WrongStep(Wrong.LONG_WORDS)
    return tidy
