"""What all staff pages share: head, header with the ways to go, the banner when the server is away, buttons."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from markupsafe import Markup
from nicegui import ui

from ....wire.words import Role
from .html import join, tag
from .page import Page

ASSETS = Path(__file__).parent / "assets"
COLOURS = {
    "primary": "#0B5C7A",
    "secondary": "#3D5A68",
    "accent": "#C8501E",
    "dark": "#14242E",
    "positive": "#1E7B4F",
    "negative": "#B3261E",
    "info": "#0B5C7A",
    "warning": "#C8501E",
}
SHOWN = "() => emit(motcua.shown())"
"""What a button tells: the ticket that the person saw when she pressed, not the one of a moment later."""

PAGES: dict[str, tuple[Role, ...]] = {
    "counter": (Role.OFFICER, Role.MANAGER),
    "manager": (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR),
    "satisfaction": (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR),
    "dossiers": (Role.OFFICER, Role.MANAGER, Role.AUDITOR),
    "forms": (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR),
    "feedback-inbox": (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR),
    "province": (Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR),
    "guide": (Role.GUIDE, Role.OFFICER, Role.MANAGER),
    "devices": (Role.TECHNICIAN, Role.ADMINISTRATOR, Role.MANAGER, Role.AUDITOR),
    "accounts": (Role.ADMINISTRATOR,),
    "audit": (Role.AUDITOR,),
}
"""Who may open which page."""


def asset_routes() -> APIRouter:
    """Our style, script and font: nothing comes from the Internet."""
    router = APIRouter(include_in_schema=False)
    files = {path.name: path for path in ASSETS.glob("staff.*")} | fonts()

    @router.get("/staff/assets/{name}")
    async def asset(name: str) -> FileResponse:
        if name not in files:
            raise HTTPException(404)
        lasts = "max-age=31536000" if name.endswith(".ttf") else "no-cache"
        return FileResponse(files[name], headers={"Cache-Control": lasts})

    return router


def fonts() -> dict[str, Path]:
    """Roboto as the kivy wheel carries it: it has all Vietnamese letters (kivy itself is not loaded)."""
    spec = importlib.util.find_spec("kivy")
    folder = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
    found = (folder / "data" / "fonts" / f"Roboto-{face}.ttf" for face in ("Regular", "Bold"))
    return {path.name: path for path in found if path.exists()}


def frame(page: Page, title: str, bare: bool = False) -> None:
    """Head and header; `bare`: a small window without the header."""
    page.client.title = f"{title} – {page.state.setup.name.say(page.language)}"
    ui.add_head_html('<link rel="stylesheet" href="/staff/assets/staff.css">')
    ui.add_head_html('<script src="/staff/assets/staff.js"></script>')
    words = tag(
        "i", id="mc-words", data_lost=page.say("page.lost"), data_retry=page.say("page.retry")
    )
    told = (page.web.now(), page.web.clock.speed, page.state.setup.rules.utc_offset_minutes)
    start = f"motcua.start({json.dumps([*told, page.say('page.minutes')])})"
    ui.add_body_html(f"<span hidden>{words}</span><script>{start}</script>")
    ui.colors(**COLOURS)
    ui.query("body").classes("mc-body" + (" mc-bare" if bare else ""))
    if not bare:
        page.part(lambda: _header(page, title), "mc-header")
    page.part(lambda: _banner(page))


def _header(page: Page, title: str) -> Markup:
    session = page.session
    ways = [
        tag("a", page.say(f"page.{name}"), href=_way(page, name), cls=_here(page, name))
        for name, roles in PAGES.items()
        if session.role in roles
    ]
    person = join(tag("b", session.name), tag("span", page.say(f"role.{session.role}")))
    return join(
        tag("strong", title, cls="mc-title"),
        tag("nav", *ways),
        tag("span", cls="mc-clock mc-now", data_form="clock"),
        tag("span", person, cls="mc-person"),
        _language_form(page),
        tag(
            "form",
            tag("button", page.say("page.log_out"), cls="mc-out"),
            method="post",
            action="/logout",
        ),
    )


def _way(page: Page, name: str) -> str:
    return "/staff/counter" if name == "counter" else f"/{name}"


def _here(page: Page, name: str) -> str:
    return "mc-here" if page.path.startswith(f"/{name}") else ""


def _language_form(page: Page) -> Markup:
    other = "vi" if page.language == "en" else "en"
    return tag(
        "form",
        tag("input", type="hidden", name="next", value=page.path),
        tag("button", other.upper(), name="language", value=other, title=page.say("page.language")),
        method="post",
        action="/staff/language",
        cls="mc-lang",
    )


def _banner(page: Page) -> Markup:
    if page.fresh:
        return Markup("")
    return tag("div", page.say("page.away"), cls="mc-away", role="alert")


def button(
    page: Page,
    words: str | Callable[[], str],
    handler: Callable[..., Awaitable[None]],
    *,
    key: str = "",
    able: Callable[[], bool] = lambda: True,
    emits: str = SHOWN,
    look: str = "outline",
    classes: str = "",
) -> ui.button:
    """A button with its key written on it; `able` is asked again at each draw; dead while the server is away."""
    say = words if callable(words) else lambda: words
    made = ui.button().props(f"no-caps {look}").classes(f"mc-button {classes}")
    if key:
        made.props(f'data-key="{key}"')
    with made:
        label = ui.html(_label(say(), key), sanitize=False)
    made.on("click", page.acts(handler), js_handler=emits)

    def draw() -> None:
        made.set_enabled(page.fresh and able())
        content = _label(say(), key)
        if label.content != content:
            label.set_content(content)

    draw()
    page.on_draw(draw)
    return made


def _label(words: str, key: str) -> Markup:
    return join(tag("span", words), tag("kbd", key.split()[0]) if key else None)
