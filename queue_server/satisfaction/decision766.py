"""Quyết định 766/QĐ-TTg (2022), group 5, the degree of satisfaction: 5.1 to 5.4. 18 of its 100 points.

5.1 how much feedback (PAKN) is sorted, 5.2 how much is dealt with in time, 5.3 how many are content with the answer,
5.4 satisfaction with procedures = 100 % − (share late + share complained of). Percents and points have two decimals (a
half goes up); a denominator of 0 is "N/A", which is neither 0 % nor 100 %.

Two of the formulas call satisfied whoever says nothing. That is the decision's own choice; the silent are counted
beside the figure (`Satisfaction.silent`), and what people say when they are asked stands in the other calculators.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from ..wire.words import Frozen
from .figure import Certainty, Figure, Source, half_up, is_enough
from .intervals import ENOUGH, Interval, wilson

REFUSE_DAYS, ASK_DAYS, ANSWER_DAYS, PUBLISH_DAYS = 2, 5, 15, 2
"""Working days: to refuse, to ask for more, to answer, and after the answer to publish it."""
MOST_SUPPLEMENTS = 1
"""Who is asked for more papers more often than this is counted as served late."""

SORTED = Source(article="QĐ 766/QĐ-TTg 5.1", certainty=Certainty.UNSURE)
IN_TIME = Source(article="QĐ 766/QĐ-TTg 5.2", certainty=Certainty.SOURCED)
CONTENT = Source(article="QĐ 766/QĐ-TTg 5.3", certainty=Certainty.SOURCED)
SATISFIED = Source(article="QĐ 766/QĐ-TTg 5.4", certainty=Certainty.SOURCED)


class Weight(Frozen):
    """`most` points from `full_at` percent on, below in proportion."""

    most: float
    full_at: float = 100.0
    certainty: Certainty = Certainty.UNSURE


class Weights(Frozen):
    """Points of each index. That 18 are 6, 6 and 6, and 5.4 full at 90 %, was read; the rest is unsure.

    5.1 is taken to be told and not weighed, since four indices share three weights.
    """

    sorted: Weight = Weight(most=0)
    in_time: Weight = Weight(most=6)
    content: Weight = Weight(most=6)
    satisfied: Weight = Weight(most=6, full_at=90, certainty=Certainty.SOURCED)


# --- facts --------------------------------------------------------------------------------------


class Feedback(Frozen):
    """One PAKN. All are working days since it came, `published` since its answer; None: not (yet).

    `age`: how old it is, or was at its end. `content`: what its sender says of the answer; None: nothing.
    """

    age: int
    sorted: bool = False
    refused: int | None = None
    asked: int | None = None
    answered: int | None = None
    published: int | None = None
    content: bool | None = None


class Dossier(Frozen):
    """One dossier. Times in ms; `paused`: how long its time stood still and `due` does not hold yet.

    `finished` None: still worked at. `supplements`: how often more papers were asked for. `complained`: there
    is a complaint, or it was disliked.
    """

    due: int
    finished: int | None = None
    paused: int = 0
    supplements: int = 0
    complained: bool = False


# --- results ------------------------------------------------------------------------------------


class Points(Frozen):
    """An index in percent (`figure.value`), and what it earns; `points` None: N/A, or not weighed."""

    figure: Figure
    points: float | None = None
    most: float = 0.0
    certainty: Certainty = Certainty.UNSURE
    """Of the weight; that of the formula is the figure's."""


class Satisfaction(Frozen):
    """5.4 with what it is made of: of `figure.n` dossiers so many late, complained of, both, and silent."""

    result: Points
    late: int
    complained: int
    both: int
    """Late and complained of; the formula takes such a dossier off twice."""
    silent: int
    """Neither: called satisfied, though nobody has asked them."""


class Group5(Frozen):
    sorted: Points
    in_time: Points
    content: Points
    content_silent: int
    """5.3: answered in time, and their senders have said nothing of it; called content."""
    satisfied: Satisfaction

    @property
    def points(self) -> float | None:
        """The sum of what is weighed, None if all of it is N/A."""
        known = [x.points for x in self._weighed if x.points is not None]
        return half_up(sum((_exact(x) for x in known), Fraction(0)), 2) if known else None

    @property
    def most(self) -> float:
        """The most that the indices which are not N/A could earn."""
        return sum(x.most for x in self._weighed if x.points is not None)

    @property
    def _weighed(self) -> tuple[Points, ...]:
        return self.sorted, self.in_time, self.content, self.satisfied.result


def group5(
    feedback: Iterable[Feedback],
    dossiers: Iterable[Dossier],
    at: int,
    weights: Weights = Weights(),
    least: int = ENOUGH,
) -> Group5:
    """All of group 5. `at` (ms): the moment at which an unfinished dossier is late or not yet."""
    given = list(feedback)
    content, silent = content_with_answers(given, weights.content, least)
    return Group5(
        sorted=sorted_feedback(given, weights.sorted, least),
        in_time=feedback_in_time(given, weights.in_time, least),
        content=content,
        content_silent=silent,
        satisfied=satisfaction(dossiers, at, weights.satisfied, least),
    )


# --- 5.1 to 5.3, feedback -----------------------------------------------------------------------


def sorted_feedback(
    feedback: Iterable[Feedback], weight: Weight = Weights().sorted, least: int = ENOUGH
) -> Points:
    """5.1: the share of feedback that was sorted."""
    given = list(feedback)
    return _share(SORTED, sum(f.sorted for f in given), len(given), weight, least)


def feedback_in_time(
    feedback: Iterable[Feedback], weight: Weight = Weights().in_time, least: int = ENOUGH
) -> Points:
    """5.2: in time, of all of which it can be said by now."""
    known = [x for x in map(was_in_time, feedback) if x is not None]
    return _share(IN_TIME, sum(known), len(known), weight, least)


def content_with_answers(
    feedback: Iterable[Feedback], weight: Weight = Weights().content, least: int = ENOUGH
) -> tuple[Points, int]:
    """5.3: (all − discontent or late) ÷ all, and how many of these have said nothing.

    One that is both late and discontent is taken off once.
    """
    known = [(f, in_time) for f in feedback if (in_time := was_in_time(f)) is not None]
    content = sum(in_time and f.content is not False for f, in_time in known)
    silent = sum(in_time and f.content is None for f, in_time in known)
    return _share(CONTENT, content, len(known), weight, least), silent


def was_in_time(feedback: Feedback) -> bool | None:
    """Whether each step came within its working days; None: it is open, and still may be in time."""
    f = feedback
    if f.refused is not None:
        return f.refused <= REFUSE_DAYS
    if (f.asked or 0) > ASK_DAYS or (f.published or 0) > PUBLISH_DAYS:
        return False
    if f.answered is not None:
        return f.answered <= ANSWER_DAYS
    return False if f.age > ANSWER_DAYS else None


# --- 5.4, procedures ----------------------------------------------------------------------------


def satisfaction(
    dossiers: Iterable[Dossier],
    at: int,
    weight: Weight = Weights().satisfied,
    least: int = ENOUGH,
) -> Satisfaction:
    """5.4 over the dossiers that are finished, or due by `at`: 100 % − (share late + share complained of)."""
    judged = [(d, x) for d in dossiers if (x := was_late(d, at)) is not None]
    n = len(judged)
    late = sum(x for _, x in judged)
    complained = sum(d.complained for d, _ in judged)
    both = sum(x and d.complained for d, x in judged)
    good = max(0, n - late - complained)
    return Satisfaction(
        result=_share(SATISFIED, good, n, weight, least),
        late=late,
        complained=complained,
        both=both,
        silent=n - late - complained + both,
    )


def was_late(dossier: Dossier, at: int) -> bool | None:
    """Whether it was late, pauses taken off; None: it is worked at, and not due yet."""
    if dossier.supplements > MOST_SUPPLEMENTS:
        return True
    until = dossier.due + dossier.paused
    if dossier.finished is not None:
        return dossier.finished > until
    return True if at > until else None


# --- points -------------------------------------------------------------------------------------


def earned(percent: float | None, weight: Weight) -> float | None:
    """The points of an index of so many percent: all from `full_at` on, else percent × most ÷ `full_at`."""
    if percent is None or not weight.most:
        return None
    reached = min(Fraction(1), _exact(percent) / _exact(weight.full_at))
    return half_up(reached * _exact(weight.most), 2)


def _share(source: Source, good: int, n: int, weight: Weight, least: int) -> Points:
    percent = half_up(Fraction(100 * good, n), 2) if n else None
    figure = Figure(
        source=source,
        numerator=good,
        denominator=n,
        n=n,
        value=percent,
        interval=_in_percent(wilson(good, n)),
        enough=is_enough(n, least),
    )
    return Points(
        figure=figure,
        points=earned(percent, weight),
        most=weight.most,
        certainty=weight.certainty,
    )


def _in_percent(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    return Interval(low=100 * interval.low, high=100 * interval.high, level=interval.level)


def _exact(number: float) -> Fraction:
    """The decimal as it is written, not its nearest binary."""
    return Fraction(str(number))
