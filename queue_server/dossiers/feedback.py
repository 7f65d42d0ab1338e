"""Feedback (phản ánh, kiến nghị, PAKN): what kinds there are, how one may stand, and within which working days.

Times as in Nghị định 20/2008/NĐ-CP with its amendments and the provinces' rules of handling: refuse within 2
working days, ask for more within 5, answer within 15, publish within 2 of the answer.
"""

from __future__ import annotations

from enum import StrEnum

REFUSE_DAYS, ASK_DAYS, ANSWER_DAYS, PUBLISH_DAYS = 2, 5, 15, 2
LONGEST_WORDS = 4_000


class FeedbackKind(StrEnum):
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"
    QUESTION = "question"
    PRAISE = "praise"


class FeedbackStatus(StrEnum):
    """`asked`: the visitor is asked for more; `closed`: answered, and not for the public."""

    RECEIVED = "received"
    ASKED = "asked"
    ANSWERED = "answered"
    PUBLISHED = "published"
    CLOSED = "closed"
    REFUSED = "refused"


S = FeedbackStatus
NEXT: dict[FeedbackStatus, frozenset[FeedbackStatus]] = {
    S.RECEIVED: frozenset({S.ASKED, S.ANSWERED, S.REFUSED}),
    S.ASKED: frozenset({S.ANSWERED, S.REFUSED}),
    S.ANSWERED: frozenset({S.PUBLISHED, S.CLOSED}),
    S.PUBLISHED: frozenset(),
    S.CLOSED: frozenset(),
    S.REFUSED: frozenset(),
}
"""By a person of the centre; from `asked` back to `received` leads the visitor's own word."""
ENDED = frozenset({S.PUBLISHED, S.CLOSED, S.REFUSED})
