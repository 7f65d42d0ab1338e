"""`/speech/…`: the sound of a call, made beside the event loop and with a deadline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from fastapi import APIRouter, HTTPException, Response

from ....doors.speech.sentence import Unspeakable
from ....doors.speech.voice import NoVoice
from ..context import Web
from .board import Board

log = structlog.get_logger()
DEADLINE_S = 5.0
WORKERS = 2
_CALL_ID = re.compile(r"^\d{1,9}-\d{1,12}$")


class Speaker:
    """Two threads that wait for espeak-ng, which is a program of its own; never the event loop."""

    def __init__(self, web: Web) -> None:
        self._voice = web.voice
        self._workers = ThreadPoolExecutor(WORKERS, "speech")
        self._prepared = False

    async def make(self, work: Callable[[], bytes]) -> bytes:
        """What `work` makes. Raises NoVoice, also when it is late."""
        late = asyncio.get_running_loop().run_in_executor(self._workers, work)
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await late
        except TimeoutError as error:
            raise NoVoice(f"no sound in {DEADLINE_S:.0f} s") from error

    def prepare(self, letters: list[str], counters: list[int]) -> None:
        """Make what calls are put together from, once, so that the first call is not late."""
        if not self._prepared and letters:
            self._prepared = True
            self._workers.submit(self._prepare, letters, counters)

    def _prepare(self, letters: list[str], counters: list[int]) -> None:
        try:
            self._voice.prepare(letters, counters)
        except (NoVoice, Unspeakable) as error:
            log.warning("speech_not_prepared", reason=str(error))


def speech_routes(web: Web, board: Board) -> APIRouter:
    router = APIRouter(tags=["public"])
    speaker = Speaker(web)

    @router.get("/speech/chime.wav")
    async def chime() -> Response:
        """Two tones: what a board plays when there is no voice. A board asks for it when it starts to speak."""
        setup = web.state.setup
        speaker.prepare([s.letter for s in setup.services], [c.id for c in setup.counters])
        return await _wav(speaker, web.voice.chime)

    @router.get("/speech/{call}.wav")
    async def speech(call: str, said: int | None = None) -> Response:
        """A call of the last ones, in words. `said`: how often (1–3). 404 unknown, 503 no voice."""
        shown = board.calls.find(call, web.state) if _CALL_ID.match(call) else None
        if shown is None:
            raise HTTPException(404, "no such call")
        often = min(3, max(1, said)) if said is not None else None

        def work() -> bytes:
            return web.voice.wav_for(
                shown.number, shown.counter, shown.times, shown.language, often
            )

        return await _wav(speaker, work)

    return router


async def _wav(speaker: Speaker, work: Callable[[], bytes]) -> Response:
    try:
        data = await speaker.make(work)
    except (NoVoice, Unspeakable) as error:
        log.warning("no_voice", reason=str(error))
        raise HTTPException(503, "no voice") from error
    return Response(data, media_type="audio/wav", headers={"Cache-Control": "max-age=3600"})
