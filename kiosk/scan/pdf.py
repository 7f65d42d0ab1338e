"""Pages to a PDF: colour, a megabyte a page at most, the paper-type code and document number in its metadata.

A PDF of pictures alone is so plain that it is written here: a page, its JPEG as it is, and the metadata
twice, as old (Info) and new (XMP) readers want it. No name of a person is in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from xml.sax.saxutils import escape

import cv2
import numpy as np

from .page import Page
from .shapes import LEAST_DPI, MM_PER_INCH, Picture

LARGEST_PAGE = 1_000_000
"""Bytes of a page, its share of the PDF's own words included."""
OWN_WORDS = 4_000
QUALITIES = (90, 85, 80, 75, 70, 62, 55, 48, 40)
POINTS = 72.0
PRODUCER = "Một Cửa"


def pages_to_pdf(
    pages: Sequence[Page], *, name: str, paper_code: str, number: str, created_ms: int
) -> bytes:
    """`name`: of the kind of paper ("Giấy chứng sinh"), never of a person; `created_ms`: UTC.

    Raises ValueError without pages.
    """
    if not pages:
        raise ValueError("a PDF needs one page at least")
    out = _Writer()
    catalogue, tree, info, xmp = (out.reserve() for _ in range(4))
    leaves = [_add_page(out, page, tree) for page in pages]
    kids = " ".join(f"{leaf} 0 R" for leaf in leaves)
    out.put(tree, f"<< /Type /Pages /Count {len(leaves)} /Kids [{kids}] >>".encode())
    when = dt.datetime.fromtimestamp(created_ms / 1000, dt.UTC)
    out.put(info, _info(name, paper_code, number, when))
    meta = _xmp(name, paper_code, number, when)
    out.put(xmp, _stream(b"/Type /Metadata /Subtype /XML", meta))
    out.put(catalogue, f"<< /Type /Catalog /Pages {tree} 0 R /Metadata {xmp} 0 R >>".encode())
    return out.file(catalogue, info)


def jpeg_of(page: Page, most: int = LARGEST_PAGE - OWN_WORDS) -> tuple[bytes, tuple[int, int]]:
    """The finest JPEG of the page that has at most so many bytes, and its width and height.

    Fewer dots before coarser ones below quality 62, but never fewer than 200 a inch while quality can give.
    """
    for picture, qualities in _finer_to_coarser(page):
        for quality in qualities:
            data = encode(picture, quality)
            if len(data) <= most:
                return data, (picture.shape[1], picture.shape[0])
    return data, (picture.shape[1], picture.shape[0])


def encode(picture: Picture, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("this picture cannot be encoded")
    return bytes(data.tobytes())


def _finer_to_coarser(page: Page) -> list[tuple[Picture, tuple[int, ...]]]:
    least = min(1.0, LEAST_DPI / max(1.0, page.dpi))
    steps: list[tuple[Picture, tuple[int, ...]]] = [(page.picture, QUALITIES[:6])]
    if least < 0.98:
        smaller = cv2.resize(page.picture, None, fx=least, fy=least, interpolation=cv2.INTER_AREA)
        steps.append((np.asarray(smaller, np.uint8), QUALITIES[3:]))
    else:
        steps.append((page.picture, QUALITIES[6:]))
    last = steps[-1][0]
    for share in (0.85, 0.7, 0.5):  # a page of pure noise; never of paper
        tiny = cv2.resize(last, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        steps.append((np.asarray(tiny, np.uint8), QUALITIES[-2:]))
    return steps


def _add_page(out: _Writer, page: Page, tree: int) -> int:
    data, (wide, high) = jpeg_of(page)
    box = [mm / MM_PER_INCH * POINTS for mm in page.mm]
    picture, content, leaf = out.reserve(), out.reserve(), out.reserve()
    words = (
        f"/Type /XObject /Subtype /Image /Width {wide} /Height {high} "
        "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
    )
    out.put(picture, _stream(words.encode(), data))
    draw = f"q {box[0]:.2f} 0 0 {box[1]:.2f} 0 0 cm /P Do Q".encode()
    out.put(content, _stream(b"", draw))
    out.put(
        leaf,
        (
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {box[0]:.2f} {box[1]:.2f}] "
            f"/Resources << /XObject << /P {picture} 0 R >> >> /Contents {content} 0 R >>"
        ).encode(),
    )
    return leaf


def _stream(words: bytes, data: bytes) -> bytes:
    head = b"<< " + words + f" /Length {len(data)} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def _text(words: str) -> str:
    """A PDF string of any letters: UTF-16 in hexadecimal, which no letter can break out of."""
    coded = ("\ufeff" + words).encode("utf-16-be", "replace")
    return f"<{coded.hex().upper()}>"


def _info(name: str, paper_code: str, number: str, when: dt.datetime) -> bytes:
    at = f"(D:{when:%Y%m%d%H%M%S}Z)"
    entries = {
        "Title": _text(name),
        "Subject": _text(number),
        "Keywords": _text(paper_code),
        "Producer": _text(PRODUCER),
        "PaperTypeCode": _text(paper_code),
        "DocumentNumber": _text(number),
        "CreationDate": at,
        "ModDate": at,
    }
    return ("<< " + " ".join(f"/{key} {value}" for key, value in entries.items()) + " >>").encode()


def _xmp(name: str, paper_code: str, number: str, when: dt.datetime) -> bytes:
    title, code, own = (escape(_plain(x)) for x in (name, paper_code, number))
    at = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:mc="urn:motcua:paper">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:identifier>{own}</dc:identifier>
<pdf:Keywords>{code}</pdf:Keywords><pdf:Producer>{PRODUCER}</pdf:Producer>
<mc:PaperTypeCode>{code}</mc:PaperTypeCode><mc:DocumentNumber>{own}</mc:DocumentNumber>
<xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>""".encode()


def _plain(words: str) -> str:
    return "".join(x for x in words if x.isprintable())


class _Writer:
    """Numbered objects, and where each begins."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def reserve(self) -> int:
        self._objects.append(b"null")
        return len(self._objects)

    def put(self, number: int, body: bytes) -> None:
        self._objects[number - 1] = body

    def file(self, catalogue: int, info: int) -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self._objects, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        table = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
        out += (
            f"trailer\n<< /Size {len(places) + 1} /Root {catalogue} 0 R /Info {info} 0 R >>\n"
            f"startxref\n{table}\n%%EOF\n"
        ).encode()
        return bytes(out)
