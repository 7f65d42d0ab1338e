"""All pages of the centre, hung onto the app."""

from __future__ import annotations

from fastapi import FastAPI

from .context import Web


def add_pages(app: FastAPI, web: Web) -> None:
    pass
