"""The papers of the technician, in Vietnamese, on A4: wiring cards, calibration sheets, the installation guide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hardware.circuit import Circuit, Part
from hardware.generate import panel
from hardware.model import HERE, Hardware, HardwareError, read_toml
from hardware.reading import make

SHEETS = HERE / "sheets.toml"
# code of IEC 60757 -> what a person calls it, and how it is painted
COLOURS = {
    "RD": ("đỏ", "#d62828"), "BK": ("đen", "#222"), "WH": ("trắng", "#fff"), "YE": ("vàng", "#f6c915"),
    "BU": ("xanh dương", "#1d6fd1"), "BN": ("nâu", "#7b4a21"), "VT": ("tím", "#7b2cbf"),
    "GNYE": ("vàng-xanh lá", "repeating-linear-gradient(90deg,#2a9d3a 0 2mm,#f6c915 2mm 4mm)"),
}
FUNCTIONS = {
    "PV+": "dương tấm pin", "GND": "âm (mát)", "V+": "dương nguồn", "12V+": "dương 12 V", "EARTH": "tiếp địa",
    "SENSOR_RX": "đầu dò nhận", "SENSOR_TX": "đầu dò gửi", "A": "RS485 A", "B": "RS485 B", "DATA": "dữ liệu",
    "ANALOG": "tín hiệu", "PULSE": "xung", "COIL+": "cuộn dây 1", "COIL-": "cuộn dây 2", "SWITCHED": "về trạm",
    "DRY_1": "tiếp điểm khô", "DRY_2": "tiếp điểm khô", "WET": "12 V ra", "BACK": "12 V về", "CT": "đo dòng",
    "CT_MID": "điểm giữa",
}
COMMON_CHECKS = (
    "Kéo nhẹ từng dây: không dây nào tuột khỏi đầu vít.",
    "Đo thông mạch cọc tiếp địa với chốt J9: dưới 1 Ω.",
    "Ốc siết cáp đã vặn chặt, mỗi dây có vòng nhỏ giọt.",
)
BATTERY_CHECKS = ("Đo pin 3,0–3,4 V trước khi cắm cầu chì; sau khi cắm, đường 3V3 là 3,2–3,4 V.",)
MAINS_CHECKS = (
    "CÒN CẮT CB: đo giữa J190 và mọi đầu dây khác, không thông mạch.",
    "Gạt TAY, TẮT, TỰ ĐỘNG: bơm chạy, dừng, chờ lệnh.",
    "Bấm thử rơ le nhiệt và RCBO: bơm dừng ở cả hai chế độ TAY và TỰ ĐỘNG.",
)
LAMP_CHECK = "Đèn xanh sáng khi khởi động; trang của hội quán thấy trạm trong 5 phút."


PAGES = {"lap-dat": "install.html", "ky-thuat-vien": "technician.html", "tu-bom": "panel.html"}


@dataclass(frozen=True)
class Table:
    """A table to be filled in by hand; ``rows`` are its first column."""

    title: str
    heads: list[str]
    rows: list[str]


@dataclass(frozen=True)
class Sheet:
    """A calibration sheet of sheets.toml."""

    title: str
    subtitle: str
    tools: str
    steps: list[str]
    warning: str
    enter: list[str]
    tables: list[dict[str, Any]]
    command: str = ""


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, keep_trailing_newline=True)


def sheets() -> dict[str, str]:
    """Calibration sheets and the guide, by file name. They are for all node types."""
    made = {}
    for name, row in read_toml(SHEETS).items():
        sheet = make(Sheet, row, f"{SHEETS.name}, {name}")
        tables = [make(Table, table, f"{SHEETS.name}, {name}.tables") for table in sheet.tables]
        made[name] = _templates().get_template("sheet.html").render(sheet=sheet, tables=tables)
    for name, template in PAGES.items():
        made[name] = _templates().get_template(template).render(panel=panel)
    return made


def wiring_card(hardware: Hardware, circuit: Circuit) -> str:
    """The card in the lid of one node type's box: every field wire, by colour, and what to check before power."""
    kind = hardware.nodes[circuit.node]
    mains = [part.ref for part in circuit.field_connectors if any(net.startswith("M_") for net in part.nets)]
    own_checks = MAINS_CHECKS if mains else BATTERY_CHECKS if "BT1" in {part.ref for part in circuit.parts} else ()
    return _templates().get_template("wiring.html").render(
        node=kind, mains=", ".join(mains),
        cables=[_cable(hardware, connector) for connector in circuit.field_connectors],
        checks=(*COMMON_CHECKS, *own_checks, LAMP_CHECK),
    )


def _cable(hardware: Hardware, connector: Part) -> dict[str, object]:
    harness = hardware.harnesses[connector.harness]
    device = hardware.devices[harness.device]
    pins = []
    for wire in harness.wires:
        function = harness.board[wire.board_pin - 1]
        if wire.colour not in COLOURS or function not in FUNCTIONS:
            raise HardwareError(f"harness.{connector.harness}: no Vietnamese word for {wire.colour} or {function}")
        name, paint = COLOURS[wire.colour]
        pins.append({
            "number": wire.board_pin, "function": FUNCTIONS[function],
            "colour": f"{name} ({wire.colour})", "paint": paint,
            "far": wire.device_pin, "far_name": device.pins[wire.device_pin - 1],
        })
    return {
        "ref": connector.ref, "device": device.vi, "gauge": f"{harness.mm2:g}".replace(".", ","),
        "length": f"{harness.length_m:g}", "pins": pins,
    }
