"""Finding a procedure as one types, without network: an index in memory over the catalogue's short lines.

Every procedure is a handful of phrases: its short name, its official name, its field, its keywords, and
what people say for it by the table of everyday words. A typed text is held against each phrase by what it
covers of the text, what it covers of the phrase, and which words stand side by side in both; a procedure
counts as its best phrase and a little for all of them together. Marks that agree lift a phrase, marks that
do not never shut it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from ..wire.words import Frozen
from .catalogue import Summary
from .everyday import Everyday, shipped
from .phrases import Phrases
from .reading import LONGEST_TEXT, Reader, Reading, Term
from .search import fold
from .syllables import composed

TITLE, ALIAS, OFFICIAL, FIELD = 1.0, 1.0, 0.9, 0.4
DISAGREES, UNMARKED = 0.8, 0.95
OF_PHRASE, TOGETHER = 0.5, 0.3
"""How much it counts that the phrase has no other words, and what all phrases cover between them."""
LOOKED_AT = 40
"""Procedures whose phrases are all looked at, the best by one phrase."""
HERE, USUAL = 1.12, 1.04
LEAST, LEAST_OF_BEST, LEAST_OF_WORDS = 0.12, 0.3, 0.25
WHOLE_CODE, LOCAL_CODE, CODE_BEGUN, CODE_INSIDE = 4.0, 3.5, 3.0, 2.0
SHORTEST_CODE, SHORTEST_WHOLE_CODE = 3, 7
CODE_LIKE = re.compile(r"(?:[a-z]{1,3}[.\- ]?)?\d[\d.\- ]*(?:\.?h\d{0,2})?")
SURE_CODE = re.compile(r"\d[.\-]\d|\d{5}")
OPENING = "Thủ tục "


class Findable(Frozen):
    """What a search must know of a procedure."""

    code: str
    name: str
    official: str = ""
    field: str = ""
    service: str | None = None
    keywords: tuple[str, ...] = ()


def findable(line: Summary) -> Findable:
    """What the search must know of a line of the catalogue."""
    return Findable(
        code=line.code,
        name=line.name,
        official=line.official,
        field=line.field,
        service=line.service,
        keywords=line.keywords,
    )


class Hit(Frozen):
    """A procedure found."""

    code: str
    score: float


class Finder:
    """Searches `entries` with the table of everyday words, that of the product where none is given.

    Building takes about a tenth of a millisecond an entry. It never changes afterwards, so any thread may ask.
    """

    def __init__(self, entries: Iterable[Findable], everyday: Everyday | None = None) -> None:
        self._everyday = everyday if everyday is not None else shipped()
        self._entries = list(entries)
        self._codes = [_compact(entry.code) for entry in self._entries]
        self._titles = [fold(entry.name) for entry in self._entries]
        usual = frozenset(self._everyday.usual)
        self._priors = [_prior(e, e.code in usual) for e in self._entries]
        self._phrases = Phrases()
        self._first = self._fill()
        self._phrases.weigh(self._everyday)
        self._reader = Reader(self._phrases, self._everyday)

    def _fill(self) -> list[int]:
        """Add all phrases; where those of each procedure begin, and the end."""
        said: dict[str, list[str]] = {}
        for one in self._everyday.procedure:
            for code in one.codes:
                said.setdefault(code, []).extend(one.say)
        first = []
        for number, entry in enumerate(self._entries):
            first.append(len(self._phrases.owner))
            for text, worth in _phrases_of(entry, said.get(entry.code, ())):
                self._phrases.add(number, text, worth)
        return [*first, len(self._phrases.owner)]

    def find(self, text: str, limit: int = 8) -> tuple[Hit, ...]:
        """The best `limit` procedures for `text`, whose last word may be unfinished unless a blank follows.

        Nothing for a text that has no word in common with any procedure. Never fails, whatever is typed.
        """
        coded = self._by_code(fold(composed(text[:LONGEST_TEXT])))
        if coded and SURE_CODE.search(text):
            return tuple(coded[:limit])
        best: dict[int, float] = {}
        for reading in self._reader.readings(text):
            for number, score in self._score(reading):
                if best.get(number, -1.0) < score:
                    best[number] = score
        codes = {hit.code for hit in coded}
        ranked = (n for n in self._ranked(best) if self._entries[n].code not in codes)
        found = [self._hit(n, best[n]) for n in islice(ranked, limit)]
        return tuple((coded + found)[:limit])

    def most_used(self, limit: int = 8) -> tuple[str, ...]:
        """Codes of what is asked for most and done here, by the table's `usual`."""
        usual = {code: place for place, code in enumerate(self._everyday.usual)}
        here = [entry for entry in self._entries if entry.service]
        here.sort(key=lambda e: (usual.get(e.code, len(usual)), len(e.name), e.code))
        return tuple(entry.code for entry in here[:limit])

    # --- by code ---------------------------------------------------------------------------------

    def _by_code(self, folded: str) -> list[Hit]:
        """Whose code the text is, begins, or is a province's form of (1.001612.000.00.00.H19)."""
        typed = _compact(folded)
        long_enough = len(typed) >= SHORTEST_CODE or "." in folded
        if not long_enough or not CODE_LIKE.fullmatch(folded):
            return []
        found = {n: s for n, code in enumerate(self._codes) if (s := _code_score(code, typed))}
        order = sorted(found, key=lambda n: (-found[n], not self._entries[n].service, n))
        return [Hit(code=self._entries[n].code, score=found[n]) for n in order]

    # --- by words --------------------------------------------------------------------------------

    def _score(self, reading: Reading) -> Iterator[tuple[int, float]]:
        """The best procedures that have a word of `reading`, in no order."""
        held = [self._holding(term) for term in reading.terms]
        best = self._best_phrases(reading, held)
        order = sorted(best, key=lambda n: -best[n] * self._priors[n])[:LOOKED_AT]
        for number in order:
            score = best[number]
            together = self._together(number, reading.terms, held)
            score = (1 - TOGETHER) * score + TOGETHER * together * score**0.5
            yield number, score * self._priors[number] * reading.factor

    def _best_phrases(self, reading: Reading, held: list[dict[int, float]]) -> dict[int, float]:
        """By procedure: the score of its best phrase."""
        covered = _sum((t.weight, h) for t, h in zip(reading.terms, held, strict=True))
        paired = _sum((pair.weight, self._holding_pair(pair.choices)) for pair in reading.pairs)
        whole = sum(t.weight for t in reading.terms) + sum(p.weight for p in reading.pairs)
        least = LEAST_OF_WORDS * max(covered.values(), default=0.0)
        best: dict[int, float] = {}
        full, worth, owner = self._phrases.full, self._phrases.worth, self._phrases.owner
        for phrase, told in covered.items():
            if told < least or not told:
                continue
            of_text = (told + paired.get(phrase, 0.0)) / whole
            of_phrase = told / full[phrase]
            of_phrase = of_phrase if of_phrase < 1 else 1.0
            score = worth[phrase] * of_text * (1 - OF_PHRASE + OF_PHRASE * of_phrase)
            number = owner[phrase]
            if best.get(number, -1.0) < score:
                best[number] = score
        return best

    def _together(
        self, number: int, terms: tuple[Term, ...], held: list[dict[int, float]]
    ) -> float:
        """The share of the text that all phrases of a procedure cover between them."""
        own = self._of(number)
        told = sum(
            term.weight * max((has.get(phrase, 0.0) for phrase in own), default=0.0)
            for term, has in zip(terms, held, strict=True)
        )
        return told / sum(term.weight for term in terms)

    def _holding(self, term: Term) -> dict[int, float]:
        """By phrase: how well it holds this word, 1 for the very word with the very marks."""
        found: dict[int, float] = {}
        for bare, sure in term.choices:
            for form in self._phrases.forms[bare]:
                agrees = sure * _agreement(term, form, bare)
                for phrase in self._phrases.holding[form]:
                    if found.get(phrase, 0.0) < agrees:
                        found[phrase] = agrees
        return found

    def _holding_pair(self, choices: Iterable[tuple[str, float]]) -> dict[int, float]:
        found: dict[int, float] = {}
        for pair, sure in reversed(tuple(choices)):
            found.update(dict.fromkeys(self._phrases.pairs[pair], sure))
        return found

    def _ranked(self, best: dict[int, float]) -> list[int]:
        """Best first; of several with the same title, as provinces publish them, all but one go last."""
        least = LEAST_OF_BEST * max(best.values(), default=0.0)
        order = sorted(
            (n for n, score in best.items() if score >= max(least, LEAST)),
            key=lambda n: (-round(best[n], 3), self._entries[n].code),
        )
        first = {self._titles[n]: n for n in reversed(order)}
        return sorted(order, key=lambda n: first[self._titles[n]] != n)

    def _hit(self, number: int, score: float) -> Hit:
        return Hit(code=self._entries[number].code, score=round(score, 4))

    def _of(self, number: int) -> range:
        """The phrases of a procedure."""
        return range(self._first[number], self._first[number + 1])


def _phrases_of(entry: Findable, said: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Its phrases with their worth, the title first."""
    title = entry.name.removeprefix(OPENING)
    yield title or entry.code, TITLE
    official = entry.official.removeprefix(OPENING)
    if official.casefold() != title.casefold():
        yield official, OFFICIAL
    yield entry.field, FIELD
    for text in dict.fromkeys((*entry.keywords, *said)):
        yield text, ALIAS


def _prior(entry: Findable, usual: bool) -> float:
    """What is done here comes before what is not, and a little what the table calls usual."""
    here = HERE if entry.service else 1.0
    return here * USUAL if usual else here


def _agreement(term: Term, form: str, bare: str) -> float:
    if term.word.marked == form or not term.word.has_marks:
        return 1.0
    return UNMARKED if form == bare else DISAGREES


def _sum(parts: Iterable[tuple[float, dict[int, float]]]) -> dict[int, float]:
    total: dict[int, float] = {}
    for weight, held in parts:
        for phrase, share in held.items():
            total[phrase] = total.get(phrase, 0.0) + weight * share
    return total


def _compact(code: str) -> str:
    return "".join(c for c in code.casefold() if c.isalnum())


def _code_score(code: str, typed: str) -> float:
    if typed == code:
        return WHOLE_CODE
    if typed.startswith(code) and len(code) >= SHORTEST_WHOLE_CODE:
        return LOCAL_CODE
    if code.startswith(typed):
        return CODE_BEGUN
    return CODE_INSIDE if len(typed) > SHORTEST_CODE and code[1:].startswith(typed) else 0.0
