"""SIPAS (QĐ 2640/QĐ-BNV): the share of answers on the two best of five levels, by question, factor and in all.

An answer is valid from 1 to 5; what is left out or off the scale is in neither number, and counted apart. The whole
is told in two ways, which are not the same: the share over all answers, in which a factor with more questions weighs
more, and the mean of the five factors' shares. No text that was read says which; the page says which it shows.

One person answers many questions, and her answers lean to one side together. So `n` counts people, and an interval
over several questions is as wide as if each person had answered once (`intervals.effective`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction

from ..wire.words import Frozen
from .figure import Certainty, Figure, Source, is_enough
from .intervals import ENOUGH, effective, wilson

LOWEST, HIGHEST = 1, 5
SATISFIED = 4
"""From this level on: "hài lòng", "rất hài lòng"."""

SOURCE = Source(article="SIPAS, QĐ 2640/QĐ-BNV", certainty=Certainty.WELL_KNOWN)
SOURCE_OF_MEAN = Source(article="SIPAS, QĐ 2640/QĐ-BNV (trọng số)", certainty=Certainty.UNSURE)


class Factor(StrEnum):
    """Tiếp cận dịch vụ, thủ tục hành chính, công chức, kết quả, tiếp nhận và giải quyết góp ý."""

    ACCESS = "access"
    PROCEDURE = "procedure"
    STAFF = "staff"
    RESULT = "result"
    FEEDBACK = "feedback"


ITEMS: dict[str, Factor] = {
    "seats": Factor.ACCESS,
    "equipment": Factor.ACCESS,
    "modern": Factor.ACCESS,
    "easy_to_use": Factor.ACCESS,
    "posted": Factor.PROCEDURE,
    "posted_right": Factor.PROCEDURE,
    "papers_right": Factor.PROCEDURE,
    "fee_right": Factor.PROCEDURE,
    "time_right": Factor.PROCEDURE,
    "polite": Factor.STAFF,
    "listens": Factor.STAFF,
    "answers_fully": Factor.STAFF,
    "guides_gladly": Factor.STAFF,
    "guides_clearly": Factor.STAFF,
    "by_the_rules": Factor.STAFF,
    "on_time": Factor.RESULT,
    "lawful": Factor.RESULT,
    "complete": Factor.RESULT,
    "correct": Factor.RESULT,
    "way_to_speak": Factor.FEEDBACK,
    "easy_to_speak": Factor.FEEDBACK,
    "dealt_with": Factor.FEEDBACK,
    "told_what_came": Factor.FEEDBACK,
}
"""The questions by factor, after the ministry's. Their number and wording are well known, not re-read."""

Sheet = Mapping[str, int | None]
"""One person's answers by question; None: left out."""


class Sipas(Frozen):
    """All of it. Shares are 0–1 and not rounded; a figure's `n` is people, its denominator answers.

    `share_over_items` and `mean_over_factors` are the whole in two ways; the mean leaves out factors without an
    answer (`left_out`). `invalid`: answers off the scale; `unknown`: answers to questions that are none of these.
    """

    items: dict[str, Figure]
    factors: dict[Factor, Figure]
    share_over_items: Figure
    mean_over_factors: Figure
    sheets: int
    left_out: tuple[Factor, ...] = ()
    invalid: int = 0
    unknown: int = 0


def sipas(
    sheets: Iterable[Sheet], items: Mapping[str, Factor] = ITEMS, least: int = ENOUGH
) -> Sipas:
    """Top two over valid answers. A sheet without a valid answer is in `sheets` alone."""
    given = list(sheets)
    valid = [{item: s for item, s in sheet.items() if _valid(item, s, items)} for sheet in given]
    by_factor = {
        factor: [item for item in items if items[item] is factor]
        for factor in Factor
        if factor in items.values()
    }
    factors = {factor: _share(valid, wanted, least) for factor, wanted in by_factor.items()}
    return Sipas(
        items={item: _share(valid, [item], least) for item in items},
        factors=factors,
        share_over_items=_share(valid, list(items), least),
        mean_over_factors=_mean(valid, by_factor, factors, least),
        sheets=len(given),
        left_out=tuple(f for f, figure in factors.items() if figure.value is None),
        invalid=sum(
            s is not None and item in items and not _on_scale(s)
            for sheet in given
            for item, s in sheet.items()
        ),
        unknown=sum(item not in items for sheet in given for item in sheet),
    )


def _on_scale(score: int) -> bool:
    return LOWEST <= score <= HIGHEST


def _valid(item: str, score: int | None, items: Mapping[str, Factor]) -> bool:
    return item in items and score is not None and _on_scale(score)


Valid = Sequence[Mapping[str, int | None]]


def _counts(sheet: Mapping[str, int | None], wanted: Sequence[str]) -> tuple[int, int]:
    """How many of a person's answers to these questions are satisfied, and how many there are."""
    scores = [s for item in wanted if (s := sheet.get(item)) is not None]
    return sum(s >= SATISFIED for s in scores), len(scores)


def _share(valid: Valid, wanted: Sequence[str], least: int) -> Figure:
    counts = [_counts(sheet, wanted) for sheet in valid]
    good, answers = sum(g for g, _ in counts), sum(a for _, a in counts)
    people = sum(a > 0 for _, a in counts)
    share = good / answers if answers else None
    alone = effective(a for _, a in counts)
    return Figure(
        source=SOURCE,
        numerator=good,
        denominator=answers,
        n=people,
        value=share,
        interval=wilson(min(alone, (share or 0) * alone), alone),
        enough=is_enough(people, least),
    )


def _mean(
    valid: Valid,
    by_factor: Mapping[Factor, Sequence[str]],
    factors: Mapping[Factor, Figure],
    least: int,
) -> Figure:
    """The mean of the factors' shares; each person weighs by her part in each factor."""
    known = {f: x for f, x in factors.items() if x.value is not None}
    weights = [
        sum(_counts(sheet, by_factor[f])[1] / x.denominator for f, x in known.items())
        for sheet in valid
    ]
    total = sum(
        (Fraction(int(x.numerator), int(x.denominator)) for x in known.values()), Fraction(0)
    )
    share = float(total / len(known)) if known else None
    alone = effective(weights)
    return Figure(
        source=SOURCE_OF_MEAN,
        numerator=float(total),
        denominator=len(known),
        n=min((x.n for x in known.values()), default=0),
        value=share,
        interval=wilson(min(alone, (share or 0) * alone), alone),
        enough=bool(known) and all(is_enough(x.n, least) for x in known.values()),
    )
