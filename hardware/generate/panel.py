"""The drawing of the pump panel, main circuit and coil circuit: docs/hardware/pump-panel.svg, and in the electrician's
page in Vietnamese.

What must hold without any software stands in series with the coil on both ways, by hand and automatic: the emergency
stop, the overload, the dry-run relay and the float. The node's contact is in the automatic way only.
"""

from __future__ import annotations

from html import escape

WIDTH, HEIGHT = 1200, 520
STROKE = 'stroke="#111" stroke-width="2" fill="none"'
EARTHED = 'stroke="#2a9d3a" stroke-width="2.5" stroke-dasharray="9 4" fill="none"'
L, N, PE = 60, 110, 372  # of the main circuit
RAIL_L, RAIL_N = 425, 1180  # of the coil circuit
HAND_Y, MID_Y, AUTO_Y = 90, 150, 210

WORDS = {
    "en": {
        "main": "Main circuit, 230 V, one phase", "coil": "Coil circuit", "q0": "isolator 2P, lockable",
        "f3": "SPD type 2", "f3b": "L–N, N–PE; leads ≤ 0.5 m", "q1": "RCBO 2P, C16, 30 mA",
        "k1": "contactor, both lines", "f1": "overload: L through all", "f1b": "three poles in series",
        "ct": "SCT-013 around L", "motor": "pump", "stop": "S0 emergency stop", "hand": "S1:1-2 HAND",
        "auto": "S1:3-4 AUTO", "node": "K190, node", "over": "F1:95-96", "dry": "F2 dry run", "float": "S2 float",
        "rest": "F1, F2 open at a fault · S2 closed while there is water", "coilname": "K1 coil", "snubber": "snubber",
        "series": "in series on both ways: no software", "supply": "G1 12 V DIN",
        "told": "Told to the node, its own 12 V, dry contacts only:", "ways": "branches to N: G1, F2's own supply",
        "in1": "X2:1-2 → J161: S1:5-6, closed on AUTO", "in2": "X2:3-4 → J162: K1:13-14, closed when it is in",
        "in3": "X2:5-6 → J163: F1:97-98 and F2's trip contact, in parallel",
        "pe": "PE bar: supply, door, motor frame, stake ≤ 10 Ω",
    },
    "vi": {
        "main": "Mạch động lực, 230 V một pha", "coil": "Mạch điều khiển", "q0": "cầu dao cách ly 2P, khóa được",
        "f3": "chống sét SPD loại 2", "f3b": "L–N, N–PE; dây ≤ 0,5 m", "q1": "RCBO 2P, C16, 30 mA",
        "k1": "khởi động từ, cắt cả hai dây", "f1": "rơ le nhiệt: dây L đi", "f1b": "nối tiếp qua cả ba cực",
        "ct": "Kẹp dòng SCT-013 quanh dây L", "motor": "máy bơm", "stop": "S0 dừng khẩn cấp", "hand": "S1:1-2 TAY",
        "auto": "S1:3-4 TỰ ĐỘNG", "node": "K190, trạm", "over": "F1:95-96", "dry": "F2 chạy khô", "float": "S2 phao",
        "rest": "F1, F2 hở khi có sự cố · S2 đóng khi còn nước", "coilname": "cuộn K1", "snubber": "dập xung",
        "series": "nối tiếp trên cả hai đường: không nhờ phần mềm", "supply": "G1 nguồn 12 V",
        "told": "Báo cho trạm, bằng 12 V của chính trạm, chỉ tiếp điểm khô:", "ways": "nhánh về N: G1, nguồn nuôi F2",
        "in1": "X2:1-2 → J161: S1:5-6, đóng khi TỰ ĐỘNG", "in2": "X2:3-4 → J162: K1:13-14, đóng khi K1 hút",
        "in3": "X2:5-6 → J163: F1:97-98 và tiếp điểm báo của F2, song song",
        "pe": "Thanh PE: nguồn, cánh tủ, vỏ bơm, cọc ≤ 10 Ω",
    },
}


def svg(language: str = "en") -> str:
    words = WORDS[language]
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="DejaVu Sans, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    return "\n".join([*head, *_main(words), *_coil(words), *_told(words), "</svg>", ""])


def _main(words: dict[str, str]) -> list[str]:
    """From the supply to the motor, top to bottom."""
    boxes = ((60, "q0", ""), (180, "q1", ""), (290, "k1", ""), (345, "f1", "f1b"))
    return [
        _text(20, 20, words["main"], bold=True),
        *(_text(x - 5, 42, name) for x, name in ((L, "L"), (N, "N"), (PE, "PE"))),
        _line(L, 48, L, 450), _line(N, 48, N, 450), _line(PE, 48, PE, 490, EARTHED),
        *(part for y, name, more in boxes for part in (
            f'<rect x="{L - 15}" y="{y}" width="{N - L + 30}" height="32" stroke="#111" stroke-width="2" fill="#fff"/>',
            _text((L + N) // 2 - 8, y + 21, name.upper()),
            _text(N + 24, y + (14 if more else 21), words[name]),
            *([_text(N + 24, y + 30, words[more])] if more else []),
        )),
        # the arrester stands before the RCBO: a surge then neither trips nor wears it
        _dot(L, 115), _dot(N, 130), _line(L, 115, 150, 115), _line(N, 130, 150, 130),
        '<rect x="150" y="106" width="90" height="34" stroke="#111" stroke-width="2" fill="#fff"/>',
        _text(158, 128, "F3"), _line(240, 123, PE, 123, EARTHED), _dot(PE, 123),
        _text(150, 156, words["f3"]), _text(150, 172, words["f3b"]),
        _dot(L, 235), _dot(N, 255), _line(L, 235, 150, 235), _line(N, 255, 150, 255),
        _text(154, 240, "→ X1:1 (L)"), _text(154, 260, "→ X1:2 (N)"),
        f'<ellipse cx="{L}" cy="400" rx="16" ry="7" {STROKE}/>', _text(N + 24, 405, words["ct"]),
        f'<circle cx="{(L + N) // 2}" cy="465" r="34" stroke="#111" stroke-width="2" fill="#fff"/>',
        _text(79, 470, "M"), _text(N + 24, 450, words["motor"]),
        _line(119, 472, PE, 472, EARTHED), _dot(PE, 472), _text(20, 514, words["pe"]),
    ]


def _coil(words: dict[str, str]) -> list[str]:
    """The ladder of the coil: both ways meet before what must stop the pump."""
    return [
        _text(RAIL_L - 10, 20, words["coil"], bold=True),
        _text(RAIL_L - 18, 46, "X1:1 L"), _text(RAIL_N - 40, 46, "X1:2 N"),
        _line(RAIL_L, 52, RAIL_L, 330), _line(RAIL_N, 52, RAIL_N, 330),
        _line(RAIL_L, MID_Y, 495, MID_Y),
        f'<rect x="435" y="{MID_Y - 9}" width="40" height="18" {STROKE}/>', _text(434, MID_Y - 16, "F4 2 A"),
        *_contact(495, MID_Y, words["stop"], closed=True, up=True), _line(555, MID_Y, 560, MID_Y),
        _line(560, HAND_Y, 560, AUTO_Y), _dot(560, MID_Y),
        _line(560, HAND_Y, 580, HAND_Y), *_contact(580, HAND_Y, words["hand"]), _line(640, HAND_Y, 810, HAND_Y),
        _line(560, AUTO_Y, 580, AUTO_Y), *_contact(580, AUTO_Y, words["auto"]), _line(640, AUTO_Y, 715, AUTO_Y),
        _terminal(680, AUTO_Y, "X1:3"), *_contact(715, AUTO_Y, words["node"]), _line(775, AUTO_Y, 810, AUTO_Y),
        _terminal(792, AUTO_Y, "X1:4"),
        _line(810, HAND_Y, 810, AUTO_Y), _dot(810, MID_Y), _line(810, MID_Y, 825, MID_Y),
        *_contact(825, MID_Y, words["over"], closed=True), _line(885, MID_Y, 900, MID_Y),
        *_contact(900, MID_Y, words["dry"], closed=True), _line(960, MID_Y, 995, MID_Y),
        *_contact(995, MID_Y, words["float"]), _line(1055, MID_Y, 1085, MID_Y),
        _text(830, 262, words["rest"]), _text(830, HAND_Y + 16, words["series"]),
        f'<rect x="1085" y="{MID_Y - 18}" width="72" height="36" {STROKE}/>', _text(1090, MID_Y + 5, words["coilname"]),
        _line(1157, MID_Y, RAIL_N, MID_Y), _text(1072, MID_Y - 22, "A1"), _text(1146, MID_Y - 22, "A2"),
        _dot(1070, MID_Y), _line(1070, MID_Y, 1070, 230), _line(1070, 230, 1085, 230),
        f'<rect x="1085" y="216" width="72" height="28" {STROKE}/>', _text(1090, 235, words["snubber"]),
        _line(1157, 230, RAIL_N, 230), _dot(RAIL_N, 230),
        # not behind the emergency stop: the node must be able to tell that it was pressed
        _dot(485, MID_Y), _line(485, MID_Y, 485, 300), _line(485, 300, 600, 300),
        f'<rect x="600" y="284" width="120" height="32" {STROKE}/>', _text(608, 305, words["supply"]),
        _line(720, 300, RAIL_N, 300), _dot(RAIL_N, 300), _text(740, 292, words["ways"]),
    ]


def _told(words: dict[str, str]) -> list[str]:
    lines = (words["told"], words["in1"], words["in2"], words["in3"])
    return [_text(RAIL_L, 380 + 26 * row, line, bold=row == 0) for row, line in enumerate(lines)]


def _contact(x: int, y: int, name: str, *, closed: bool = False, up: bool = False) -> list[str]:
    """A contact 60 wide: two bars, crossed when it is closed at rest."""
    bars = [_line(x, y, x + 24, y), _line(x + 24, y - 14, x + 24, y + 14), _line(x + 36, y - 14, x + 36, y + 14),
            _line(x + 36, y, x + 60, y)]
    cross = [_line(x + 18, y + 14, x + 42, y - 14)] if closed else []
    return [*bars, *cross, _text(x - 60 if up else x - 6, y - 40 if up else y + 32, name)]


def _terminal(x: int, y: int, name: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="5" stroke="#111" stroke-width="2" fill="#fff"/>' + _text(x - 15, y - 14, name)


def _dot(x: int, y: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="4" fill="#111"/>'


def _line(x1: int, y1: int, x2: int, y2: int, stroke: str = STROKE) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {stroke}/>'


def _text(x: int, y: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}"{weight}>{escape(text)}</text>'
