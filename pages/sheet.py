"""A page that stands alone, for a report: one file, no script, nothing to load, good to print and to send on.

Rules
1. Everything is escaped by markupsafe; a caller that hands over Markup has made it.
2. Vietnamese first; English below it, smaller.
3. It is read on a phone of 360 px: only a table may be wider, and scrolls in its own box.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

STYLE = Markup(
    "body{font:18px/1.5 sans-serif;color:#111;max-width:46rem;margin:1rem auto;padding:0 1rem}"
    "h1{font-size:26px}h2{font-size:22px;margin-top:2rem}svg{width:100%;max-width:36rem;height:auto}"
    ".wide{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:right;padding:4px 8px;border-bottom:1px solid #ccc}"
    "@media(max-width:30rem){table{font-size:15px}td,th{padding:4px}}"
    "td:first-child,th:first-child{text-align:left}.en{color:#4a4a4a;font-size:15px}"
    ".say{font-size:21px;font-weight:bold}"
)


_STYLE_HASH = base64.b64encode(hashlib.sha256(str(STYLE).encode()).digest()).decode()
# For a server that hands such a page out: nothing but its own style.
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
)


def sheet(title: str, blocks: Iterable[Markup]) -> str:
    """The whole page."""
    return Markup(
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>{}</title><style>{}</style></head>'
        "<body><h1>{}</h1>{}</body></html>\n"
    ).format(title, STYLE, title, Markup("\n").join(blocks))


def heading(text: str) -> Markup:
    return Markup("<h2>{}</h2>").format(text)


def say(vi: str, en: str = "") -> Markup:
    """One sentence that counts."""
    return Markup('<p class="say">{}</p>').format(vi) + (english(en) if en else Markup(""))


def told(vi: str, en: str = "") -> Markup:
    return Markup("<p>{}</p>").format(vi) + (english(en) if en else Markup(""))


def english(text: str) -> Markup:
    return Markup('<p class="en" lang="en">{}</p>').format(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    def cells(tag: str, row: Sequence[str]) -> Markup:
        return Markup("").join(Markup(f"<{tag}>{{}}</{tag}>").format(escape(cell)) for cell in row)

    body = Markup("").join(Markup("<tr>{}</tr>").format(cells("td", row)) for row in rows)
    return Markup('<div class="wide"><table><tr>{}</tr>{}</table></div>').format(cells("th", head), body)


def number(value: float, decimals: int = 1) -> str:
    """As Vietnam writes it: 1.250,5."""
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".translate(str.maketrans(",.", ".,"))
