"""Why a replayed call was made, as a key under `[reason]` in the texts and its values."""

from __future__ import annotations

from ..line import rule
from .replay import Called

CODES = {
    rule.WAITED_LONG: "waited_long",
    rule.PASSED_OFTEN: "passed_often",
    rule.PASSED_BY_PRIORITY: "passed_by_priority",
    rule.PRIORITY: "priority",
    rule.BALANCED: "balanced_wait",
    rule.SIMPLE: "longest_wait",
}


def reason_of(call: Called) -> tuple[str, dict[str, object]]:
    """(code, values)."""
    values: dict[str, object] = {
        "minutes": round(call.wait),
        "limit": round(rule.Weights().max_wait),
        "times": call.passed,
        "group": "",
        "service": call.service,
        "expected": 0,
    }
    return CODES[call.why], values
