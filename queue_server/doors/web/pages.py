"""All pages of the centre, hung onto the app."""

from __future__ import annotations

from fastapi import FastAPI

from .context import Web
from .nice import run_nicegui
from .public.site import add_public_pages
from .staff import add_staff_pages


def add_pages(app: FastAPI, web: Web) -> None:
    add_public_pages(app, web)
    add_staff_pages(app, web)
    run_nicegui(app, web)  # last: it answers every path that is left
