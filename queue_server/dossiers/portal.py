"""A record of the national public service portal (Cổng Dịch vụ công quốc gia), read into a `Procedure`.

The portal's data are real and uneven: nulls, texts where numbers belong, `OTHER` for "same day",
0 đ for "the provincial council decides", 20 for 20.000 đ. What cannot be told is marked as not
certain, never guessed into a promise.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable

import msgspec

from .calendar import ProcessingTime, TimeUnit
from .catalogue import (
    CODE,
    CatalogueSettings,
    Channel,
    Component,
    ComponentKind,
    Fee,
    Left,
    Procedure,
    Reason,
    Source,
    Way,
    own_record,
    rough_days,
    service_for,
)
from .search import fold

VIETNAM = dt.timezone(dt.timedelta(hours=7))
LEAST_SUM = 1_000
A_WORKING_DAY = 7 / 5
SAME_DAY = ProcessingTime(unit=TimeUnit.SAME_DAY, value=1)
NOTHING_TO_PAY = ("mien", "khong thu", "khong co", "dong")
NO_RULE = ("khong quy dinh", "chua quy dinh")
DECIDED_ELSEWHERE = (
    "hoi dong nhan dan",
    "hdnd",
    "theo quy dinh",
    "nghi quyet",
    "quyet dinh so",
    "chi tiet tai",
    "kem theo",
)


class _Portal(msgspec.Struct, rename="camel"):
    """What we read of the portal's JSON; all else in it is passed over."""


class _Fee(_Portal):
    value: float | None = None
    description: str | None = None
    currency_name: str | None = None


class _Method(_Portal):
    submission_method: str | None = None
    processing_time: float | str | None = None
    processing_time_unit: str | None = None
    description: str | None = None
    fees: list[_Fee] | None = None


class _Attachment(_Portal):
    file_name: str | None = None


class _Component(_Portal):
    name: str | None = None
    code: str | None = None
    original_qty: int | None = None
    copy_qty: int | None = None
    required: bool | None = None
    attachments: list[_Attachment] | None = None


class _ExecutionCase(_Portal):
    name: str | None = None
    profile_components: list[_Component] | None = None


class _ProcessingDay(_Portal):
    qty: float | None = None
    type: str | None = None


class _Case(_Portal):
    processing_day: _ProcessingDay | None = None


class _Named(_Portal):
    name: str | None = None
    code: str | None = None


class _Step(_Portal):
    name: str | None = None
    description: str | None = None


class _Proposal(_Portal):
    proposal_number: str | None = None
    decision_date: int | None = None


class _Detail(_Portal):
    execution_methods: list[_Method]
    category: _Named | None = None
    categories_details: list[_Named] | None = None
    execution_cases: list[_ExecutionCase] | None = None
    execution_steps: list[_Step] | None = None
    cases: list[_Case] | None = None
    subject_types_details: list[_Named] | None = None
    results_details: list[_Named] | None = None
    legal_basises_details: list[_Named] | None = None
    unit_groups_executing: list[_Named | None] | None = None
    executing_agencies: str | None = None
    requirements_and_conditions: str | None = None
    department_promulgate_name: str | None = None
    procedure_proposal: _Proposal | None = None
    is_internal: bool | None = None
    keywords: str | None = None


class _Record(_Portal):
    code: str
    name: str
    detail: _Detail


def read_record(record: object, settings: CatalogueSettings) -> Procedure | Left:
    """A record of either format: the portal's own (it has a `detail`), or ours."""
    if isinstance(record, dict) and "detail" not in record and "ways" in record:
        return _placed(own_record(record), settings)
    return from_portal(record, settings)


def from_portal(record: object, settings: CatalogueSettings) -> Procedure | Left:
    """The procedure in the portal's `record`, placed in a service by `settings`; `Left` says why not."""
    try:
        read = msgspec.convert(record, _Record)
    except msgspec.ValidationError as error:
        return Left(reason=Reason.NOT_A_RECORD, detail=str(error), code=_code_of(record))
    reason = _refusal(read, settings)
    return Left(reason=reason, code=read.code) if reason else _procedure(read, settings)


def _placed(own: Procedure | Left, settings: CatalogueSettings) -> Procedure | Left:
    """A record of ours names its service, or with `""` that nobody here takes it; else the rules decide."""
    if isinstance(own, Left) or own.service:
        return own
    facts = {
        "code": own.code,
        "name": own.name,
        "field": own.field,
        "agency": own.agency,
    }
    service = None if own.service == "" else service_for(settings.rules, **facts)
    return msgspec.structs.replace(own, service=service)


def _code_of(record: object) -> str:
    code = record.get("code") if isinstance(record, dict) else None
    return code if isinstance(code, str) else ""


def _refusal(read: _Record, settings: CatalogueSettings) -> Reason | None:
    if not CODE.fullmatch(read.code.strip()):
        return Reason.BAD_CODE
    if not clean(read.name):
        return Reason.NO_NAME
    if read.detail.is_internal:
        return Reason.INTERNAL
    if settings.province and _of_another_province(read.detail, settings.province):
        return Reason.OTHER_PROVINCE
    return None


def _of_another_province(detail: _Detail, province: str) -> bool:
    authority = fold(detail.department_promulgate_name or "")
    local = "ubnd" in authority or " tinh " in f" {authority} " or "thanh pho" in authority
    return local and fold(province) not in authority


def _procedure(read: _Record, settings: CatalogueSettings) -> Procedure:
    detail = read.detail
    code, name, field = read.code.strip(), clean(read.name), _field(detail)
    proposal = detail.procedure_proposal or _Proposal()
    agency, decision = _agency(detail), clean(proposal.proposal_number)
    return Procedure(
        code=code,
        name=name,
        field=field,
        service=service_for(
            settings.rules,
            code=code,
            name=name,
            field=field,
            agency=agency,
            decision=decision,
        ),
        keywords=_texts([detail.keywords]),
        audience=_names(detail.subject_types_details),
        steps=_texts(f"{s.name or ''} {s.description or ''}" for s in detail.execution_steps or ()),
        ways=_ways(detail),
        components=_components(detail.execution_cases or ()),
        conditions=clean(detail.requirements_and_conditions),
        results=_names(detail.results_details),
        legal=_texts(law.code for law in detail.legal_basises_details or ()),
        agency=agency,
        source=Source(
            origin="portal",
            decision=decision,
            authority=clean(detail.department_promulgate_name),
        ),
        valid_from=_date(proposal.decision_date),
    )


def _field(detail: _Detail) -> str:
    named = [detail.category, *(detail.categories_details or ())]
    return next((clean(n.name) for n in named if n and clean(n.name)), "")


def _agency(detail: _Detail) -> str:
    groups = (g.name for g in detail.unit_groups_executing or () if g)
    return "; ".join(_texts([detail.executing_agencies, *groups]))


def _ways(detail: _Detail) -> tuple[Way, ...]:
    stated = [t for case in detail.cases or () if (t := _case_time(case))]
    ways = [_way(method, stated) for method in detail.execution_methods]
    return tuple(dict.fromkeys(way for way in ways if way))


def _way(method: _Method, stated: list[ProcessingTime]) -> Way | None:
    try:
        channel = Channel((method.submission_method or "").lower())
    except ValueError:
        return None
    fees = tuple(dict.fromkeys(_fee(fee) for fee in method.fees or ()))
    return Way(channel=channel, time=_time(method, stated), fees=fees)


def _case_time(case: _Case) -> ProcessingTime | None:
    day = case.processing_day
    if day is None or not day.qty or day.type == "OTHER":
        return None
    unit = _unit(day.type)
    return ProcessingTime(unit=unit, value=day.qty) if unit else None


def _unit(text: str | None) -> TimeUnit | None:
    try:
        return TimeUnit((text or "").lower())
    except ValueError:
        return None


def _time(method: _Method, stated: list[ProcessingTime]) -> ProcessingTime:
    note, value = clean(method.description), _number(method.processing_time)
    if value is None:
        said = clean(str(method.processing_time or ""))
        return ProcessingTime(note=" ".join(t for t in (said, note) if t))
    unit = _unit(method.processing_time_unit)
    if unit is None:
        return msgspec.structs.replace(_other(value, stated), note=note)
    if value <= 0:
        return ProcessingTime(note=note)
    return ProcessingTime(unit=unit, value=value, note=note)


def _number(value: float | str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def _other(value: float, stated: list[ProcessingTime]) -> ProcessingTime:
    """`OTHER`: 1 is "same day" unless every case says more, 0 what the cases say, more are working days."""
    if value > 1:
        days = ProcessingTime(unit=TimeUnit.WORKING_DAY, value=value)
        return days if days in stated else msgspec.structs.replace(days, certain=False)
    times = sorted(stated, key=rough_days)
    if value == 1 and (not times or rough_days(times[0]) <= A_WORKING_DAY):
        return SAME_DAY
    if not times:
        return ProcessingTime()
    if rough_days(times[0]) > A_WORKING_DAY:
        return msgspec.structs.replace(times[-1], certain=False)
    return times[-1] if times[-1].unit is TimeUnit.HOUR else SAME_DAY


def _fee(fee: _Fee) -> Fee:
    text = clean(fee.description)
    if fee.currency_name == "USD":
        return Fee(amount=round(fee.value or 0), text=text, currency="USD")
    folded = fold(text)
    if fee.value is None or 0 < fee.value < LEAST_SUM:
        return Fee(text=text, certain=False)
    if fee.value == 0 and not _says_nothing_to_pay(folded):
        return Fee(text=text, certain=False)
    decided_here = fee.value == 0 or not any(words in folded for words in DECIDED_ELSEWHERE)
    return Fee(amount=round(fee.value), text=text, certain=decided_here)


def _says_nothing_to_pay(folded: str) -> bool:
    bare = folded.strip(" .-(:")
    if bare.startswith(NO_RULE):
        return False
    return bare in ("", "khong") or bare.startswith(NOTHING_TO_PAY)


def _components(cases: Iterable[_ExecutionCase]) -> tuple[Component, ...]:
    found = [
        _component(paper, clean(case.name).strip(" *-:"))
        for case in cases
        for paper in case.profile_components or ()
        if clean(paper.name)
    ]
    return tuple(dict.fromkeys(found))


def _component(paper: _Component, group: str) -> Component:
    original, copy = max(paper.original_qty or 0, 0), max(paper.copy_qty or 0, 0)
    return Component(
        name=clean(paper.name).lstrip("-+*• ").rstrip(";, "),
        kind=_kind(fold(group), original + copy),
        code=clean(paper.code),
        original=original,
        copy=copy,
        required=bool(paper.required),
        group=group,
        form=next((clean(a.file_name) for a in paper.attachments or ()), ""),
    )


def _kind(group: str, sheets: int) -> ComponentKind:
    if group.startswith("luu y"):
        return ComponentKind.NOTE
    if "xuat trinh" in group:
        return ComponentKind.SHOW
    return ComponentKind.HAND_IN if sheets else ComponentKind.NOTE


def clean(text: str | None) -> str:
    """`text` composed (NFC), without invisible characters, blanks in a row as one; lines stay lines."""
    composed = unicodedata.normalize("NFC", text or "")
    visible = "".join(c for c in composed if unicodedata.category(c) != "Cf")
    return "\n".join(" ".join(line.split()) for line in visible.splitlines() if line.strip())


def _texts(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for text in texts if (t := clean(text))))


def _names(named: Iterable[_Named] | None) -> tuple[str, ...]:
    return _texts(n.name for n in named or ())


def _date(milliseconds: int | None) -> dt.date | None:
    if not milliseconds:
        return None
    try:
        return dt.datetime.fromtimestamp(milliseconds / 1000, VIETNAM).date()
    except (OverflowError, OSError, ValueError):
        return None
