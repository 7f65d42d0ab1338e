"""All pages of the centre, hung onto the app."""

from __future__ import annotations

from fastapi import FastAPI

from .context import Web
from .public.site import add_public_pages


def add_pages(app: FastAPI, web: Web) -> None:
    add_public_pages(app, web)
