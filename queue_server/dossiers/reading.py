"""Reading what somebody typed: which words of the catalogue each typed word may stand for.

A word that is known stays itself, unless its neighbours say otherwise ("tạm chú" is "tạm trú"); an unknown
one is taken for what sounds alike or is a letter off, an unfinished one for all that begin so. Everyday
words give further readings, in the words that procedures use.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from .everyday import Everyday
from .phrases import FILLER, RARE, Phrases
from .syllables import Syllable, composed, syllables

LONGEST_TEXT, MOST_WORDS = 200, 16
"""More is cut off: nobody types that much, and a stuck key must not hold up the screen."""
TYPED, ALIKE, NEAR, BEGUN = 0.9, 0.75, 0.6, 0.8
"""How sure a guess is: an input method that was off, a word that sounds alike, one a letter away, a beginning."""
SIDE_BY_SIDE, NO_PAIR = 0.65, 0.5
REWORDED = 0.93
MOST_BEGUN, MOST_GUESSES, MOST_READINGS = 40, 6, 4
SHORTEST_JOINED = 5

Guess = tuple[str, float]
"""A word of the catalogue (a pair has a blank in it), and how sure it is, to 1."""
Meaning = tuple[tuple[Syllable, ...], tuple[str, ...]]


class Term(NamedTuple):
    """A typed word: how much it tells, and what it may stand for."""

    weight: float
    choices: tuple[Guess, ...]
    word: Syllable
    tells_little: bool


class Pair(NamedTuple):
    """Two typed words side by side, the surest choice first."""

    weight: float
    choices: tuple[Guess, ...]


class Reading(NamedTuple):
    """One way to understand a text; `factor` is lower where words were put in place of the typed ones."""

    terms: tuple[Term, ...]
    pairs: tuple[Pair, ...]
    factor: float


class Reader:
    """Reads texts by the words of `phrases` (weighed) and the everyday ones."""

    def __init__(self, phrases: Phrases, everyday: Everyday) -> None:
        self._phrases = phrases
        self._known = phrases.spellings
        self._meanings = _meanings(everyday)

    def readings(self, text: str) -> Iterator[Reading]:
        """As typed first. The last word may be unfinished unless a blank or a sign follows it."""
        clean = composed(text[:LONGEST_TEXT])
        typed = syllables(clean)[:MOST_WORDS]
        if not typed:
            return
        unfinished = typed[-1].end == len(clean)
        apart = [part for word in typed for part in self._apart(word)]
        yield self._read(apart, unfinished, 1.0)
        for words in self._reworded(apart):
            yield self._read(words, unfinished, REWORDED)

    # --- everyday words --------------------------------------------------------------------------

    def _reworded(self, typed: list[Syllable]) -> Iterator[list[Syllable]]:
        spans = list(self._spans(typed))
        given: set[tuple[str, ...]] = set()
        for turn in range(MOST_READINGS - 1 if spans else 0):
            words = list(typed)
            for start, end, means in reversed(spans):
                words[start:end] = syllables(means[min(turn, len(means) - 1)])
            key = tuple(w.bare for w in words)
            if words and key not in given:
                given.add(key)
                yield words[: 2 * MOST_WORDS]

    def _spans(self, typed: list[Syllable]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Where everyday words stand in the text, the longest first, none over another."""
        k = 0
        while k < len(typed):
            for phrase, means in self._meanings.get(typed[k].bare, ()):
                if _says(typed[k : k + len(phrase)], phrase):
                    yield k, k + len(phrase), means
                    k += len(phrase) - 1
                    break
            k += 1

    # --- single words ----------------------------------------------------------------------------

    def _read(self, words: list[Syllable], unfinished: bool, factor: float) -> Reading:
        last = len(words) - 1 if unfinished else len(words)
        guesses = [self._guesses(words, k, k == last) for k in range(len(words))]
        terms: dict[str, Term] = {}
        for k, word in enumerate(words):
            terms[word.bare] = self._term(words, k, guesses[k], k == last)
        if all(term.tells_little for term in terms.values()):
            terms = {b: t._replace(tells_little=False, weight=1.0) for b, t in terms.items()}
        little = [terms[word.bare].tells_little for word in words]
        pairs = tuple(
            self._pair(guesses[a], self._ends(words, a, b, guesses[b], b == last))
            for a, b in _neighbours(little)
        )
        return Reading(tuple(terms.values()), pairs, factor)

    def _term(self, words: list[Syllable], k: int, guesses: list[Guess], unfinished: bool) -> Term:
        word, alone = words[k], len(words) == 1
        just_begun = unfinished and len(word.bare) == 1 and not alone
        choices = list(guesses)
        if just_begun and not self._pairs_with(words, k, word.bare):
            choices.clear()
        if unfinished and (alone or len(word.bare) > 1):
            known = dict(guesses)
            choices += [
                (w, BEGUN * (1.0 if alone else len(word.bare) / len(w)))
                for w in self._begun(word.bare)
                if w not in known
            ]
        if choices and choices[0] == (word.bare, 1.0):
            weight, little = self._weight_of(words, k)
        else:
            most = self._phrases.most
            weight = max((most[w] * min(1.0, sure + 0.2) for w, sure in choices), default=0.0)
            little = word.marked in self._phrases.filler
        return Term(weight, tuple(choices), word, little)

    def _weight_of(self, words: list[Syllable], k: int) -> tuple[float, bool]:
        """What a known word tells. Without marks it may be a filler or not; its neighbours say which."""
        word, phrases = words[k], self._phrases
        if self._in_filler(words, k):
            return FILLER * min(phrases.least[word.bare], RARE), True
        if word.has_marks and word.marked in phrases.weight:
            return phrases.weight[word.marked], word.marked in phrases.filler
        paired = self._pairs_with(words, k, word.bare) or len(words) == 1
        little = word.bare in phrases.maybe_filler and not word.has_marks
        told = phrases.most if paired else phrases.least
        return told[word.bare], little and (not paired or phrases.is_filler(word.bare))

    def _guesses(self, words: list[Syllable], k: int, unfinished: bool) -> list[Guess]:
        bare = words[k].bare
        known = [(bare, 1.0)] if bare in self._known else []
        if bare.isdigit() or (known and self._stands(words, k)):
            return known
        if unfinished and self._goes_on(words, bare, bool(known)):
            return known
        guesses = self._misspelt(bare)
        fitting = {w: sure for w, sure in guesses.items() if self._fits(words, k, w)}
        if known or (fitting and len(guesses) > MOST_GUESSES):
            guesses = fitting
        most = self._phrases.most
        likely = sorted(guesses, key=lambda w: (-guesses[w], most[w], w))[:MOST_GUESSES]
        return known + [(w, guesses[w]) for w in likely]

    def _misspelt(self, bare: str) -> dict[str, float]:
        """By word that it may be a slip for: how sure."""
        found = dict.fromkeys(self._known.near(bare), NEAR)
        found.update(dict.fromkeys(self._known.alike(bare), ALIKE))
        found.update(dict.fromkeys(self._known.typed(bare), TYPED))
        return found

    def _stands(self, words: list[Syllable], k: int) -> bool:
        """A known word that is a filler, or stands beside its neighbour in a procedure too, is as meant."""
        bare = words[k].bare
        return bare in self._phrases.maybe_filler or self._pairs_with(words, k, bare)

    def _goes_on(self, words: list[Syllable], start: str, known: bool) -> bool:
        """Whether an unfinished last word can still become one that fits."""
        if len(words) > 1:
            after = self._phrases.after.get(words[-2].bare, ())
            if any(w.startswith(start) for w in after):
                return True
        elif known:
            return True
        return not known and bool(self._known.begun(start))

    def _begun(self, start: str) -> list[str]:
        """Words that begin so, those of most procedures first."""
        held = self._phrases.holders
        return heapq.nlargest(MOST_BEGUN, self._known.begun(start), key=lambda w: held[w])

    def _apart(self, word: Syllable) -> list[Syllable]:
        """Two syllables that were typed as one, "khaisinh", apart again."""
        bare, pairs = word.bare, self._phrases.pairs
        if len(bare) < SHORTEST_JOINED or bare in self._known or self._known.begun(bare):
            return [word]
        ways = [f"{bare[:n]} {bare[n:]}" for n in range(2, len(bare) - 1)]
        best = max(ways, key=lambda way: len(pairs.get(way, ())), default="")
        if best not in pairs:
            return [word]
        return [Syllable(part, part, word.start, word.end) for part in best.split()]

    # --- pairs -----------------------------------------------------------------------------------

    def _pair(self, firsts: list[Guess], ends: list[Guess]) -> Pair:
        known, most = self._phrases.pairs, self._phrases.most
        found = {
            pair: f * g
            for one, f in firsts
            for other, g in ends
            if (pair := f"{one} {other}") in known
        }
        fillers = self._phrases.filler_pairs
        told = (
            sum(most[w] for w in pair.split()) / 2 * (FILLER if pair in fillers else 1)
            for pair in found
        )
        weight = SIDE_BY_SIDE * max(told, default=NO_PAIR)
        return Pair(weight, tuple(sorted(found.items(), key=lambda guess: -guess[1])))

    def _ends(
        self, words: list[Syllable], a: int, b: int, guesses: list[Guess], unfinished: bool
    ) -> list[Guess]:
        """What the second of a pair may be: an unfinished one, all that can come after the first."""
        if not unfinished:
            return guesses
        start, known = words[b].bare, dict(guesses)
        after = self._phrases.after.get(words[a].bare, ())
        return guesses + [(w, BEGUN) for w in after if w.startswith(start) and w not in known]

    def _in_filler(self, words: list[Syllable], k: int) -> bool:
        """Whether this word is half of a filler of two, such as "thủ tục"."""
        around = [w.bare for w in words[max(k - 1, 0) : k + 2]]
        return any(f"{a} {b}" in self._phrases.filler_pairs for a, b in pairwise(around))

    def _pairs_with(self, words: list[Syllable], k: int, bare: str) -> bool:
        pairs = self._phrases.pairs
        before = k > 0 and f"{words[k - 1].bare} {bare}" in pairs
        return before or (k + 1 < len(words) and f"{bare} {words[k + 1].bare}" in pairs)

    def _fits(self, words: list[Syllable], k: int, bare: str) -> bool:
        """Whether `bare` in this place makes a pair with a neighbour that tells something."""
        pairs, filler = self._phrases.pairs, self._phrases.maybe_filler
        if k > 0 and (before := words[k - 1].bare) not in filler and f"{before} {bare}" in pairs:
            return True
        after = words[k + 1].bare if k + 1 < len(words) else ""
        return bool(after) and after not in filler and f"{bare} {after}" in pairs


def _meanings(everyday: Everyday) -> dict[str, list[Meaning]]:
    """By its first word: each phrase that means others, the longest first."""
    found: dict[str, list[Meaning]] = {}
    for word in everyday.word:
        for text in word.say:
            if read := tuple(syllables(text)):
                found.setdefault(read[0].bare, []).append((read, word.means))
    for meanings in found.values():
        meanings.sort(key=lambda meaning: -len(meaning[0]))
    return found


def _says(typed: list[Syllable], phrase: tuple[Syllable, ...]) -> bool:
    """Whether these words are that phrase. A lone word must not carry other marks: "để" is not "đẻ"."""
    if [t.bare for t in typed] != [p.bare for p in phrase]:
        return False
    return len(phrase) > 1 or not typed[0].has_marks or typed[0].marked == phrase[0].marked


def _neighbours(little: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Words side by side, also over one that tells nothing."""
    for k in range(len(little) - 1):
        yield k, k + 1
        if k + 2 < len(little) and little[k + 1]:
            yield k, k + 2
