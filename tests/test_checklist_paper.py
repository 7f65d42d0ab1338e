"""The printed checklist of a procedure."""

from __future__ import annotations

import msgspec
import numpy as np
import zxingcpp

from kiosk.paper.checklist import MOST_PAPERS, ChecklistPaper, checklist_words
from queue_server.dossiers.advice import advise
from queue_server.dossiers.catalogue import Component
from tests.test_advice_words import BIRTH, SAY
from tests.test_ticket_paper import SETUP, TEXTS

AT = 1_795_000_000_000
REACHED = msgspec.structs.replace(SETUP, public_url="https://mot-cua.example/")


def test_the_checklist_fits_both_papers_and_its_code_opens_the_phone_page() -> None:
    for width in (576, 384):
        strip = ChecklistPaper(width).draw(advise(BIRTH, SAY), REACHED, AT)
        assert strip.width == width and strip.height > width
        read = zxingcpp.read_barcodes(np.asarray(strip.convert("L")))
        assert [code.text for code in read] == ["https://mot-cua.example/p/1.001193"]


def test_no_public_address_no_code_and_too_many_papers_end_somewhere() -> None:
    many = msgspec.structs.replace(
        BIRTH, components=tuple(Component(name=f"Giấy {n}", original=1) for n in range(90))
    )
    words = checklist_words(advise(many, SAY), SETUP, TEXTS, AT)
    assert words["url"] == ""
    assert sum(len(group["papers"]) for group in words["groups"]) == MOST_PAPERS


def test_hostile_words_stay_words() -> None:
    told = advise(msgspec.structs.replace(BIRTH, short='#include("x") *A* $x$'), SAY)
    assert ChecklistPaper(576).draw(told, SETUP, AT).height > 400
