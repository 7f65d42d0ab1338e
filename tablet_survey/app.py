"""The tablet's window: shows the survey's state, and takes touches and the server's words to it."""

from __future__ import annotations

import structlog
from kivy.clock import Clock

from kiosk.touch.colours import palette_of
from kiosk.touch.read_aloud import ReadingApp
from kiosk.touch.reader import ReadingSettings
from kiosk.touch.style import CALM, HIGH_CONTRAST
from kiosk.touch.window import WindowSettings
from queue_server.wire.link import Incoming
from queue_server.wire.messages import CentreSetup
from queue_server.wire.texts import Texts
from queue_server.wire.words import local

from . import journey as j
from .parts import Picture, Scene
from .pictures import drawn_from, picture, screen_name
from .survey import Survey, read_event

log = structlog.get_logger()

BEAT_S = 0.1
VIETNAM_MINUTES = 420


class TabletApp(ReadingApp):
    """`hear` and `connection` may be called from any thread; all else belongs to the screen's."""

    state: j.State

    def __init__(
        self,
        window: WindowSettings,
        reading: ReadingSettings,
        survey: Survey,
        texts: Texts,
        centre: str,
        counter: int,
    ) -> None:
        super().__init__(window, reading, texts)
        self.state = survey.state
        self._survey, self._texts = survey, texts
        self._centre, self._counter = centre, counter
        self._setup: CentreSetup | None = None
        self._picture: Picture | None = None
        self._drawn: tuple[object, ...] = ()

    # --- from the link's thread ---

    def hear(self, incoming: Incoming) -> None:
        """A message of the server."""
        event = read_event(self._centre, incoming)
        if isinstance(event, CentreSetup):
            setup = event
            self.call_soon(lambda: self._learn(setup))
        elif event is not None:
            self._soon(event)

    def connection(self, up: bool) -> None:
        self._soon(j.ConnectionChanged(up))

    def refused(self, reason: str) -> None:
        log.warning("connection_refused", reason=reason)
        self._soon(j.ConnectionRefused())

    def _soon(self, event: j.Event) -> None:
        self.call_soon(lambda: self.happen(event))

    # --- in the screen's thread ---

    def on_start(self) -> None:
        Clock.schedule_interval(lambda _: self.happen(j.TimePassed()), BEAT_S)

    def happen(self, event: j.Event) -> None:
        self._survey.happen(event)
        self.state = self._survey.state
        self.tune()
        self._refresh()

    def listens(self) -> bool:
        """The journey is deaf for a moment too, after what is another screen to it."""
        return super().listens() and self._survey.settled()

    def wish_reading(self) -> None:
        self.happen(j.MakeWish(j.Wish.READ))

    def wish_volume(self) -> None:
        self.happen(j.MakeWish(j.Wish.VOLUME))

    def draw(self) -> None:
        """The state's picture, made anew."""
        own, setup = self.state.access, self._setup
        calm = palette_of(setup.colours) if setup else CALM
        self.palette, self.letters = HIGH_CONTRAST if own.contrast else calm, own.letters
        scene = self._scene()
        self._picture = picture(scene)
        self._drawn = self._stands_on()
        self.show(screen_name(scene.state), self._picture)

    def _refresh(self) -> None:
        """A new picture only when it must be: a finger down on the old one would be lost."""
        if self._picture is None or self._drawn != self._stands_on():
            self.draw()
        else:
            self._picture.update(self.state, self._survey.left(), self._clock())

    def _stands_on(self) -> tuple[object, ...]:
        return (*drawn_from(self.state), self._setup)

    def _learn(self, setup: CentreSetup) -> None:
        self._setup = setup
        self.happen(j.SurveysSeen(setup.surveys))

    def _clock(self) -> str:
        offset = self._setup.utc_offset_minutes if self._setup else VIETNAM_MINUTES
        return local(self._survey.now().wall, offset).strftime("%H:%M")

    def _scene(self) -> Scene:
        pace = self._survey.pace
        return Scene(
            look=self.look,
            texts=self._texts,
            state=self.state,
            report=self.happen,
            reasons=pace.offered_reasons,
            words_length=pace.words_length,
            counter=self._counter,
            setup=self._setup,
            clock=self._clock(),
        )
