"""The phrases that a search looks through, and what each of their words tells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from .everyday import Everyday
from .syllables import Spellings, syllables

FILLER, FAINT = 0.2, 0.4
RARE = 2.5
"""A filler or faint word tells no more than a word of so much, however rare it is in names."""
COUNTED = 12
"""Of a long official name only so many words' worth must be covered."""


class Phrases:
    """All phrases of all procedures, by number; each belongs to a procedure, its `owner`.

    `add` the phrases procedure by procedure, then `weigh` once; nothing changes afterwards.
    """

    def __init__(self) -> None:
        self.owner: list[int] = []
        self.worth: list[float] = []
        self.words: list[tuple[str, ...]] = []
        self.full: list[float] = []
        """What all words of a phrase tell together, up to `COUNTED` of them."""
        self.holding: dict[str, list[int]] = {}
        """The phrases with a word, by its marked form."""
        self.forms: dict[str, list[str]] = {}
        """The marked forms of a bare word."""
        self.pairs: dict[str, list[int]] = {}
        """The phrases with two bare words side by side."""
        self.after: dict[str, list[str]] = {}
        """What may come after a bare word."""
        self._marks: list[tuple[str, ...]] = []

    def add(self, owner: int, text: str, worth: float) -> None:
        read = syllables(text)
        if not read:
            return
        number = len(self.owner)
        self.owner.append(owner)
        self.worth.append(worth)
        self.words.append(tuple(s.bare for s in read))
        self._marks.append(tuple(dict.fromkeys(s.marked for s in read)))
        for marked, bare in {s.marked: s.bare for s in read}.items():
            found = self.holding.get(marked)
            if found is None:
                self.holding[marked] = [number]
                self.forms.setdefault(bare, []).append(marked)
            else:
                found.append(number)
        for one, other in {(a.bare, b.bare) for a, b in pairwise(read)}:
            pair = f"{one} {other}"
            stands = self.pairs.get(pair)
            if stands is None:
                self.pairs[pair] = [number]
                self.after.setdefault(one, []).append(other)
            else:
                stands.append(number)

    def weigh(self, everyday: Everyday) -> None:
        """A word tells little where many procedures have it, and next to nothing if it is a filler.

        Typed without marks a word may be a filler or not ("can": cần, căn), so both are kept.
        """
        alone = [text for text in everyday.filler if len(syllables(text)) == 1]
        self.filler = _forms(alone)
        self.maybe_filler = {s.bare for text in alone for s in syllables(text)}
        self.filler_pairs = {
            f"{a.bare} {b.bare}" for text in everyday.filler for a, b in pairwise(syllables(text))
        }
        self.holders = self._count_holders()
        self.weight = self._weights(_forms(everyday.faint))
        self.most = {bare: max(map(self._told, forms)) for bare, forms in self.forms.items()}
        self.least = {bare: min(map(self._told, forms)) for bare, forms in self.forms.items()}
        for bare in self.maybe_filler & self.least.keys():
            self.least[bare] = min(self.least[bare], FILLER * self.most[bare])
        self.full = [sum(map(self._told, m[:COUNTED])) or 1.0 for m in self._marks]
        self._marks.clear()
        self.spellings = Spellings(self.forms)

    def is_filler(self, bare: str) -> bool:
        """Whether the catalogue has this word as a filler only."""
        return self.filler.issuperset(self.forms[bare])

    def _told(self, form: str) -> float:
        return self.weight[form]

    def _weights(self, faint: frozenset[str]) -> dict[str, float]:
        count = 1 + max(self.owner, default=0)
        weights: dict[str, float] = {}
        for bare, forms in self.forms.items():
            tells = math.log(1 + count / self.holders[bare])
            for form in forms:
                factor = FILLER if form in self.filler else FAINT if form in faint else 1.0
                weights[form] = factor * (min(tells, RARE) if factor < 1 else tells)
        return weights

    def _count_holders(self) -> Counter[str]:
        """By bare word: how many procedures have it."""
        holders: Counter[str] = Counter()
        own: set[str] = set()
        for number, words in enumerate(self.words):
            own.update(words)
            if number + 1 == len(self.owner) or self.owner[number + 1] != self.owner[number]:
                holders.update(own)
                own.clear()
        return holders


def _forms(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(one.marked for text in texts for one in syllables(text))
