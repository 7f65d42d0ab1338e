"""The 34 provinces and 3,321 communes since 1 July 2025, and a guess at where an older address lies now.

The list is read from `units.csv.gz` when it is first asked for; its licence stands beside it.
"""

from __future__ import annotations

import csv
import gzip
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

from ..wire.words import Frozen
from .search import fold

TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
MOST_FOUND = 60
PREFIX = re.compile(
    r"^(?:(?P<province>tỉnh|t\.)|(?P<city>thành phố|tp\.?)|(?P<district>huyện|quận|thị xã|tx\.?|h\.|q\.)"
    r"|(?P<commune>xã|phường|đặc khu|thị trấn|tt\.|x\.|p\.))\s*(?=\S)",
    re.IGNORECASE,
)
DETAIL = re.compile(
    r"\d|^(?:số|tổ|thôn|xóm|ấp|khối|khu|bản|đường|ngõ|làng|buôn|sóc|phố)\b", re.IGNORECASE
)
# Provinces until 30 June 2025 that are part of another one now (NQ 202/2025/QH15): old name, present code.
MERGED = {
    "Hà Giang": "08",
    "Bắc Kạn": "19",
    "Yên Bái": "15",
    "Hoà Bình": "25",
    "Vĩnh Phúc": "25",
    "Bắc Giang": "24",
    "Hải Dương": "31",
    "Thái Bình": "33",
    "Hà Nam": "37",
    "Nam Định": "37",
    "Quảng Bình": "44",
    "Thừa Thiên Huế": "46",
    "Thừa Thiên - Huế": "46",
    "Quảng Nam": "48",
    "Kon Tum": "51",
    "Bình Định": "52",
    "Ninh Thuận": "56",
    "Phú Yên": "66",
    "Đắk Nông": "68",
    "Đăk Nông": "68",
    "Bình Thuận": "68",
    "Bình Phước": "75",
    "Bà Rịa - Vũng Tàu": "79",
    "Bà Rịa-Vũng Tàu": "79",
    "Bình Dương": "79",
    "Long An": "80",
    "Tiền Giang": "82",
    "Bến Tre": "86",
    "Trà Vinh": "86",
    "Kiên Giang": "91",
    "Hậu Giang": "92",
    "Sóc Trăng": "92",
    "Bạc Liêu": "96",
}
ALIASES = {"HCM": "79", "Hồ Chí Minh": "79", "TPHCM": "79", "Đắc Lắc": "66", "Đăk Lăk": "66"}


class Unit(Frozen):
    """A province (`province` empty) or a commune. `name` is official, `short` without `Tỉnh`, `Xã` …"""

    code: str
    name: str
    short: str
    province: str = ""


class Place(Frozen):
    """What could be made out of an address as a card writes it; empty where nothing was sure enough."""

    province: str = ""
    commune: str = ""
    detail: str = ""


def provinces() -> tuple[Unit, ...]:
    """All provinces by their short name."""
    return _all()[0]


def communes(province: str) -> tuple[Unit, ...]:
    """The communes of the province with this code, by their short name; none for an unknown code."""
    return _all()[1].get(province, ())


def unit(code: str) -> Unit | None:
    """The province (2 digits) or commune (5 digits) with this code."""
    return _by_code().get(code)


def name_of(code: str) -> str:
    """The official name, or the text itself where it is no code."""
    found = unit(code)
    return found.name if found else code


def find(text: str, province: str | None = None) -> tuple[Unit, ...]:
    """Units of which a word begins with `text`, marks and case apart; those whose name begins so come first.

    With `province`: its communes, all of them for an empty text. Without: provinces, then communes anywhere,
    60 at the most.
    """
    wanted = fold(text)
    if province is not None:
        return _matching(communes(province), wanted)
    if not wanted:
        return provinces()
    everywhere = [c for p in provinces() for c in communes(p.code)]
    return (*_matching(provinces(), wanted), *_matching(everywhere, wanted))[:MOST_FOUND]


def split_address(text: str) -> Place:
    """Where `text` lies now. A district is dropped: there are none any more.

    A commune is named only where the province has exactly one of that very name today; after a merger the new
    commune often bears an old one's name, so this is a guess to be looked at, not a fact.
    """
    parts = [p for raw in text.split(",") if (p := raw.strip(" -.;"))]
    if not parts:
        return Place()
    province = _province(parts[-1])
    if not province:
        return Place(detail=", ".join(parts))
    rest = parts[:-1]
    at = _commune_at(rest, province)
    if at is None:
        return Place(province=province, detail=", ".join(rest))
    code = _commune(rest[at], province)
    kept = rest[:at] if code else rest[: at + 1]
    return Place(province=province, commune=code, detail=", ".join(kept))


# --- the list ---


@cache
def _all() -> tuple[tuple[Unit, ...], dict[str, tuple[Unit, ...]]]:
    packed = files(__package__).joinpath("units.csv.gz").read_bytes()
    rows = csv.DictReader(gzip.decompress(packed).decode("utf-8").splitlines())
    above: dict[str, Unit] = {}
    below: dict[str, list[Unit]] = {}
    for row in rows:
        code = row["province_code"]
        above.setdefault(code, _unit(code, row["province_name"]))
        below.setdefault(code, []).append(_unit(row["commune_code"], row["commune_name"], code))
    return _sorted(above.values()), {code: _sorted(units) for code, units in below.items()}


@cache
def _by_code() -> dict[str, Unit]:
    above, below = _all()
    return {u.code: u for u in (*above, *(c for units in below.values() for c in units))}


@cache
def _exact(province: str) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = {}
    for commune in communes(province):
        found.setdefault(_spelt(commune.short), []).append(commune)
    return found


def _unit(code: str, name: str, province: str = "") -> Unit:
    return Unit(code=code, name=name, short=PREFIX.sub("", name), province=province)


def _sorted(units: Iterable[Unit]) -> tuple[Unit, ...]:
    return tuple(sorted(units, key=lambda u: (fold(u.short), u.code)))


def _matching(units: Sequence[Unit], wanted: str) -> tuple[Unit, ...]:
    names = _folded()
    first = [u for u in units if any(name.startswith(wanted) for name in names[u.code])]
    known = {u.code for u in first}
    later = [u for u in units if u.code not in known and f" {wanted}" in names[u.code][1]]
    return (*first, *later)


@cache
def _folded() -> dict[str, tuple[str, str]]:
    """Short and official name of each unit as a search compares them."""
    return {code: (fold(u.short), fold(u.name)) for code, u in _by_code().items()}


# --- an address on a card ---


def _province(text: str) -> str:
    bare = _spelt(_bare(text))
    for known in provinces():
        if _spelt(known.short) == bare:
            return known.code
    return next((code for name, code in (MERGED | ALIASES).items() if _spelt(name) == bare), "")


def _commune_at(parts: list[str], province: str) -> int | None:
    """Which part names the commune. Cards leave out `Xã` and `Huyện` as often as not."""
    for at in range(len(parts) - 1, -1, -1):
        found = PREFIX.match(parts[at])
        if found and found["commune"]:
            return at
    below_district = [at for at, part in enumerate(parts) if _is_district(part)]
    if below_district:
        return below_district[0] - 1 if below_district[0] else None
    last = len(parts) - 1
    if last > 0 and _commune(parts[last - 1], province):
        return last - 1
    # The last part is the old district's name, unless what stands before it is a house or a hamlet.
    is_whole = last == 0 or (last > 0 and DETAIL.search(parts[last - 1]))
    return last if is_whole and _commune(parts[last], province) else None


def _is_district(part: str) -> bool:
    found = PREFIX.match(part)
    return bool(found and (found["district"] or found["city"]))


def _commune(text: str, province: str) -> str:
    found = _exact(province).get(_spelt(_bare(text)), [])
    return found[0].code if len(found) == 1 else ""


def _bare(text: str) -> str:
    return PREFIX.sub("", " ".join(text.split()))


def _spelt(text: str) -> str:
    """Spelling without regard to where the tone mark stands: `Thanh Hoá` is `Thanh Hóa`, not `Thanh Hoa`."""
    words = []
    for word in unicodedata.normalize("NFD", text.casefold()).split():
        tone = "".join(c for c in word if c in TONES)
        words.append("".join(c for c in word if c not in TONES) + tone)
    return " ".join(words)
