"""What has been learned of service times: part of the log, so that any call can be explained and replayed."""

from __future__ import annotations

from ..wire.words import Frozen
from .rule import HELPS_SLOWER


class ServiceTimes(Frozen):
    """One service: mean minutes and spread (`cv` = deviation ÷ mean), from `seen` visits.

    `prepared`: factor for a visitor who prepared at the kiosk; `per_copy`: minutes added by each copy
    over `copies`, the usual number.
    """

    mean: float
    cv: float
    prepared: float = 1.0
    per_copy: float = 0.0
    copies: float = 0.0
    seen: int = 0


class Times(Frozen):
    """All that is learned, up to and with `day` (`2026-11-25`; "": nothing yet).

    `counters` ("4:ho_tich") and `officers` ("hoa:ho_tich") hold factors on the minutes there, 1.0
    being the mean's; `helps` is that of a counter unknown there and not at home. `no_show`: the share
    of those called who do not come.
    """

    day: str = ""
    services: dict[str, ServiceTimes] = {}
    counters: dict[str, float] = {}
    officers: dict[str, float] = {}
    helps: float = HELPS_SLOWER
    no_show: float = 0.05


def sound(times: Times) -> bool:
    """All numbers finite and possible; a rule that divides by them must never meet another."""
    services = times.services.values()
    return (
        all(0 < s.mean < 1e4 and 0 <= s.cv < 100 and 0 < s.prepared < 100 for s in services)
        and all(abs(s.per_copy) < 1e4 and 0 <= s.copies < 1e4 for s in services)
        and all(0 < f < 100 for f in (*times.counters.values(), *times.officers.values()))
        and 0 < times.helps < 100
        and 0 <= times.no_show < 1
    )
