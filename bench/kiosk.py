"""The kiosk's own screens with software rendering at 1080×1920: touch → next screen, and memory over many visits.

    python -m bench.kiosk [VISITS [WIDTHxHEIGHT]]      visits in one process; a week is 20,000

A week takes hours; less long in a small window, where the same widgets have fewer pixels to draw.

The journey, the pictures and the drawing are the kiosk's own; the server's answers are made up here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .asks import quantiles

SIZE = (1080, 1920)
WARM = 40
QUIET_EVERY = 100
"""After so many visits nobody comes for a while, and the kiosk takes the long pause."""

PAUSE_EVERY = 10
"""In a small window, where a week is to pass: so many visits between two short pauses."""


def measure_kiosk(visits: int) -> dict[str, Any]:
    """Runs in a process of its own, since Kivy has one window: times in ms, memory in MB."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.kiosk", str(visits)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def kiosk_rows(small: bool) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """(l) Touch → next screen, cold start, and memory over visits; a week of them only by the command above."""
    found = measure_kiosk(60 if small else 400)
    start = min(measure_cold_start() for _ in range(2))
    early, late = found["memory_mb"][2], found["memory_mb"][-1]
    growth = late / early - 1
    told = f"p50 {found['p50_ms']:.0f} ms, p95 {found['p95_ms']:.0f} ms over {found['touches']} touches"
    return {**found, "cold_start_s": start}, [
        ("(l) kiosk: touch → next screen, software, 1080×1920", told, "p95 ≤ 100 ms"),
        ("(l) kiosk: cold start to the welcome screen", f"{start:.1f} s", "≤ 5 s"),
        (
            "(l) kiosk: memory over visits",
            f"{early:.0f} → {late:.0f} MB ({growth:+.1%}) in {found['visits']} visits",
            "≤ +10 % in 20,000",
        ),
    ]


def measure_cold_start() -> float:
    """Seconds from the command to the welcome screen drawn, everything imported and made anew."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "bench.kiosk", "0"], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - began


def main(visits: int, size: tuple[int, int] = SIZE) -> dict[str, Any]:
    """All of it in this process."""
    from kiosk.touch.window import WindowSettings, prepare_kivy

    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
    window = WindowSettings(*size, False, 344.0)
    prepare_kivy(window, Path(tempfile.mkdtemp()) / "kivy")
    from kivy.config import Config

    Config.set("graphics", "maxfps", "0")
    from kivy.base import EventLoop

    from kiosk.app import KioskApp
    from kiosk.main import TEXTS
    from kiosk.settings import KioskSettings
    from queue_server.wire.texts import Texts

    app = KioskApp(window, KioskSettings(), Texts(TEXTS), "bench")
    app._run_prepare()
    visitor = Visitor(app, EventLoop, size == SIZE)
    visitor.world()
    if not visits:
        return {"drawn": app.screen_name}
    times: list[float] = []
    memory: list[float] = []
    for number in range(visits):
        times += visitor.visit(number)
        if number % QUIET_EVERY == 0:
            app.tidy.set_apart()
        if number % max(1, visits // 20) == 0:
            memory.append(rss_mb())
            print(number, round(memory[-1], 1), file=sys.stderr, flush=True)
    memory.append(rss_mb())
    times = times[WARM:]
    p50, _ = quantiles(times)
    p95 = sorted(times)[int(0.95 * len(times))]
    return {
        "visits": visits,
        "touches": len(times),
        "p50_ms": p50,
        "p95_ms": p95 * 1000,
        "p50_ms_of_a_pause": quantiles(visitor.pauses)[0],
        "p50_ms_by_touch": {
            kind: round(quantiles(took)[0], 1) for kind, took in visitor.by_kind.items()
        },
        "memory_mb": [round(value, 1) for value in memory],
    }


def rss_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


class Visitor:
    """Touches her way through the kiosk, by turns for a number and to read about a procedure.

    She `reads` each screen, as a visitor does; or hardly any, when a week is to pass.
    """

    def __init__(self, app: Any, loop: Any, reads: bool) -> None:
        from kivy.graphics.opengl import glFinish as painted

        self._app, self._loop, self._reads = app, loop, reads
        self._painted = painted
        self.by_kind: dict[str, list[float]] = {}
        self.pauses: list[float] = []

    def world(self) -> None:
        """What a kiosk has heard from its centre."""
        from kiosk import finding_reports as f
        from kiosk import reports as r
        from tests.kiosk_pictures import line, procedures, setup, shelf

        self.tell(r.SetupCame, setup=setup())
        self.tell(r.LineCame, line=line())
        self.tell(r.CatalogueCame, procedures=procedures())
        self.tell(f.ShelfCame, shelf=shelf())
        self.tell(r.ConnectionChanged, up=True)
        for _ in range(3):
            self._loop.idle()
        self._app.tidy.set_apart()

    def tell(self, kind: type, **values: Any) -> float:
        """Seconds from the touch until the last pixel of the frame that shows what came of it is painted."""
        began = time.perf_counter()
        self._app.tell(kind, **values)
        self._loop.idle()
        self._painted()
        took = time.perf_counter() - began
        self.by_kind.setdefault(kind.__name__, []).append(took)
        if self._reads:
            self._look_at_it()
        return took

    def _look_at_it(self) -> None:
        """She reads the screen, and the kiosk tidies up, which would keep a touch of this moment waiting."""
        began = time.perf_counter()
        self._app.tidy.throw_away()
        self.pauses.append(time.perf_counter() - began)
        self._app.touched_at = time.monotonic()

    def visit(self, number: int) -> list[float]:
        times = self._number() if number % 2 else self._advice()
        if not self._reads and number % PAUSE_EVERY == 0:
            self._look_at_it()
        return times

    def _number(self) -> list[float]:
        from kiosk import reports as r
        from tests.kiosk_pictures import TAKEN

        times = [
            self.tell(r.Started, language="vi"),
            self.tell(r.ServiceChosen, service="civil"),
            self.tell(r.PageTurned, page=1),
            self.tell(r.ProcedureChosen, code="1.001193"),
            self.tell(r.PriorityChosen, group="elderly"),
            self.tell(r.Confirmed),
        ]
        self.tell(r.TicketCame, ask=self._app.state.ask, taken=TAKEN)
        self.tell(r.PaperCame, ticket=TAKEN.ticket, outcome="confirmed")
        return [*times, self.tell(r.WentHome)]

    def _advice(self) -> list[float]:
        from kiosk import finding_reports as f
        from kiosk import reports as r

        times = [
            self.tell(f.ErrandAsked, language="vi"),
            self.tell(f.ErrandChosen, errand=f.Errand.SEARCH),
            *(self.tell(f.KeyPressed, key=key) for key in "khai sinh"),
            self.tell(f.ProcedureFound, code="1.001193"),
            self.tell(f.PartShown, part=f.Part.COST),
            self.tell(r.WentBack),
        ]
        return [*times, self.tell(r.WentHome)]


if __name__ == "__main__":
    asked, *small = sys.argv[1:] or ["200"]
    wide, high = (int(side) for side in small[0].split("x")) if small else SIZE
    print(json.dumps(main(int(asked), (wide, high))))
