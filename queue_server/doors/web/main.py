"""The web process: API, pages and public sheets. It decides nothing; orders go through the local door."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ... import settings
from ...desk.clock import Clock
from ...doors.broker import is_loopback
from ...doors.replica import Replica
from ...doors.speech.voice import Voice
from ...folder import Folder
from ...line.events import Entry, Noted
from ...store.devices import Devices
from ...store.schema import CannotOpen, connect
from ...store.vault import Vault, master_key
from ...wire import logs
from .api import device_routes, line_routes, order_routes, session_routes
from .context import Web
from .devices import config_routes, firmware_routes
from .dossiers import dossier_routes
from .feedback import feedback_routes
from .filings import filing_routes
from .forms import form_routes
from .outlook import outlook_routes
from .sessions import Sessions

log = structlog.get_logger()


def compose(folder: Folder, file: settings.CentreFile, clock: Clock, broker_port: int) -> Web:
    """All that the web process holds."""
    ca = folder.authority / "ca.pem"
    pem = ca.read_text() if ca.exists() else ""
    database = connect(folder.database, read_only=True)
    from ...wire.enrol import fingerprint

    return Web(
        folder=folder,
        file=file,
        replica=Replica(folder.database, folder.door),
        sessions=Sessions(folder.root / "web.db", file.web.session_minutes),
        devices=Devices(folder.devices, fingerprint(pem) if pem else ""),
        clock=clock,
        database=database,
        vault=Vault(database, master_key(folder.master_key(file.vault.key_file))),
        voice=Voice(file.speech, folder.root / "speech"),
        ca=pem,
        broker_port=broker_port,
    )


def application(web: Web) -> FastAPI:
    """The app with all routes; a page or route that needs a role says so itself."""

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        end_sessions(web)
        web.replica.start()
        yield
        await web.replica.stop()
        web.close()

    app = FastAPI(title="Một Cửa", version="1", lifespan=life, docs_url=None, redoc_url=None)
    app.middleware("http")(same_origin)
    for routes in (
        session_routes,
        order_routes,
        line_routes,
        form_routes,
        filing_routes,
        dossier_routes,
        feedback_routes,
        outlook_routes,
        device_routes,
        config_routes,
        firmware_routes,
    ):
        app.include_router(routes(web))

    @app.get("/healthz", tags=["service"])
    async def healthz() -> JSONResponse:
        """200 when the line is in reach, 503 when the server is away."""
        return JSONResponse({"fresh": web.replica.fresh}, 200 if web.replica.fresh else 503)

    @app.get("/metrics", tags=["service"])
    async def metrics() -> Response:
        """Prometheus figures of the web process and of the server's; no visitor data."""
        server = "".join(f"{name} {value}\n" for name, value in web.replica.figures.items())
        return Response(generate_latest() + server.encode(), media_type=CONTENT_TYPE_LATEST)

    from .pages import add_pages

    add_pages(app, web)
    return app


async def same_origin(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """A browser that comes from another site changes nothing here; nor is any page framed elsewhere."""
    origin = request.headers.get("origin")
    if origin and request.method not in ("GET", "HEAD", "OPTIONS"):
        if origin.split("://")[-1] != request.headers.get("host"):
            return JSONResponse({"detail": "other origin"}, 403)
    response = await call_next(request)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    # Not "no-referrer": under that a browser sends our own forms with `Origin: null`.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def end_sessions(web: Web) -> None:
    """An account that is changed or shut ends its sessions, also on pages that are open."""

    def happened(entries: list[Entry]) -> None:
        for entry in entries:
            event = entry.event
            if isinstance(event, Noted) and event.what == "account_saved":
                if entry.actor.account != event.subject:
                    web.sessions.end_account(event.subject)

    web.replica.listen(happened)


def wait_for_database(folder: Folder, seconds: float = 30.0) -> None:
    """The server makes the database at its first start, which may be this very moment."""

    async def wait() -> None:
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(CannotOpen):
                    conn = connect(folder.database, read_only=True)
                    ready = conn.execute("PRAGMA user_version").fetchone()[0]
                    conn.close()
                    if ready and folder.door.exists():
                        return
                await asyncio.sleep(0.05)

    asyncio.run(wait())


class CutAtTheEnd(logging.Filter):
    """A stream that is cut since this process ends is no failure."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return not (kind is not None and issubclass(kind, asyncio.CancelledError))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="motcua-web")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--settings", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--broker-port", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--ahead-ms", type=int, default=0)
    parser.add_argument("--origin", type=int, default=0)
    args = parser.parse_args(arguments)
    logs.begin()
    logging.getLogger("uvicorn.error").addFilter(CutAtTheEnd())
    folder, file = Folder(args.data), settings.read(args.settings)
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(folder.root / "nicegui"))
    wait_for_database(folder)
    clock = Clock(speed=args.speed, ahead_ms=args.ahead_ms, origin=args.origin)
    web = compose(folder, file, clock, args.broker_port)
    tls = not is_loopback(file.web.host)
    uvicorn.run(
        application(web),
        host=file.web.host,
        port=args.port,
        log_level="warning",
        access_log=False,
        ws_max_size=1_000_000,
        timeout_graceful_shutdown=2,
        ssl_certfile=str(folder.authority / "server.pem") if tls else None,
        ssl_keyfile=str(folder.authority / "server-key.pem") if tls else None,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
