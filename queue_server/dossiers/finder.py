"""Finding a procedure as one types, without network: an index in memory over the catalogue's short lines.

Every procedure is a handful of phrases: its short name, its official name, its field, its keywords, and
what people say for it by the table of everyday words. A typed text is held against each phrase by what it
covers of the text, what it covers of the phrase, and which words stand side by side in both; a procedure
counts as its best phrase and a little for all of them together. Marks that agree lift a phrase, marks that
do not never shut it out. Times are kept by looking only at phrases that share a word.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from ..wire.words import Frozen
from .everyday import Everyday, shipped
from .search import fold
from .syllables import Spellings, Syllable, composed, syllables

LONGEST_TEXT, MOST_WORDS = 200, 16
"""More is cut off: nobody types that much, and a stuck key must not hold up the screen."""
TITLE, ALIAS, OFFICIAL, FIELD = 1.0, 1.0, 0.9, 0.4
DISAGREES, UNMARKED = 0.8, 0.95
TYPED, ALIKE, NEAR, BEGUN = 0.9, 0.75, 0.6, 0.8
FILLER, FAINT = 0.2, 0.4
SIDE_BY_SIDE, NO_PAIR = 0.65, 0.5
MOST_BEGUN, MOST_GUESSES, MOST_READINGS = 40, 6, 4
COUNTED = 12
"""Of a long official name only so many words' worth must be covered."""
OF_PHRASE, TOGETHER, RE_RANKED = 0.5, 0.3, 40
HERE, USED, REWORDED = 1.12, 0.05, 0.93
LEAST, LEAST_OF_BEST = 0.12, 0.3
WHOLE_CODE, LOCAL_CODE, CODE_BEGUN, CODE_INSIDE = 4.0, 3.5, 3.0, 2.0
SHORTEST_CODE = 3
CODE_LIKE = re.compile(r"(?:[a-z]{1,3}[.\- ]?)?\d[\d.\- ]*(?:\.?h\d{0,2})?")
SURE_CODE = re.compile(r"\d[.\-]\d|\d{5}")
OPENING = "Thủ tục "


class Findable(Frozen):
    """What a search must know of a procedure. `used`: how often it is asked for here, any number that grows."""

    code: str
    name: str
    official: str = ""
    field: str = ""
    service: str | None = None
    keywords: tuple[str, ...] = ()
    used: float = 0.0


class Hit(Frozen):
    """A procedure found. `words`: its matched words, bare (see `emphasised`); `said`: the keyword or everyday
    phrase by which it was found, empty where its names alone did.
    """

    code: str
    score: float
    words: tuple[str, ...] = ()
    said: str = ""


class _Term(NamedTuple):
    """A typed word: how much it says, and the catalogue's words it may stand for."""

    weight: float
    choices: tuple[tuple[str, float], ...]
    bare: str
    marked: str
    has_marks: bool
    says_little: bool


class _Reading(NamedTuple):
    """One way to understand the text: its words, and its pairs of neighbours."""

    terms: list[_Term]
    pairs: list[tuple[float, list[tuple[str, float]]]]
    factor: float


class _Phrases:
    """The phrases of all procedures and where each word stands; filled once."""

    def __init__(self) -> None:
        self.owner: list[int] = []
        self.worth: list[float] = []
        self.text: list[str] = []
        self.words: list[tuple[str, ...]] = []
        self.marks: list[tuple[str, ...]] = []
        self.full: list[float] = []
        self.holding: dict[str, list[int]] = {}
        self.forms: dict[str, list[str]] = {}
        self.pairs: dict[str, list[int]] = {}
        self.after: dict[str, list[str]] = {}

    def add(self, owner: int, text: str, worth: float, alias: bool) -> None:
        read = syllables(text)
        if not read:
            return
        number = len(self.owner)
        self.owner.append(owner)
        self.worth.append(worth)
        self.text.append(text if alias else "")
        self.words.append(tuple(s.bare for s in read))
        self.marks.append(tuple(dict.fromkeys(s.marked for s in read)))
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


class Finder:
    """Searches `entries`. Building takes about a tenth of a millisecond each; it never changes afterwards,
    so any thread may ask it.
    """

    def __init__(self, entries: Iterable[Findable], everyday: Everyday | None = None) -> None:
        self._everyday = everyday if everyday is not None else shipped()
        self._entries = list(entries)
        self._phrases = _Phrases()
        self._first: list[int] = []
        self._fill()
        self._weights = self._weigh()
        self._spellings = Spellings(self._phrases.forms)
        self._means = self._read_meanings()
        self._codes = [_compact(e.code) for e in self._entries]
        most = max((e.used for e in self._entries), default=0.0)
        self._priors = [_prior(entry, most) for entry in self._entries]
        self._titles = [fold(entry.name) for entry in self._entries]

    # --- building --------------------------------------------------------------------------------

    def _fill(self) -> None:
        said: dict[str, list[str]] = {}
        for one in self._everyday.procedure:
            for code in one.codes:
                said.setdefault(code, []).extend(one.say)
        for number, entry in enumerate(self._entries):
            self._first.append(len(self._phrases.owner))
            for text, worth, alias in _phrases_of(entry, said.get(entry.code, ())):
                self._phrases.add(number, text, worth, alias)
        self._first.append(len(self._phrases.owner))

    def _weigh(self) -> dict[str, float]:
        """How much a word says: little where many procedures have it, next to nothing for a filler."""
        phrases, count = self._phrases, len(self._entries)
        holders: Counter[str] = Counter()
        for number in range(count):
            holders.update(
                {
                    w
                    for p in range(self._first[number], self._first[number + 1])
                    for w in phrases.words[p]
                }
            )
        faint, self._little = _forms(self._everyday.faint), _forms(self._everyday.filler)
        weights: dict[str, float] = {}
        for bare, forms in phrases.forms.items():
            says = math.log(1 + count / holders[bare])
            for form in forms:
                factor = FILLER if form in self._little else FAINT if form in faint else 1.0
                weights[form] = says * factor
        self._most = {bare: max(weights[f] for f in forms) for bare, forms in phrases.forms.items()}
        self._least = {
            bare: min(weights[f] for f in forms) for bare, forms in phrases.forms.items()
        }
        self._maybe_little = {s.bare for text in self._everyday.filler for s in syllables(text)}
        for bare in self._maybe_little & self._least.keys():
            self._least[bare] = min(self._least[bare], FILLER * self._most[bare])
        self._holders = holders
        for marks in phrases.marks:
            each = [weights[m] for m in marks[:COUNTED]]
            phrases.full.append(sum(each) or 1.0)
        phrases.marks.clear()
        return weights

    def _read_meanings(self) -> dict[str, list[tuple[tuple[Syllable, ...], tuple[str, ...]]]]:
        """By its first word: each phrase that means others."""
        found: dict[str, list[tuple[tuple[Syllable, ...], tuple[str, ...]]]] = {}
        for word in self._everyday.word:
            for text in word.say:
                read = tuple(syllables(text))
                if read:
                    found.setdefault(read[0].bare, []).append((read, word.means))
        for phrases in found.values():
            phrases.sort(key=lambda phrase: -len(phrase[0]))
        return found

    # --- asking ----------------------------------------------------------------------------------

    def find(self, text: str, limit: int = 8) -> tuple[Hit, ...]:
        """The best `limit` procedures for `text`, whose last word may be unfinished unless a blank follows.

        Nothing for a text that has no word in common with any procedure. Never fails, whatever is typed.
        """
        clean = composed(text[:LONGEST_TEXT])
        coded = self._by_code(clean)
        typed = [] if coded and SURE_CODE.search(clean) else syllables(clean)[:MOST_WORDS]
        unfinished = bool(typed) and typed[-1].end == len(clean)
        typed = [part for word in typed for part in self._parted(word)]
        scores: dict[int, tuple[float, int, _Reading]] = {}
        for words, factor in self._readings(typed):
            reading = self._read(words, unfinished, factor)
            for number, score, phrase in self._score(reading):
                if number not in scores or scores[number][0] < score:
                    scores[number] = (score, phrase, reading)
        ranked = [n for n in self._ranked(scores) if n not in coded]
        hits = [Hit(code=self._entries[n].code, score=s) for n, s in coded.items()]
        hits += [self._hit(n, *scores[n]) for n in ranked[:limit]]
        return tuple(hits[:limit])

    def most_used(self, limit: int = 8) -> tuple[str, ...]:
        """Codes of what is asked for most and done here; without figures those with most keywords first."""
        here = [entry for entry in self._entries if entry.service]
        here.sort(key=lambda e: (-e.used, -len(e.keywords), len(e.name), e.code))
        return tuple(entry.code for entry in here[:limit])

    def _ranked(self, scores: dict[int, tuple[float, int, _Reading]]) -> list[int]:
        """Best first; of several with the same title, as provinces publish them, all but one go last."""
        least = max((s[0] for s in scores.values()), default=0.0) * LEAST_OF_BEST
        order = sorted(
            (n for n, s in scores.items() if s[0] >= max(least, LEAST)),
            key=lambda n: (-round(scores[n][0], 3), -self._entries[n].used, self._entries[n].code),
        )
        first = {self._titles[n]: n for n in reversed(order)}
        return sorted(order, key=lambda n: first[self._titles[n]] != n)

    def _hit(self, number: int, score: float, phrase: int, reading: _Reading) -> Hit:
        own = {w for p in self._of(number) for w in self._phrases.words[p]}
        found = dict.fromkeys(w for term in reading.terms for w in _matched(term, own))
        telling = tuple(w for w in found if not self._little.issuperset(self._phrases.forms[w]))
        title = set(self._phrases.words[self._first[number]])
        alias = self._phrases.text[phrase]
        new = set(self._phrases.words[phrase]) & set(telling) - title
        return Hit(
            code=self._entries[number].code,
            score=round(score, 4),
            words=telling or tuple(found),
            said=alias if new else "",
        )

    def _of(self, number: int) -> range:
        return range(self._first[number], self._first[number + 1])

    # --- by code ---------------------------------------------------------------------------------

    def _by_code(self, text: str) -> dict[int, float]:
        """Procedures whose code `text` is, begins, or is a province's form of (1.001612.000.00.00.H19)."""
        folded = fold(text)
        if not CODE_LIKE.fullmatch(folded):
            return {}
        typed = _compact(folded)
        if len(typed) < SHORTEST_CODE and "." not in folded:
            return {}
        found = {n: s for n, code in enumerate(self._codes) if (s := _code_score(code, typed))}
        best = sorted(
            found, key=lambda n: (-found[n], not self._entries[n].service, self._codes[n])
        )
        return {n: found[n] for n in best}

    # --- reading the text ------------------------------------------------------------------------

    def _readings(self, typed: list[Syllable]) -> Iterator[tuple[list[Syllable], float]]:
        """As typed, then with everyday words put into the words that procedures use."""
        if not typed:
            return
        yield typed, 1.0
        spans = list(self._spans(typed))
        given: set[tuple[str, ...]] = set()
        for turn in range(MOST_READINGS - 1):
            words = list(typed)
            for start, end, means in reversed(spans):
                words[start:end] = syllables(means[min(turn, len(means) - 1)])
            key = tuple(w.bare for w in words)
            if spans and key not in given:
                given.add(key)
                yield words[: 2 * MOST_WORDS], REWORDED

    def _spans(self, typed: list[Syllable]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Where everyday words stand in the text, the longest first, none over another."""
        k = 0
        while k < len(typed):
            for phrase, means in self._means.get(typed[k].bare, ()):
                if _says(typed[k : k + len(phrase)], phrase):
                    yield k, k + len(phrase), means
                    k += len(phrase) - 1
                    break
            k += 1

    def _read(self, words: list[Syllable], unfinished: bool, factor: float) -> _Reading:
        guesses = [self._guesses(words, k, unfinished) for k in range(len(words))]
        last = len(words) - 1
        terms: dict[str, _Term] = {}
        for k, word in enumerate(words):
            terms[word.bare] = self._term(words, k, guesses[k], unfinished and k == last)
        if all(term.says_little for term in terms.values()):
            terms = {b: t._replace(says_little=False, weight=1.0) for b, t in terms.items()}
        little = [terms[word.bare].says_little for word in words]
        pairs = list(self._pairs(words, guesses, little, unfinished))
        return _Reading(list(terms.values()), pairs, factor)

    def _term(
        self, words: list[Syllable], k: int, guesses: list[tuple[str, float]], unfinished: bool
    ) -> _Term:
        word, choices = words[k], list(guesses)
        alone = len(words) == 1
        if unfinished and len(word.bare) == 1 and not alone:
            choices = []
        elif unfinished:
            begun = [w for w in self._begun(word.bare) if w not in dict(guesses)]
            choices += [(w, BEGUN * (1.0 if alone else len(word.bare) / len(w))) for w in begun]
        if choices and choices[0] == (word.bare, 1.0):
            weight, little = self._weight_of(words, k)
        else:
            weight = max((self._most[w] * min(1.0, f + 0.2) for w, f in choices), default=0.0)
            little = word.marked in self._little
        return _Term(weight, tuple(choices), word.bare, word.marked, word.has_marks, little)

    def _weight_of(self, words: list[Syllable], k: int) -> tuple[float, bool]:
        """What a known word says. Without marks it may be a filler or not ("can": cần, căn); its neighbours tell."""
        word = words[k]
        if word.has_marks and word.marked in self._weights:
            return self._weights[word.marked], word.marked in self._little
        forms = self._phrases.forms[word.bare]
        paired = self._pairs_with(words, k, word.bare) or len(words) == 1
        likely = self._most if paired else self._least
        little = word.bare in self._maybe_little and not word.has_marks
        return likely[word.bare], little and (not paired or self._little.issuperset(forms))

    def _begun(self, start: str) -> list[str]:
        """Words that begin so, those of most procedures first."""
        return heapq.nlargest(
            MOST_BEGUN, self._spellings.begun(start), key=lambda w: self._holders[w]
        )

    def _parted(self, word: Syllable) -> list[Syllable]:
        """Two syllables that were typed as one, "khaisinh", apart again."""
        bare, pairs = word.bare, self._phrases.pairs
        if len(bare) < 5 or bare in self._spellings or self._spellings.begun(bare):
            return [word]
        ways = [f"{bare[:n]} {bare[n:]}" for n in range(2, len(bare) - 1)]
        best = max(ways, key=lambda way: len(pairs.get(way, ())), default="")
        if best not in pairs:
            return [word]
        return [Syllable(part, part, word.start, word.end) for part in best.split()]

    def _guesses(self, words: list[Syllable], k: int, unfinished: bool) -> list[tuple[str, float]]:
        """The catalogue's words that this one may be. One that is known stays itself, unless only another
        makes a pair with its neighbour that any procedure has.
        """
        bare, spell = words[k].bare, self._spellings
        known = [(bare, 1.0)] if bare in spell else []
        if bare.isdigit() or (known and self._stands(words, k)):
            return known
        if unfinished and k == len(words) - 1 and self._goes_on(words, bare, bool(known)):
            return known
        best: dict[str, float] = {}
        ways = ((spell.near(bare), NEAR), (spell.alike(bare), ALIKE), (spell.typed(bare), TYPED))
        for found, factor in ways:
            best.update(dict.fromkeys(found, factor))
        paired = {w: f for w, f in best.items() if self._fits(words, k, w)}
        if known or (paired and len(best) > MOST_GUESSES):
            best = paired
        likely = sorted(best, key=lambda w: (-best[w], self._most[w], w))[:MOST_GUESSES]
        return known + [(w, best[w]) for w in likely]

    def _goes_on(self, words: list[Syllable], start: str, known: bool) -> bool:
        """Whether an unfinished last word can still become one that fits."""
        if len(words) == 1:
            return known or bool(self._spellings.begun(start))
        after = self._phrases.after.get(words[-2].bare, ())
        if any(w.startswith(start) for w in after):
            return True
        return not known and bool(self._spellings.begun(start))

    def _stands(self, words: list[Syllable], k: int) -> bool:
        """A known word that is a filler, or has a neighbour that it also has in a procedure, is as meant."""
        return words[k].bare in self._maybe_little or self._pairs_with(words, k, words[k].bare)

    def _fits(self, words: list[Syllable], k: int, bare: str) -> bool:
        """Whether `bare` in this place makes a pair with a neighbour that says something."""
        pairs, little = self._phrases.pairs, self._maybe_little
        if k > 0 and (before := words[k - 1].bare) not in little and f"{before} {bare}" in pairs:
            return True
        after = words[k + 1].bare if k + 1 < len(words) else ""
        return bool(after) and after not in little and f"{bare} {after}" in pairs

    def _pairs_with(self, words: list[Syllable], k: int, bare: str) -> bool:
        pairs = self._phrases.pairs
        before = k > 0 and f"{words[k - 1].bare} {bare}" in pairs
        return before or (k + 1 < len(words) and f"{bare} {words[k + 1].bare}" in pairs)

    def _pairs(
        self,
        words: list[Syllable],
        guesses: list[list[tuple[str, float]]],
        little: list[bool],
        unfinished: bool,
    ) -> Iterator[tuple[float, list[tuple[str, float]]]]:
        for a, b in _neighbours(little):
            ends = list(guesses[b])
            firsts = guesses[a]
            if unfinished and b == len(words) - 1:
                start = words[b].bare
                for one, _ in firsts:
                    ends += [
                        (w, BEGUN) for w in self._phrases.after.get(one, ()) if w.startswith(start)
                    ]
            found = {
                f"{one} {other}": f * g
                for one, f in firsts
                for other, g in ends
                if f"{one} {other}" in self._phrases.pairs
            }
            yield self._pair_weight(found), sorted(found.items(), key=lambda pair: -pair[1])

    def _pair_weight(self, found: dict[str, float]) -> float:
        each = (sum(self._most[w] for w in pair.split()) / 2 for pair in found)
        return SIDE_BY_SIDE * max(each, default=NO_PAIR)

    # --- scoring ---------------------------------------------------------------------------------

    def _score(self, reading: _Reading) -> Iterator[tuple[int, float, int]]:
        """Each procedure that has a word of `reading`: its number, its score and its best phrase."""
        phrases = self._phrases
        each = [self._holding(term) for term in reading.terms]
        covered = _sum((term.weight, held) for term, held in zip(reading.terms, each, strict=True))
        paired = _sum((weight, self._pairing(pairs)) for weight, pairs in reading.pairs)
        whole = sum(t.weight for t in reading.terms) + sum(w for w, _ in reading.pairs)
        if not covered or not whole:
            return
        best: dict[int, tuple[float, int]] = {}
        full, worth, owner = phrases.full, phrases.worth, phrases.owner
        least = 0.25 * max(covered.values())
        for phrase, sum_ in covered.items():
            if sum_ < least:
                continue
            share = (sum_ + paired.get(phrase, 0.0)) / whole
            of_phrase = sum_ / full[phrase]
            score = (
                worth[phrase]
                * share
                * (1 - OF_PHRASE + OF_PHRASE * (of_phrase if of_phrase < 1 else 1.0))
            )
            number = owner[phrase]
            if number not in best or best[number][0] < score:
                best[number] = (score, phrase)
        order = sorted(best, key=lambda n: -best[n][0] * self._priors[n])[:RE_RANKED]
        words = sum(t.weight for t in reading.terms)
        for number in order:
            score, phrase = best[number]
            together = self._together(number, reading.terms, each) / words
            score = (1 - TOGETHER) * score + TOGETHER * together * score**0.5
            yield number, score * self._priors[number] * reading.factor, phrase

    def _together(self, number: int, terms: list[_Term], each: list[dict[int, float]]) -> float:
        """What all phrases of a procedure cover of the text between them."""
        own = self._of(number)
        return sum(
            term.weight * max((held.get(p, 0.0) for p in own), default=0.0)
            for term, held in zip(terms, each, strict=True)
        )

    def _holding(self, term: _Term) -> dict[int, float]:
        """By phrase: how well it holds this word, 1 for the very word with the very marks."""
        found: dict[int, float] = {}
        for bare, factor in term.choices:
            for form in self._phrases.forms[bare]:
                agrees = factor * _agreement(term, form, bare)
                for phrase in self._phrases.holding[form]:
                    if found.get(phrase, 0.0) < agrees:
                        found[phrase] = agrees
        return found

    def _pairing(self, pairs: list[tuple[str, float]]) -> dict[int, float]:
        found: dict[int, float] = {}
        for pair, factor in reversed(pairs):
            found.update(dict.fromkeys(self._phrases.pairs[pair], factor))
        return found


def emphasised(text: str, words: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    """`text` in pieces, each with whether it is one of the matched `words` of a `Hit`."""
    wanted, pieces, at = frozenset(words), [], 0
    for one in syllables(text):
        if one.bare in wanted:
            pieces += [(text[at : one.start], False), (text[one.start : one.end], True)]
            at = one.end
    pieces.append((text[at:], False))
    return tuple(piece for piece in pieces if piece[0])


def _neighbours(little: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Words side by side, also over one that says nothing."""
    for k in range(len(little) - 1):
        yield k, k + 1
        if k + 2 < len(little) and little[k + 1]:
            yield k, k + 2


def _matched(term: _Term, own: Set[str]) -> list[str]:
    """The words of `own` that a typed word met: itself, else those that it may stand for."""
    found = [bare for bare, _ in term.choices if bare in own]
    return found[:1] if found and found[0] == term.bare else found


def _forms(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(one.marked for text in texts for one in syllables(text))


def _phrases_of(entry: Findable, said: Iterable[str]) -> Iterator[tuple[str, float, bool]]:
    title = entry.name.removeprefix(OPENING)
    yield title, TITLE, False
    official = entry.official.removeprefix(OPENING)
    if official and official.casefold() != title.casefold():
        yield official, OFFICIAL, False
    yield entry.field, FIELD, False
    for text in dict.fromkeys((*entry.keywords, *said)):
        yield text, ALIAS, True


def _prior(entry: Findable, most_used: float) -> float:
    share = math.log1p(max(entry.used, 0.0)) / math.log1p(most_used) if most_used > 0 else 0.0
    return (HERE if entry.service else 1.0) * (1 + USED * share)


def _says(typed: list[Syllable], phrase: tuple[Syllable, ...]) -> bool:
    """Whether these words are that phrase. A lone word must not carry other marks: "để" is not "đẻ"."""
    if len(typed) != len(phrase) or any(
        t.bare != p.bare for t, p in zip(typed, phrase, strict=True)
    ):
        return False
    return len(phrase) > 1 or not typed[0].has_marks or typed[0].marked == phrase[0].marked


def _agreement(term: _Term, form: str, bare: str) -> float:
    if term.marked == form or not term.has_marks:
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
    if typed.startswith(code) and len(code) >= 7:
        return LOCAL_CODE
    if code.startswith(typed):
        return CODE_BEGUN
    return CODE_INSIDE if len(typed) > SHORTEST_CODE and code[1:].startswith(typed) else 0.0
