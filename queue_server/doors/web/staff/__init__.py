"""The staff's pages: counter, manager, guide, dossiers, forms, devices, accounts, audit."""

from __future__ import annotations

from fastapi import FastAPI

from ..context import Web
from .accounts import account_pages
from .audit import audit_pages
from .counter import counter_pages
from .devices import device_pages
from .dossiers import dossier_pages
from .feedback_inbox import feedback_inbox_pages
from .forms import form_pages
from .guide import guide_pages
from .layout import asset_routes
from .login import log_in_routes
from .manager import manager_pages
from .province import province_pages
from .satisfaction import satisfaction_pages, satisfaction_routes


def add_staff_pages(app: FastAPI, web: Web) -> None:
    """Hang them onto the app; NiceGUI's own are served once `nice.run_nicegui` has mounted it."""
    app.include_router(asset_routes())
    app.include_router(log_in_routes(web))
    app.include_router(satisfaction_routes(web))
    for add in (
        counter_pages,
        manager_pages,
        satisfaction_pages,
        guide_pages,
        dossier_pages,
        feedback_inbox_pages,
        province_pages,
        form_pages,
        device_pages,
        account_pages,
        audit_pages,
    ):
        add(web)
