"""What is wrong with a sensor or an output, in words: the sentences behind the fault codes of ``wire.fields``.

Rules
1. A node tells a number; what it means for a person is said here, and what that person can do about it. Every code has
   a sentence, and English beside it in the catalogue of the pages.
2. Of one cabinet each fault is said once, for all sensors that have it: a dead probe tells three numbers.
3. A fault is present while the newest reading of its sensor carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from wire import fields

Level = Literal["info", "warning", "danger"]


class Fault(NamedTuple):
    """A reading that carried a fault."""

    node: str
    field: int
    channel: int
    measured_ms: int
    fault: int


class Told(NamedTuple):
    """One line: ``lead`` has the places {name} and {n}; ``sentence`` has none."""

    node: str
    fault: int
    level: Level
    lead: str
    sentence: str
    n: int


SENTENCES = {
    fields.FAULT_NO_ANSWER: "Không trả lời: coi lại dây và nguồn.",
    fields.FAULT_OUT_OF_RANGE: "Số đo vô lý: coi lại đầu đo.",
    fields.FAULT_STUCK: "Số đo đứng yên quá lâu: coi lại đầu đo.",
    fields.FAULT_WARM_UP: "Đầu đo chưa sẵn sàng: nếu kéo dài thì coi lại nguồn.",
    fields.FAULT_BUS: "Mạch đọc đầu đo bị lỗi: tắt rồi mở lại máy.",
    fields.FAULT_GARBAGE: "Tín hiệu bị nhiễu: coi lại dây, đầu nối và dây nối đất.",
    fields.FAULT_DEAD_ZONE: "Nước hay rác quá gần đầu đo: coi lại ống đo.",
    fields.FAULT_NO_ECHO: "Không dội lại được: đầu đo lệch, hay mực nước quá xa.",
    fields.FAULT_BROKEN_WIRE: "Dây bị đứt hay lỏng: coi lại đầu nối.",
    fields.FAULT_SHORT: "Dây bị chạm: coi lại đầu nối, có nước vào hay không.",
    fields.FAULT_POWER_ON: "Đầu đo bị mất điện giữa chừng: coi lại nguồn và đầu nối.",
    fields.FAULT_NOT_A_NUMBER: "Đầu đo không đo được: rửa đầu đo rồi coi lại.",
    fields.FAULT_REFUSED: "Đầu đo không hiểu lệnh: coi lại loại đầu đo và địa chỉ.",
    fields.FAULT_UNSTEADY: "Số đo nhảy lung tung: coi lại dây và chỗ đặt.",
    fields.FAULT_TOO_FAST: "Đếm quá nhiều xung: công tắc rung, hay dây nằm gần mô tơ.",
    fields.FAULT_DRIVER: "Máy không đọc được đầu đo: gọi kỹ thuật coi lại cấu hình.",
    fields.FAULT_DRY_RUN: "Bơm chạy mà không ra nước nên đã tắt: coi ống hút và mực nước.",
    fields.FAULT_BY_BUTTON: "Có người bấm nút tại tủ.",
    fields.FAULT_FALLBACK: "Lâu không liên lạc được nên tủ tự tưới một ít.",
}
_LEADS = {
    fields.SOIL_MOISTURE: "{name}, số {n}: lỗi đo ẩm đất.",
    fields.SOIL_TEMPERATURE: "{name}, số {n}: lỗi đo nhiệt độ đất.",
    fields.WATER_LEVEL: "{name}, số {n}: lỗi đo mực nước.",
    fields.CONDUCTIVITY_25: "{name}, số {n}: lỗi đo độ mặn.",
    fields.WATER_TEMPERATURE: "{name}, số {n}: lỗi đo nhiệt độ nước.",
    fields.FLOW: "{name}, số {n}: lỗi đo lưu lượng.",
    fields.BATTERY: "{name}, số {n}: lỗi đo bình điện.",
    fields.RAIN: "{name}, số {n}: lỗi đo mưa.",
    fields.AIR_TEMPERATURE: "{name}, số {n}: lỗi đo nhiệt độ không khí.",
    fields.AIR_HUMIDITY: "{name}, số {n}: lỗi đo ẩm không khí.",
    fields.CURRENT: "{name}, số {n}: lỗi đo dòng điện.",
    fields.OUTPUT: "{name}, số {n}: van hay bơm.",
}
_OTHER = "{name}, số {n}: lỗi đầu đo."
_SEVERAL = "{name}, {n} đầu đo: có lỗi."
_LEVELS: dict[int, Level] = {
    fields.FAULT_DRY_RUN: "danger", fields.FAULT_BY_BUTTON: "info", fields.FAULT_FALLBACK: "warning",
}  # fmt: skip
LEADS = (*_LEADS.values(), _OTHER, _SEVERAL)


def told(faults: Iterable[Fault]) -> Iterator[Told]:
    """What is to be said of these faults: by node, the worst first."""
    grouped: dict[tuple[str, int], list[Fault]] = {}
    for fault in faults:
        if fault.fault in SENTENCES:
            grouped.setdefault((fault.node, fault.fault), []).append(fault)
    for (node, code), found in sorted(grouped.items(), key=lambda item: (_rank(item[0][1]), item[0])):
        several = len({(one.field, one.channel) for one in found}) > 1
        lead = _SEVERAL if several else _LEADS.get(found[0].field, _OTHER)
        n = len(found) if several else found[0].channel + 1
        yield Told(node, code, _LEVELS.get(code, "warning"), lead, SENTENCES[code], n)


def _rank(code: int) -> int:
    return ("danger", "warning", "info").index(_LEVELS.get(code, "warning"))
