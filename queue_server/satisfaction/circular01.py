"""Thông tư 01/2018/TT-VPCP, Đ.13–15: nine indices of how procedures are solved, each 0, 1 or 2.

Đ.13 says what earns 0, 1 and 2. Đ.14 says by whom: 1, 2, 3, 4, 6 and 7 stand for each dossier; 5, 6, 8 and 9 for the
one-stop (in its total, its own index 6 goes before the mean of its dossiers); the citizen answers 1, 3, 4 and 7. What
the system knows of these four stands beside her answer, never in its place. Đ.15: an index is the sum of its scores
by the number of dossiers, to one decimal (a half goes up).

What the text leaves open is named in `Open`, and each result says which of it was met.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from ..wire.words import Frozen
from .figure import Certainty, Figure, Source, half_up, is_enough
from .intervals import ENOUGH, bounded_mean

OF_A_DOSSIER = (1, 2, 3, 4, 6, 7)
OF_AN_AGENCY = (5, 6, 8, 9)
OF_A_CITIZEN = (1, 3, 4, 7)
OF_AN_OFFICER = (1, 2, 3, 4, 7)
ALL = (1, 2, 3, 4, 5, 6, 7, 8, 9)
Step = TypeVar("Step")
BEST = 2
"""The most that one index gives."""

DIRECT = Source(article="TT 01/2018/TT-VPCP Đ.13, Đ.15", certainty=Certainty.SOURCED)
OFFICERS = Source(article="TT 01/2018/TT-VPCP Đ.15 (cán bộ)", certainty=Certainty.SOURCED)
AGENCIES = Source(article="TT 01/2018/TT-VPCP Đ.15 (cơ quan)", certainty=Certainty.SOURCED)


class Open(StrEnum):
    """What the articles do not settle, and what is done here."""

    WORST_AGENCY = "worst_agency"
    """Index 2, several agencies: the slowest one's score is the dossier's."""
    OWN_FAULT = "own_fault"
    """Index 3: contacts by the applicant's own fault are taken off before counting, also at 0 and 1."""
    LATE_UNBLAMED = "late_unblamed"
    """Index 7: late, and no complaint. It earns neither 2 nor 1, so it is 0."""
    ON_SPOT_NOT_ALL_HERE = "on_spot_not_all_here"
    """Index 5: enough is approved on the spot, but not all is received and returned here: 0, the lower row."""
    ONLINE_BETWEEN = "online_between"
    """Index 9: the dossiers earn 2, the procedures do not: 1."""
    SOME_UNKNOWN = "some_unknown"
    """Some dossiers have no score for the index: they are in neither the sum nor the number."""
    LEFT_OUT = "left_out"
    """An index without information is left out (settled); the limits of class and grade then shrink by what
    it could have given (not settled)."""
    TOO_FEW_INDICES = "too_few_indices"
    """Fewer than half of the indices are known: no class and no grade."""


class Level(StrEnum):
    """Whose one-stop it is. Districts have ended in July 2025; their past figures have not."""

    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"


ON_SPOT = {Level.PROVINCE: 20, Level.DISTRICT: 50, Level.COMMUNE: 100}
"""Index 5: from how many percent of procedures appraised and approved on the spot on."""


# --- facts --------------------------------------------------------------------------------------


class Spent(Frozen):
    """Time against the rule, both in the unit in which the rule is written (working days, or hours)."""

    allowed: int
    taken: int


class Answers(Frozen):
    """What the citizen says of indices 1, 3, 4 and 7: 2, 1 or 0; None: she did not answer it."""

    time: int | None = None
    contacts: int | None = None
    agencies: int | None = None
    attitude: int | None = None


class Dossier(Frozen):
    """What is known of one solved dossier; None: not known.

    `contacts`: how often she had to come back to the reception to complete it, `own_fault` of these by her own
    error. `agencies_contacted`: how many agencies she had to go to. `posted`, `electronic`: its procedure is
    published on the wall, electronically. `complained`: there is a complaint of its officer, found right.
    `officer`: a pseudonym.
    """

    officer: str = ""
    whole: Spent | None = None
    parts: tuple[Spent | None, ...] = ()
    contacts: int | None = None
    own_fault: int = 0
    agencies_contacted: int | None = None
    posted: bool | None = None
    electronic: bool | None = None
    complained: bool | None = None
    answers: Answers = Answers()


class Declared(Frozen, forbid_unknown_fields=True):
    """What only the one-stop can say of itself, for indices 5, 6 and 9; None: not told, and not counted.

    `posted`: all its procedures hang on the wall. `on_spot`: so many are appraised and approved at the one-stop,
    `online`: so many are offered online.
    """

    level: Level = Level.COMMUNE
    posted: bool | None = None
    on_spot: int | None = None
    online: int | None = None


class Agency(Frozen):
    """What is known of one one-stop over the time that is judged; None: not known. All are counts.

    `here`: procedures received and returned at the one-stop, `on_spot`: also appraised and approved there,
    of `procedures`. `feedback_in_time` of `feedback`. `online_procedures`: offered online; `online_dossiers`
    of `dossiers` came online, `online_late` of them were late.
    """

    level: Level = Level.COMMUNE
    procedures: int | None = None
    here: int | None = None
    on_spot: int | None = None
    posted: int | None = None
    electronic: int | None = None
    feedback: int | None = None
    feedback_in_time: int | None = None
    online_procedures: int | None = None
    dossiers: int | None = None
    online_dossiers: int | None = None
    online_late: int | None = None


class Score(Frozen):
    """One index: 0, 1, 2, or None without enough information, and what of the rule was open."""

    points: int | None = None
    open: tuple[Open, ...] = ()


NONE = Score()
Scores = dict[int, Score]


class Voices(Frozen):
    """A dossier's scores: as the system has them, and as the citizen says (1, 3, 4, 7). Never mixed."""

    system: Scores
    citizen: Scores


# --- Đ.13, index by index -----------------------------------------------------------------------


def of_dossier(dossier: Dossier) -> Voices:
    """The six indices of a dossier, and the citizen's four beside them."""
    said = dossier.answers
    told = (said.time, said.contacts, said.agencies, said.attitude)
    return Voices(
        system={
            1: _in_time(dossier.whole),
            2: _each_in_time(dossier.parts),
            3: _contacts(dossier.contacts, dossier.own_fault),
            4: _fewer(dossier.agencies_contacted),
            6: _published(dossier.posted, dossier.electronic),
            7: _attitude(dossier.whole, dossier.complained),
        },
        citizen={index: _answer(x) for index, x in zip(OF_A_CITIZEN, told, strict=True)},
    )


def of_agency(agency: Agency) -> Scores:
    """The four indices of a one-stop."""
    return {
        5: _at_one_stop(agency),
        6: _published(
            _all(agency.posted, agency.procedures), _all(agency.electronic, agency.procedures)
        ),
        8: _feedback(agency.feedback, agency.feedback_in_time),
        9: _online(agency),
    }


def _answer(points: int | None) -> Score:
    if points is not None and not 0 <= points <= BEST:
        raise ValueError(f"an answer gives 0, 1 or 2, not {points}")
    return Score(points=points)


def _in_time(spent: Spent | None) -> Score:
    """Shorter than the rule 2, as long 1, longer 0."""
    if spent is None:
        return NONE
    return Score(points=1 if spent.taken == spent.allowed else 2 * (spent.taken < spent.allowed))


def _each_in_time(parts: Sequence[Spent | None]) -> Score:
    scores = [_in_time(part).points for part in parts]
    known = [points for points in scores if points is not None]
    if not known or (len(known) < len(scores) and min(known) > 0):
        return NONE  # an agency that is not known of may be late, or not
    return Score(points=min(known), open=(Open.WORST_AGENCY,) if len(set(known)) > 1 else ())


def _contacts(contacts: int | None, own_fault: int) -> Score:
    if contacts is None:
        return NONE
    counted = _fewer(max(0, contacts - own_fault))
    return Score(points=counted.points, open=(Open.OWN_FAULT,) if own_fault else ())


def _fewer(times: int | None) -> Score:
    """None 2, one 1, more 0."""
    return NONE if times is None else Score(points=max(0, BEST - times))


def _published(posted: bool | None, electronic: bool | None) -> Score:
    """Both 2, one of them 1, neither 0."""
    if posted is None or electronic is None:
        return NONE
    return Score(points=int(posted) + int(electronic))


def _attitude(spent: Spent | None, complained: bool | None) -> Score:
    """Early and no complaint 2, in time and none 1, a complaint that was right 0."""
    if complained:
        return Score(points=0)
    if spent is None or complained is None:
        return NONE
    late = spent.taken > spent.allowed
    return Score(points=_in_time(spent).points, open=(Open.LATE_UNBLAMED,) if late else ())


def _at_one_stop(agency: Agency) -> Score:
    """Enough approved on the spot 2, all received and returned here 1, not all 0."""
    if not agency.procedures or agency.here is None:
        return NONE
    enough = _percent(agency.on_spot, agency.procedures, ON_SPOT[agency.level])
    if agency.here < agency.procedures:
        return Score(points=0, open=(Open.ON_SPOT_NOT_ALL_HERE,) if enough else ())
    return NONE if enough is None else Score(points=1 + enough)


def _feedback(given: int | None, in_time: int | None) -> Score:
    """All in time or none given 2, from 90 % on 1, less 0."""
    if given == 0:
        return Score(points=2)
    if given is None or in_time is None:
        return NONE
    return Score(points=2 if in_time >= given else int(10 * in_time >= 9 * given))


def _online(agency: Agency) -> Score:
    """From 20 % of procedures and 30 % of dossiers on, none late 2; from 15 % of dossiers 1; less, or late 0."""
    if agency.online_late:
        return Score(points=0)
    some = _percent(agency.online_dossiers, agency.dossiers, 15)
    if some is False:
        return Score(points=0)
    if agency.online_late is None or some is None:
        return NONE
    if not _percent(agency.online_dossiers, agency.dossiers, 30):
        return Score(points=1)
    procedures = _percent(agency.online_procedures, agency.procedures, 20)
    if procedures is None:
        return NONE
    return Score(points=2) if procedures else Score(points=1, open=(Open.ONLINE_BETWEEN,))


def _percent(part: int | None, whole: int | None, least: int) -> bool | None:
    """Whether `part` is at least `least` percent of `whole`; None where that cannot be said."""
    return None if part is None or not whole else 100 * part >= least * whole


def _all(part: int | None, whole: int | None) -> bool | None:
    return _percent(part, whole, 100)


# --- Đ.15: means, totals, grade and class -------------------------------------------------------


class Index(Frozen):
    """One index over many dossiers (`figure.n` of `of` have a score), or of the one-stop itself (`of` 1)."""

    index: int
    figure: Figure
    of: int
    open: tuple[Open, ...] = ()


class Grade(StrEnum):
    """How much of her task an officer has done: all of it, 70 to under 100 %, under 70 %."""

    WHOLE = "whole"
    MOST = "most"
    LESS = "less"


class Rank(StrEnum):
    """Xuất sắc, tốt, khá, trung bình, yếu."""

    EXCELLENT = "excellent"
    GOOD = "good"
    FAIR = "fair"
    AVERAGE = "average"
    WEAK = "weak"


GRADES = ((Fraction(5), Grade.WHOLE), (Fraction(7, 2), Grade.MOST), (Fraction(0), Grade.LESS))
RANKS = (
    (Fraction(15), Rank.EXCELLENT),
    (Fraction(12), Rank.GOOD),
    (Fraction(9), Rank.FAIR),
    (Fraction(6), Rank.AVERAGE),
    (Fraction(0), Rank.WEAK),
)


class Total(Frozen):
    """The sum of the known indices as a figure: points (`numerator`) of the most possible (`denominator`).

    `figure.value` are the points, `at_full` what they would be if all indices were known and as good, by which
    `grade` or `rank` goes; `left_out`: indices without information. `settled`: the text alone leads here.
    """

    figure: Figure
    at_full: float | None = None
    grade: Grade | None = None
    rank: Rank | None = None
    left_out: tuple[int, ...] = ()
    open: tuple[Open, ...] = ()

    @property
    def settled(self) -> bool:
        return not self.open


class Both(Frozen):
    """A total twice: with the citizens' own answers for 1, 3, 4 and 7, as Đ.14 has it; by the system alone."""

    by_citizens: Total
    by_system: Total


class Indices(Frozen):
    """The indices of many dossiers by who says them."""

    system: dict[int, Index]
    citizen: dict[int, Index]


def over_dossiers(dossiers: Iterable[Dossier], least: int = ENOUGH) -> Indices:
    """Đ.15 over these dossiers: each index that Đ.14 scores per dossier."""
    known = [of_dossier(dossier) for dossier in dossiers]
    return Indices(
        system={i: _mean(i, [v.system[i] for v in known], least) for i in OF_A_DOSSIER},
        citizen={i: _mean(i, [v.citizen[i] for v in known], least) for i in OF_A_CITIZEN},
    )


def officer_total(dossiers: Iterable[Dossier], least: int = ENOUGH) -> Both:
    """Indices 1, 2, 3, 4 and 7 of one officer's dossiers, 10 at most, and her grade."""
    found = over_dossiers(dossiers, least)
    return Both(
        by_citizens=_officer({**found.system, **found.citizen}),
        by_system=_officer(found.system),
    )


def officer_totals(dossiers: Iterable[Dossier], least: int = ENOUGH) -> dict[str, Both]:
    """The same for each officer by her pseudonym; dossiers without one are nobody's."""
    hers: dict[str, list[Dossier]] = {}
    for dossier in dossiers:
        if dossier.officer:
            hers.setdefault(dossier.officer, []).append(dossier)
    return {officer: officer_total(hers[officer], least) for officer in sorted(hers)}


def own_indices(agency: Agency) -> dict[int, Index]:
    """The four indices of the one-stop itself, 5, 6, 8 and 9."""
    return {i: _own(i, score) for i, score in of_agency(agency).items()}


def agency_total(dossiers: Iterable[Dossier], agency: Agency, least: int = ENOUGH) -> Both:
    """All nine indices of a one-stop, 18 at most, and its class."""
    found = over_dossiers(dossiers, least)
    own = {
        i: index
        for i, index in own_indices(agency).items()
        if index.figure.n or i not in found.system
    }
    return Both(
        by_citizens=_agency({**found.system, **found.citizen, **own}),
        by_system=_agency({**found.system, **own}),
    )


def _mean(index: int, scores: Sequence[Score], least: int) -> Index:
    points = [score.points for score in scores if score.points is not None]
    total, n = sum(points), len(points)
    open = {what for score in scores for what in score.open}
    if 0 < n < len(scores):
        open.add(Open.SOME_UNKNOWN)
    figure = Figure(
        source=DIRECT,
        numerator=total,
        denominator=n,
        n=n,
        value=half_up(Fraction(total, n), 1) if n else None,
        interval=bounded_mean(total, n, 0, BEST),
        enough=is_enough(n, least),
    )
    return Index(index=index, figure=figure, of=len(scores), open=tuple(sorted(open)))


def _own(index: int, score: Score) -> Index:
    """An index of the one-stop itself: a fact, not a sample."""
    known = score.points is not None
    figure = Figure(
        source=DIRECT,
        numerator=score.points or 0,
        denominator=int(known),
        n=int(known),
        value=None if score.points is None else float(score.points),
        enough=known,
    )
    return Index(index=index, figure=figure, of=1, open=score.open)


def _officer(found: dict[int, Index]) -> Total:
    total, at_full = _sum(found, OF_AN_OFFICER, OFFICERS)
    return total if at_full is None else _with(total, at_full, grade=_reached(at_full, GRADES))


def _agency(found: dict[int, Index]) -> Total:
    total, at_full = _sum(found, ALL, AGENCIES)
    return total if at_full is None else _with(total, at_full, rank=_reached(at_full, RANKS))


def _sum(
    found: dict[int, Index], wanted: Sequence[int], source: Source
) -> tuple[Total, Fraction | None]:
    """The total, and what it would be with all indices known; None: too few of them are."""
    known = {i: found[i].figure for i in wanted if found[i].figure.value is not None}
    tenths = sum(round(10 * (figure.value or 0)) for figure in known.values())
    left_out = tuple(i for i in wanted if i not in known)
    open = {what for i in wanted for what in found[i].open}
    few = 2 * len(known) < len(wanted)
    if left_out:
        open.add(Open.TOO_FEW_INDICES if few else Open.LEFT_OUT)
    figure = Figure(
        source=source,
        numerator=tenths / 10,
        denominator=BEST * len(known),
        n=min((figure.n for i, figure in known.items() if i not in OF_AN_AGENCY), default=0),
        value=tenths / 10 if known else None,
        enough=bool(known) and not few and all(figure.enough for figure in known.values()),
    )
    total = Total(figure=figure, left_out=left_out, open=tuple(sorted(open)))
    return total, None if few else Fraction(tenths * len(wanted), 10 * len(known))


def _with(
    total: Total, at_full: Fraction, grade: Grade | None = None, rank: Rank | None = None
) -> Total:
    return Total(
        figure=total.figure,
        at_full=half_up(at_full, 2),
        grade=grade,
        rank=rank,
        left_out=total.left_out,
        open=total.open,
    )


def _reached(points: Fraction, steps: Sequence[tuple[Fraction, Step]]) -> Step:
    return next(what for least, what in steps if points >= least)
