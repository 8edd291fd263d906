"""docs/hardware/pump-panel.svg: the coil circuit of the pump panel as a ladder.

What must hold without any software stands in series with the coil on both ways, by hand and automatic: the overload,
the dry-run relay and the float. The node's contact is in the automatic way only.
"""

from __future__ import annotations

from html import escape

WIDTH, HEIGHT = 1000, 430
TOP, HAND_Y, AUTO_Y, LEFT, RIGHT = 40, 150, 270, 70, 930
STROKE = 'stroke="#111" stroke-width="2" fill="none"'


def svg() -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _line(LEFT, TOP, LEFT, 380), _line(RIGHT, TOP, RIGHT, 380),
        _text(LEFT - 12, TOP - 12, "L, behind RCBO 30 mA and SPD"), _text(RIGHT - 6, TOP - 12, "N"),
        _line(LEFT, 210, 130, 210),
        *_selector(130),
        _line(205, HAND_Y, 440, HAND_Y), _text(260, HAND_Y - 12, "HAND: the farmer, always"),
        _line(205, AUTO_Y, 270, AUTO_Y), *_contact(270, AUTO_Y, "K190, node's relay"), _line(330, AUTO_Y, 440, AUTO_Y),
        _text(232, AUTO_Y + 52, "X1:3 and X1:4: AUTO, the node's lease"),
        _line(440, HAND_Y, 440, AUTO_Y), _line(440, 210, 480, 210),
        *_contact(480, 210, "F1 overload", closed=True), _line(540, 210, 580, 210),
        *_contact(580, 210, "F2 dry run", closed=True), _line(640, 210, 680, 210),
        *_contact(680, 210, "S2 float", closed=True), _line(740, 210, 800, 210),
        f'<rect x="800" y="192" width="70" height="36" {STROKE}/>', _text(812, 215, "K1 coil"),
        _line(870, 210, RIGHT, 210),
        _line(780, 210, 780, 290), f'<rect x="800" y="276" width="70" height="28" {STROKE}/>',
        _text(806, 295, "snubber"),
        _line(780, 290, 800, 290), _line(870, 290, 890, 290), _line(890, 290, 890, 210),
        _text(470, 176, "hard-wired: stop the pump on both ways, without any software"),
        _text(70, 410, "Told to the node, 12 V and isolated: X2:1-2 AUTO contact · X2:3-4 K1 auxiliary · X2:5-6 trip of"
              " F1 or F2"),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _selector(x: int) -> list[str]:
    """The switch Hand-Off-Auto, drawn on OFF."""
    return [
        f'<circle cx="{x}" cy="210" r="5" fill="#111"/>', _line(x, 210, 200, 210),
        *(f'<circle cx="205" cy="{y}" r="4" {STROKE}/>' for y in (HAND_Y, 210, AUTO_Y)),
        _text(212, 214, "OFF"), _text(96, 240, "S1 Hand-Off-Auto"),
    ]


def _contact(x: int, y: int, name: str, *, closed: bool = False) -> list[str]:
    """A contact 60 wide: two bars, crossed when it is closed at rest."""
    bars = [_line(x, y, x + 24, y), _line(x + 24, y - 14, x + 24, y + 14), _line(x + 36, y - 14, x + 36, y + 14),
            _line(x + 36, y, x + 60, y)]
    cross = [_line(x + 18, y + 14, x + 42, y - 14)] if closed else []
    return [*bars, *cross, _text(x - 8, y + 32, name)]


def _line(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {STROKE}/>'


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(text)}</text>'
