"""Numbers of a service: how an ordinal is written, and which ordinal comes next in the ordinary line."""

from __future__ import annotations

from .outcome import Refused
from .setup import Service
from .state import State

LAST_NUMBER = 9999


def number_of(service: Service, ordinal: int) -> str:
    """`A012`; past `last` the numbers go on with a fourth digit; past 9999 the band is used up."""
    if ordinal <= service.last:
        return f"{service.letter}{ordinal:03d}"
    beyond = max(1000, service.last + 1) + ordinal - service.last - 1
    if beyond > LAST_NUMBER:
        raise Refused("band_used_up", service=service.id)
    return f"{service.letter}{beyond}"


def ordinal_of(service: Service, number: str) -> int | None:
    """The ordinal of a number of this service's band (`first` … `last`); None if it is none of those."""
    digits = number.removeprefix(service.letter)
    if digits == number or not (digits.isascii() and digits.isdecimal()):
        return None
    ordinal = int(digits)
    within = service.first <= ordinal <= service.last
    return ordinal if within and number_of(service, ordinal) == number else None


def next_ordinal(state: State, service: Service) -> int:
    """What the ordinary line gives next: never a number that is leased, or that a lease has brought in."""
    ordinal = state.next_ordinal.get(service.id, service.first)
    if leased_from(state, service) <= ordinal <= service.last:
        ordinal = service.last + 1
    taken = state.handed.get(service.id, ())
    while ordinal in taken:
        ordinal += 1
    return ordinal


def leased_from(state: State, service: Service) -> int:
    """From here to the band's end numbers are given by cut off kiosks only; `last` + 1: none is leased."""
    return state.leased_from.get(service.id, service.last + 1)
