"""`make screens`: every picture of the kiosk in every look, as contact sheets to look at.

python -m tests.screens [FOLDER] [PART-OF-A-NAME]

One sheet a picture, FOLDER/<program>-<picture>.png: above the upright screen, below the lying one; from left to right
Vietnamese and English, in three text sizes and both contrasts, and low reach. A program with pictures of
its own adds its module to SOURCES; `python -m MODULE SIZE FOLDER LANGUAGE LOOK` must save them there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw

SOURCES = {"kiosk": "tests.kiosk_pictures", "filing": "tests.filing_pictures"}
SIZES = {"upright": "540x960", "lying": "960x540"}
"""Half of a real screen: all measures follow the window, and software draws four times as fast."""
LANGUAGES = ("vi", "en")
LOOKS = (
    "usual",
    "large",
    "largest",
    "usual-contrast",
    "large-contrast",
    "largest-contrast",
    "usual-low",
    "largest-low",
)
HIGH = {"upright": 640, "lying": 360}
GAP, HEAD = 10, 22


def main(folder: Path, only: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as drawn:
        ways = list(_ways())
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(lambda way: _draw(Path(drawn), *way), ways))
        found = {(path.parent.name, path.name) for path in Path(drawn).rglob("*.png")}
        names = sorted(pair for pair in found if only in "-".join(pair))
        for source, name in names:
            _sheet(Path(drawn), source, name).save(folder / f"{source}-{name}", optimize=True)
    print(f"{len(names)} sheets in {folder}")


def _ways() -> Iterator[tuple[str, str, str, str]]:
    for source in SOURCES:
        for size in SIZES:
            for language in LANGUAGES:
                for look in LOOKS:
                    if size == "upright" or "low" not in look:
                        yield source, size, language, look


def _draw(folder: Path, source: str, size: str, language: str, look: str) -> None:
    """The pictures of one program in one look, each as small as it stands on its sheet."""
    place = folder / size / language / look / source
    command = [sys.executable, "-m", SOURCES[source], SIZES[size], str(place), language, look]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for path in place.glob("*.png"):
        with Image.open(path) as picture:
            if picture.height > HIGH[size]:
                wide = round(picture.width * HIGH[size] / picture.height)
                small = picture.resize((wide, HIGH[size]), Image.Resampling.LANCZOS)
                small.save(path)


def _sheet(folder: Path, source: str, name: str) -> Image.Image:
    rows = [(size, language) for size in SIZES for language in LANGUAGES]
    wide = max(_width(size) * len(LOOKS) for size in SIZES)
    sheet = Image.new("RGB", (wide, sum(HIGH[size] + HEAD for size, _ in rows)), "#6b7378")
    pen, top = ImageDraw.Draw(sheet), 0
    for size, language in rows:
        left = 0
        for look in LOOKS:
            path = folder / size / language / look / source / name
            if path.exists():
                pen.text((left + 4, top + 5), f"{size} {language} {look}", "#ffffff")
                with Image.open(path) as picture:
                    sheet.paste(picture, (left, top + HEAD))
                left += _width(size)
        top += HIGH[size] + HEAD
    return sheet


def _width(size: str) -> int:
    width, height = (int(side) for side in SIZES[size].split("x"))
    return round(width * HIGH[size] / height) + GAP


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "var/screens"), "".join(sys.argv[2:3]))
