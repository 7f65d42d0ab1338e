"""A touch screen that reads aloud: it tells each picture and each item, to whom wishes it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Protocol

from queue_server.wire.texts import Texts

from .reader import Reader, ReadingSettings
from .screen_app import ScreenApp
from .spoken import Item, SpokenWords, summary
from .window import WindowSettings
from .wishes import Access


class Visitor(Protocol):
    """What a program's state knows of whoever stands there."""

    @property
    def access(self) -> Access: ...
    @property
    def language(self) -> str: ...
    @property
    def headphones(self) -> bool:
        """They are in."""
        ...


class ReadingApp(ScreenApp):
    """A program has a `state` with its visitor's wishes, hears of new ones by `wish_reading` and `wish_volume`,
    calls `tune` when they may have changed, and starts and stops `reader`.

    `texts`: those with the table `[speech]`.
    """

    state: Visitor

    def __init__(self, window: WindowSettings, reading: ReadingSettings, texts: Texts) -> None:
        super().__init__(window)
        self.reader = Reader(reading)
        self.assist.corner = reading.corner
        self._speech = texts
        self._told = ""
        self._tuned = False

    # --- for the program ---

    def wish_reading(self) -> None:
        """The visitor wishes to be read to."""
        raise NotImplementedError

    def wish_volume(self) -> None:
        """She wishes the next volume."""
        raise NotImplementedError

    def tune(self) -> None:
        """The reader as this visitor wishes it."""
        wishes = self.state.access
        self.reader.plugged = self.state.headphones
        self.reader.speed, self.reader.volume_db = wishes.words_a_minute, wishes.volume_db
        self.assist.exploring = wishes.reading
        if self._tuned and not wishes.reading:
            self.reader.hush()
            self.assist.cursor.clear()
        self._tuned = wishes.reading

    def read_page(self) -> None:
        """All that stands on this picture, whether it is read aloud by itself or not."""
        told = [item for item in self.assist.items() if not item.acts and not item.aside]
        private = any(item.private for item in told)
        self._say(". ".join(item.words for item in told), private=private)

    # --- what the screen reports ---

    def spoken_words(self) -> SpokenWords:
        return SpokenWords(
            button=self._words("button"),
            chosen=self._words("chosen"),
            unavailable=self._words("unavailable"),
            choices=lambda count: self._words("choices", count=count),
        )

    def say_item(self, item: Item) -> None:
        if not self.state.access.reading:
            return
        if item.private and not self.state.headphones:
            self._say(self._words("headphones_only"))
        else:
            self._say(item.words, private=item.private)

    def hush(self) -> None:
        self.reader.hush()

    def on_put(self, new: bool) -> None:
        """Each new picture is told; the same one drawn anew only if it says something else."""
        if not self.state.access.reading:
            self._told = ""
            return
        text, private = self._summary()
        kept = re.sub(r"\d+", "", text)
        if new or kept != self._told:
            how = "" if self._told else self._words("how")
            self._say(f"{how} {text}", private=private)
        self._told = kept

    def where_am_i(self) -> None:
        """What stands here, and how it is used; the first press of a keypad's help key begins it all."""
        if not self.state.access.reading:
            self.wish_reading()
            return
        told, private = self._summary()
        self._say(f"{told}. {self._words('how')}", private=private)

    def _summary(self) -> tuple[str, bool]:
        """What stands here, and whether it is for headphones only: a private question is asked there alone."""
        found = self.assist.items()
        asked = [item for item in found if item.private and getattr(item.widget, "asks", False)]
        alone = bool(asked) and self.state.headphones
        if alone:
            found = [replace(item, private=False) if item in asked else item for item in found]
        return summary(found, self.spoken_words()), alone

    def on_corner(self) -> None:
        """Heard at once, while the finger is still down."""
        self.wish_reading()
        if not self._told:
            self.on_put(True)

    def on_volume_key(self) -> None:
        self.wish_volume()
        if self.state.access.reading:
            self._say(self._words("volume", step=self.state.access.volume + 1))

    def _words(self, key: str, **values: object) -> str:
        return self._speech.say(f"speech.{key}", self.state.language, **values)

    def _say(self, text: str, private: bool = False) -> None:
        self.reader.say(text, self.state.language, private=private)
