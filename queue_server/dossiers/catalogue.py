"""The catalogue of administrative procedures (TTHC): what each needs, costs and takes, and who serves it."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from ..wire.words import Frozen, Language, Names
from .calendar import ProcessingTime, TimeUnit
from .search import fold

CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{2,59}")
SAME_DAY_HOURS = 8
ROUGH_DAYS = {
    TimeUnit.SAME_DAY: 1.0,
    TimeUnit.HOUR: 1 / 8,
    TimeUnit.WORKING_DAY: 7 / 5,
    TimeUnit.DAY: 1.0,
    TimeUnit.MONTH: 30.0,
    TimeUnit.YEAR: 365.0,
    TimeUnit.UNSTATED: 0.0,
}

Say = Callable[..., str]
"""`Texts.say` over `dossiers/texts`: a key, a language and named values give the text."""


class Channel(StrEnum):
    """How a dossier may be filed: online, by public post, in person."""

    ONLINE = "online"
    POSTAL = "postal"
    DIRECT = "direct"


class ComponentKind(StrEnum):
    """A paper to hand in, a paper only to show, or a remark that asks for nothing."""

    HAND_IN = "hand_in"
    SHOW = "show"
    NOTE = "note"


class Fee(Frozen, forbid_unknown_fields=True):
    """`amount` in `currency`, none where the source gives no sum; `certain` only if nothing else decides."""

    amount: int | None = None
    text: str = ""
    certain: bool = True
    currency: str = "VND"


class Way(Frozen, forbid_unknown_fields=True):
    """One way to file, with the time and the fees that hold for it."""

    channel: Channel
    time: ProcessingTime = ProcessingTime()
    fees: tuple[Fee, ...] = ()


class Component(Frozen, forbid_unknown_fields=True):
    """A dossier component (thành phần hồ sơ). `code` is its paper type, `group` the case it belongs to."""

    name: str
    kind: ComponentKind = ComponentKind.HAND_IN
    code: str = ""
    original: int = 0
    copy: int = 0
    required: bool = False
    group: str = ""
    form: str = ""


class Source(Frozen, forbid_unknown_fields=True):
    """Where the record comes from: `origin` (`portal`, `centre`), the publishing decision and authority."""

    origin: str = "centre"
    decision: str = ""
    authority: str = ""


class Procedure(Frozen, forbid_unknown_fields=True):
    """One procedure (TTHC). `name` is the official name, `short` the one people know it by.

    `service` is the queue that serves it; none: shown and searchable, but nobody here takes it.
    """

    code: str
    name: str
    field: str
    service: str | None = None
    short: str = ""
    keywords: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    components: tuple[Component, ...] = ()
    conditions: str = ""
    results: tuple[str, ...] = ()
    legal: tuple[str, ...] = ()
    agency: str = ""
    source: Source = Source()
    valid_from: dt.date | None = None

    @property
    def at_counter(self) -> tuple[Way, ...]:
        """The ways in person; all ways where there is none."""
        return tuple(w for w in self.ways if w.channel is Channel.DIRECT) or self.ways

    @property
    def time(self) -> ProcessingTime:
        """The longest stated time for filing in person: the one that may be promised."""
        return max((w.time for w in self.at_counter), key=rough_days, default=ProcessingTime())


class Summary(Frozen):
    """One line of the list that kiosks keep (`GET /api/catalogue`). `name` is the short name where there is
    one; the official one then is `official`, by which a search finds it too.
    """

    code: str
    name: str
    service: str | None
    field: str
    same_day: bool
    fee: str
    time: Names
    fee_en: str = ""
    keywords: tuple[str, ...] = ()
    official: str = ""


class Reason(StrEnum):
    """Why a record did not come into the catalogue."""

    UNREADABLE = "unreadable"
    TORN = "torn"
    NOT_A_RECORD = "not_a_record"
    BAD_CODE = "bad_code"
    NO_NAME = "no_name"
    INTERNAL = "internal"
    OTHER_PROVINCE = "other_province"


class Left(Frozen):
    """A record left out; `line` is its line in the file, counted from 1, and `detail` is for the technician."""

    reason: Reason
    detail: str = ""
    code: str = ""
    line: int = 0


class ServiceRule(Frozen, forbid_unknown_fields=True):
    """Procedures for `service`: every key given must match one of its patterns (`*`, `?`; case and marks apart)."""

    service: str
    field: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    agency: tuple[str, ...] = ()
    decision: tuple[str, ...] = ()

    def matches(self, **facts: str) -> bool:
        asked = {key: patterns for key in facts if (patterns := getattr(self, key))}
        return bool(asked) and all(_like(facts[key], asked[key]) for key in asked)


class CatalogueSettings(Frozen, forbid_unknown_fields=True):
    """Table `[catalogue]`: the first rule that matches names the service. `province`: whose own procedures count.

    With a `province` the procedures that other provinces publish for themselves are left out.
    """

    rules: tuple[ServiceRule, ...] = ()
    province: str = ""


def service_for(
    rules: Iterable[ServiceRule],
    *,
    code: str,
    name: str,
    field: str,
    agency: str = "",
    decision: str = "",
) -> str | None:
    """The service of the first matching rule; none where no rule matches or that rule's service is empty."""
    facts = {
        "code": code,
        "name": name,
        "field": field,
        "agency": agency,
        "decision": decision,
    }
    return next((rule.service for rule in rules if rule.matches(**facts)), None) or None


def rough_days(time: ProcessingTime) -> float:
    """Calendar days, roughly: to compare times of different units, not to promise a date."""
    return ROUGH_DAYS[time.unit] * (1 if time.unit is TimeUnit.SAME_DAY else time.value)


def within_a_day(time: ProcessingTime) -> bool:
    """The result is there on the day of filing."""
    if time.unit is TimeUnit.HOUR:
        return time.value < SAME_DAY_HOURS
    return time.unit is TimeUnit.SAME_DAY


def own_record(record: object) -> Procedure | Left:
    """A procedure written in our own format (`deploy/procedures.sample.toml`)."""
    try:
        procedure = msgspec.convert(record, Procedure)
    except msgspec.ValidationError as error:
        return Left(reason=Reason.NOT_A_RECORD, detail=str(error))
    if not CODE.fullmatch(procedure.code):
        return Left(reason=Reason.BAD_CODE, code=procedure.code)
    return procedure if procedure.name else Left(reason=Reason.NO_NAME, code=procedure.code)


def merged(old: Procedure | None, new: Procedure) -> Procedure:
    """`new` in place of `old`. What the centre writes stands as it is; the portal's record keeps its short
    name and keywords, which only people who hear visitors ask can know.
    """
    if old is None or new.source.origin == "centre":
        return new
    keywords = tuple(dict.fromkeys((*old.keywords, *new.keywords)))
    return msgspec.structs.replace(new, short=new.short or old.short, keywords=keywords)


def called(procedure: Procedure) -> str:
    """What a screen calls it: its short name, else the official one without the opening `Thủ tục`."""
    bare = procedure.name.removeprefix("Thủ tục ")
    return procedure.short or bare[:1].upper() + bare[1:]


def summarise(procedure: Procedure, say: Say) -> Summary:
    """The kiosk's line for `procedure`, in the words of `dossiers/texts`."""
    return Summary(
        code=procedure.code,
        name=called(procedure),
        service=procedure.service,
        field=procedure.field,
        same_day=within_a_day(procedure.time),
        fee=fee_text(procedure, say, Language.VI),
        fee_en=fee_text(procedure, say, Language.EN),
        time=Names(
            vi=time_text(procedure, say, Language.VI),
            en=time_text(procedure, say, Language.EN),
        ),
        keywords=procedure.keywords,
        official=procedure.name if procedure.short else "",
    )


def time_text(procedure: Procedure, say: Say, language: str = Language.VI) -> str:
    """`Trong ngày`, `3 ngày làm việc`, `4–18 ngày làm việc`; marked where the source is not certain."""
    longest = procedure.time
    same_unit = [w.time.value for w in procedure.at_counter if w.time.unit is longest.unit]
    return time_line(longest, say, language, low=min(same_unit, default=longest.value))


def time_line(
    time: ProcessingTime, say: Say, language: str = Language.VI, low: float | None = None
) -> str:
    """One processing time in words; `low`: the shortest of several of the same unit."""
    low = time.value if low is None else low
    number = _plain(time.value) if low == time.value else f"{_plain(low)}–{_plain(time.value)}"
    form = "one" if number == "1" else "many"
    bare = time.unit in (TimeUnit.SAME_DAY, TimeUnit.UNSTATED)
    text = say(
        f"time.{time.unit if bare else f'{time.unit}.{form}'}",
        language,
        n=number.replace(".", "," if language == Language.VI else "."),
    )
    return text if time.certain else say("time.unsure", language, time=text)


def fee_text(procedure: Procedure, say: Say, language: str = Language.VI) -> str:
    """What filing in person costs, in one short text; a sum that something else decides is marked."""
    fees = [f for way in procedure.at_counter for f in way.fees if f.currency == "VND"]
    to_pay = [f for f in fees if f.amount]
    if to_pay:
        text = _sums(to_pay, say, language)
        sure = all(f.certain for f in fees)
        return text if sure else say("fee.unsure", language, fee=text)
    if any(f.amount == 0 for f in fees):
        text = say("fee.free", language)
        return text if all(f.certain for f in fees) else say("fee.unsure", language, fee=text)
    if any(_is_council(f.text) for f in fees):
        return say("fee.council", language)
    return say("fee.by_rule" if fees else "fee.unstated", language)


def fee_line(fee: Fee, say: Say, language: str = Language.VI) -> str:
    """One fee in words: its sum, and what it is for where the source says so."""
    if fee.amount and fee.currency == "VND" and fee.text.startswith("/"):
        return _sums([fee], say, language)
    if fee.currency != "VND" and fee.amount is not None:
        sum_text = f"{_grouped(fee.amount, language)} {fee.currency}"
    elif fee.amount:
        sum_text = say("fee.amount", language, amount=_grouped(fee.amount, language))
    else:
        sum_text = say("fee.free" if fee.amount == 0 else "fee.by_rule", language)
    if not fee.text:
        return sum_text
    return f"{fee.text}: {sum_text}" if fee.amount else fee.text


def _sums(fees: list[Fee], say: Say, language: str) -> str:
    """`8.000 đ`, `10.000–15.000 đ`, `2.000 đ/trang`: the unit only where all fees have the same."""
    sums = sorted({f.amount for f in fees if f.amount})
    text = "–".join(_grouped(s, language) for s in dict.fromkeys((sums[0], sums[-1])))
    units = {f.text for f in fees}
    key = "fee.per." + fold(units.pop()).strip("/ ").replace(" ", "_") if len(units) == 1 else ""
    unit = say(key, language) if key else ""
    return say("fee.amount", language, amount=text) + ("" if unit == key else f"/{unit}")


def _is_council(text: str) -> bool:
    folded = fold(text)
    return "hoi dong nhan dan" in folded or "hdnd" in folded


def _grouped(amount: int, language: str) -> str:
    return f"{amount:,}".replace(",", "." if language == Language.VI else ",")


def _plain(value: float) -> str:
    return f"{value:g}"


def _like(text: str, patterns: Iterable[str]) -> bool:
    folded = fold(text)
    return any(fnmatch.fnmatchcase(folded, fold(pattern)) for pattern in patterns)
