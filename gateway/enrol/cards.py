"""The sheet of cards that a technician takes along: one card a node, printed on A4.

Rules
1. A card carries the node's one-time code, the pin of the village's authority, and where the gateway is. Nothing on it
   lasts: no key, no password, also not of the Wi-Fi. Who finds it after the node is set up has a worthless paper.
2. The QR code is the address of the form that the node itself serves, filled in; every part of it is also printed in
   letters, for a phone without a camera and for USB.
3. Vietnamese first, English beside it. What comes from the registry is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import segno

from gateway.core.village import Node, Village
from kit.clock import vietnam_time

FORM_URL = "http://192.168.4.1/"
MODELS = {
    "soil": ("Hộp đo đất", "soil node"),
    "level": ("Hộp đo nước", "level node"),
    "salinity": ("Hộp đo mặn", "salinity node"),
    "valve": ("Hộp van và bơm", "valve and pump node"),
    "pump": ("Tủ bơm", "pump node"),
    "relay": ("Hộp chuyển tin", "relay node"),
}
_GROUP = 4


@dataclass(frozen=True)
class Card:
    """What one card says."""

    node: str
    name: str
    model: str
    places: tuple[str, ...]
    code: str
    pin: str
    gateway: str  # host:port
    ssid: str
    expires_ms: int

    @property
    def url(self) -> str:
        """What the QR code carries."""
        parts = {"n": self.node, "c": self.code, "p": self.pin, "h": self.gateway}
        if self.ssid:
            parts["s"] = self.ssid
        return FORM_URL + "?" + urlencode(parts, safe=":")


def places(village: Village, node: Node) -> tuple[str, ...]:
    """The gardens and waters that a node serves, by their names."""
    found = []
    for zone in village.zones.values():
        if node.id in {zone.valve.node, zone.pump.node, *(probe.node for probe in zone.probes)}:
            found.append(zone.name)
    for source in village.sources.values():
        if node.id in {source.level.node, *(ref.node for ref in source.conductivity)}:
            found.append(source.name)
    return tuple(found)


def sheet(village: Village, cards: Sequence[Card]) -> str:
    """The whole page."""
    body = "\n".join(_card(card) for card in cards)
    return _PAGE.replace("{village}", html.escape(village.name)).replace("{cards}", body)


def grouped(text: str) -> str:
    """A code or pin in groups that can be read aloud."""
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def _card(card: Card) -> str:
    vietnamese, english = MODELS.get(card.model, (card.model, card.model))
    until = vietnam_time(card.expires_ms).strftime("%d/%m/%Y %H:%M")
    qr = segno.make(card.url, error="m", micro=False).svg_inline(scale=4, border=2, omitsize=True)
    rows = [
        ("Nơi đặt", "place", ", ".join(card.places) or "—"),
        ("Mã dùng một lần", "one-time code", grouped(card.code)),
        ("Dấu của trạm", "pin of the gateway", grouped(card.pin)),
        ("Trạm", "gateway", card.gateway),
        ("Wi-Fi của làng", "village Wi-Fi", card.ssid or "…………………………"),
        ("Dùng được tới", "good until", until),
    ]
    lines = "".join(
        f'<tr><th>{vi}<small lang="en">{en}</small></th><td>{html.escape(value)}</td></tr>' for vi, en, value in rows
    )
    return (
        f'<section class="card"><div class="qr">{qr}</div><div>'
        f'<h2>{html.escape(card.name)}</h2><p class="id">{html.escape(card.node)} · {vietnamese} '
        f'<small lang="en">{english}</small></p><table>{lines}</table></div></section>'
    )


_PAGE = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Phiếu cài hộp – {village}</title>
<style>
@page { size: A4; margin: 12mm }
* { box-sizing: border-box }
body { font: 10.5pt/1.35 sans-serif; margin: 0 auto; max-width: 186mm; color: #000; background: #fff }
h1 { font-size: 15pt; margin: 0 } h2 { font-size: 14pt; margin: 0 }
small { font-size: 8.5pt; color: #444; font-weight: normal } th small { margin-left: 1.5mm }
header { border-bottom: 2px solid #000; margin-bottom: 5mm } header p, ol { margin: 1mm 0 3mm }
.card { display: flex; gap: 5mm; border: 1px dashed #000; padding: 4mm; margin-bottom: 4mm; break-inside: avoid }
.qr svg { width: 46mm; height: 46mm; display: block }
.id { margin: 0 0 1mm }
table { border-collapse: collapse }
th { text-align: left; vertical-align: top; padding: 0.4mm 3mm 0.4mm 0; white-space: nowrap }
td { font-family: monospace; font-size: 10.5pt; vertical-align: top; overflow-wrap: anywhere }
</style></head><body>
<header><h1>Phiếu cài hộp – {village}</h1><p><small lang="en">Cards for setting up nodes</small></p>
<ol>
<li>Giữ nút trên hộp trong lúc mở điện, giữ tiếp 3 giây. Đèn chớp là hộp chờ, trong 10 phút.
<small lang="en">Hold its button at power-up, and 3 s more. It blinks while it waits, for 10 minutes.</small></li>
<li>Điện thoại vào Wi-Fi <b>hoiquan-…</b> của hộp, mật khẩu <b>caidat-hop</b>.
<small lang="en">Join the node's own Wi-Fi with the phone.</small></li>
<li>Quét mã vuông của đúng hộp đó, gõ mật khẩu Wi-Fi của làng, bấm <b>Cài</b>.
<small lang="en">Scan its QR code, type the password of the village's Wi-Fi, press the button.</small></li>
<li>Trang báo <b>Xong</b>: hộp tự khởi động lại và tự gửi số đo. Hủy phiếu.
<small lang="en">When it says it is done the node starts by itself. Destroy the card.</small></li>
</ol></header>
{cards}
</body></html>
"""
