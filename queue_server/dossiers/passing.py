"""Passing filed dossiers on to the province's one-stop software: how one may stand, and what may come next."""

from __future__ import annotations

from enum import StrEnum


class PassedOn(StrEnum):
    """How it stands between us and the province.

    `sending` is written before the first byte leaves; `unclear`: it may have arrived or not.
    """

    WAITING = "waiting"
    SENDING = "sending"
    UNCLEAR = "unclear"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


P = PassedOn
NEXT: dict[PassedOn, frozenset[PassedOn]] = {
    P.WAITING: frozenset({P.SENDING, P.ACCEPTED, P.REJECTED}),
    P.SENDING: frozenset({P.WAITING, P.UNCLEAR, P.SENDING, P.ACCEPTED, P.REJECTED}),
    P.UNCLEAR: frozenset({P.SENDING, P.ACCEPTED, P.REJECTED}),
    P.ACCEPTED: frozenset(),
    P.REJECTED: frozenset({P.WAITING}),
}
"""From `rejected` a person alone leads on, from `accepted` nobody: what arrived is never sent again."""
OPEN = frozenset({P.WAITING, P.SENDING, P.UNCLEAR})
"""What is still to be settled without a person."""
