"""`python -m kiosk.paper FORM.toml`: what is wrong with a form file, and its empty sheet as a PDF to look at."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from queue_server.dossiers.forms.read import BadForm, check_form, read_form
from queue_server.wire.messages import CentreSetup
from queue_server.wire.words import Names

from .form import FormPaper


def main(words: list[str] | None = None) -> int:
    """Exit code 1 where the form has faults; the sheet is drawn all the same, if it can be read."""
    parser = argparse.ArgumentParser(prog="python -m kiosk.paper", description=__doc__)
    parser.add_argument("form", type=Path, help="a form, such as phieu-hoi-dat.toml")
    parser.add_argument("--to", type=Path, help="the PDF; else beside the form")
    parser.add_argument("--language", default="vi", choices=("vi", "en"))
    asked = parser.parse_args(words)
    try:
        form = read_form(asked.form.read_text("utf-8"), asked.form.name)
    except (BadForm, OSError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    faults = check_form(form)
    for fault in faults:
        print(fault, file=sys.stderr)
    nowhere = Names(vi="", en="")
    setup = CentreSetup(
        centre="", name=nowhere, authority=nowhere, at=0, services=(), priorities=()
    )
    sheet = FormPaper().draw(form, {}, setup, dt.date.today(), sample=True, language=asked.language)
    to = asked.to or asked.form.with_suffix(".pdf")
    to.write_bytes(sheet)
    print(to)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
