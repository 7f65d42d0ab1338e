"""What the kiosk knows of procedures by itself: lines, records, and a search; good without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from queue_server.dossiers.catalogue import Procedure, Summary
from queue_server.dossiers.everyday import Everyday
from queue_server.dossiers.finder import Finder, Hit, findable
from queue_server.wire.words import Frozen

MOST_HITS = 12


class FieldOf(Frozen):
    """A field of administration and how many procedures of it are done here."""

    name: str
    count: int


def _none(_: str) -> None:
    return None


def _no_form(_: str) -> bool:
    return False


@dataclass(frozen=True)
class Shelf:
    """`record` gives a whole record (None: only its line is known here); `has_form`: a form of it can be
    filled at this kiosk today; `asked`: codes of what this centre's visitors come for, the most frequent first."""

    summaries: Mapping[str, Summary]
    finder: Finder
    record: Callable[[str], Procedure | None] = field(default=_none, compare=False)
    has_form: Callable[[str], bool] = field(default=_no_form, compare=False)
    asked: tuple[str, ...] = ()

    def find(self, text: str) -> tuple[Hit, ...]:
        """The best procedures for what has been typed so far; nothing for nothing."""
        return self.finder.find(text, MOST_HITS) if text.strip() else ()

    def line(self, code: str) -> Summary | None:
        return self.summaries.get(code)

    def usual(self) -> tuple[Summary, ...]:
        """The most-used procedures of this centre, for who does not type."""
        codes = dict.fromkeys((*self.asked, *self.finder.most_used(MOST_HITS)))
        found = (self.summaries.get(code) for code in codes)
        return tuple(line for line in found if line is not None and line.service)[:MOST_HITS]

    def fields(self) -> tuple[FieldOf, ...]:
        """Fields with procedures that are done here, the largest first."""
        counts: dict[str, int] = {}
        for line in self.summaries.values():
            if line.service and line.field:
                counts[line.field] = counts.get(line.field, 0) + 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(FieldOf(name=name, count=count) for name, count in ordered)

    def of_field(self, name: str) -> tuple[Summary, ...]:
        lines = (line for line in self.summaries.values() if line.field == name and line.service)
        return tuple(sorted(lines, key=lambda line: line.name))


def shelf_of(
    summaries: Iterable[Summary],
    record: Callable[[str], Procedure | None] = _none,
    has_form: Callable[[str], bool] = _no_form,
    everyday: Everyday | None = None,
    asked: Sequence[str] = (),
) -> Shelf:
    """Builds the search; takes up to a second for thousands of procedures, so off the screen's thread.

    `asked`: codes of what this centre's visitors come for, the most frequent first.
    """
    lines = {line.code: line for line in summaries}
    finder = Finder(map(findable, lines.values()), everyday)
    return Shelf(lines, finder, record, has_form, tuple(asked))
