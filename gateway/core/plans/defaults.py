"""What a plan is where the registry says nothing else, figure by figure, and who says so.

Rules
1. Every figure has a source that is shown to people; ``OWN`` says honestly that it is our choice and no publication's.
2. Every figure can be replaced in the registry; what is replaced is shown as such, with this source beside it.
3. An orchard is known by the word of its crop, as in ``gateway.core.crops``; one that is not known is taken as mango.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OWN = "our choice, no published figure"
CARR = "Carr 2013, Experimental Agriculture 49"
FLOWER = "Engenharia Agrícola 2016, Tommy Atkins: 0 or 25 % of ETc while flowering cost no yield"
RIPEN = "Engenharia Agrícola 2016, regulated deficit: 50 to 75 % of ETc while fruit grows and ripens cost no yield"
COURSE = "Carr 2013: 0.65 to 1.05 over the year; its course as Azevedo et al. 2003 measured ETc (3.1, 4.9, 4.1 mm/d)"
DRENCH = "greendelta.com.vn: keep the soil wet for a week after the drench of paclobutrazol"
CITRUS_DRY = "hscagro.com: drain the ditches for about 20 days, then refill and water daily"
SALT = "Báo Đồng Khởi 2023-03-09 (Bến Tre): no induction of flowers in the season of salt; the months are our choice"
AWD = "IRRI, safe alternate wetting and drying: refill at 15 cm below the soil to 5 cm above it"
AWD_START = "IRRI, safe alternate wetting and drying: from one or two weeks after transplanting on"
AWD_FLOWER = "IRRI, safe alternate wetting and drying: kept ponded around flowering; the days are our choice"
AWD_APP = "guard values of a published AWD application: 45 minutes, 8 cm, 35 cm"
SEEDLING = "our choice: three quarters of the crop's p, because roots are short"
CROP = "the crop's own"
GARDEN = "the garden's own"
NO_PLAN = "as the ditch is filled without a plan"
TABLE_P = "the crop's p, FAO-56 Table 22"


# What a source says, for people who read Vietnamese; names of publications stay as they are.
SOURCES_VI: Mapping[str, str] = {
    OWN: "hội quán chọn, chưa có số nào công bố",
    f"our choice, after {CARR}: dry weeks go before flowers": f"hội quán chọn, theo {CARR}: phải khô mấy tuần mới trổ",
    f"{CARR}: six weeks of stress at least": f"{CARR}: ít nhất sáu tuần khô",
    f"{CARR}: stress, ended by water": f"{CARR}: để khô, rồi tưới lại cho trổ",
    FLOWER: "Engenharia Agrícola 2016, Tommy Atkins: lúc trổ cho 0 hay 25 % ETc không mất năng suất",
    RIPEN: "Engenharia Agrícola 2016: trái lớn và chín cho 50 tới 75 % ETc không mất năng suất",
    COURSE: "Carr 2013: cả năm từ 0,65 tới 1,05; chia theo ETc của Azevedo và cộng sự 2003 (3,1; 4,9; 4,1 mm/ngày)",
    DRENCH: "greendelta.com.vn: giữ đất ướt một tuần sau khi tưới paclobutrazol",
    CITRUS_DRY: "hscagro.com: rút mương chừng 20 ngày, rồi vô nước lại và tưới mỗi ngày",
    SALT: "Báo Đồng Khởi 09/03/2023 (Bến Tre): mùa mặn không xử lý ra hoa; tháng nào là hội quán chọn",
    AWD: "IRRI, ướt khô xen kẽ an toàn: nước xuống dưới mặt đất 15 cm thì cho vô tới 5 cm trên mặt",
    AWD_START: "IRRI, ướt khô xen kẽ an toàn: bắt đầu một hai tuần sau khi cấy",
    AWD_FLOWER: "IRRI, ướt khô xen kẽ an toàn: lúc trổ giữ ngập; số ngày là hội quán chọn",
    AWD_APP: "số canh chừng của một phần mềm ướt khô xen kẽ đã công bố: 45 phút, 8 cm, 35 cm",
    SEEDLING: "hội quán chọn: ba phần tư p của cây, vì rễ còn ngắn",
    CROP: "của cây này",
    GARDEN: "của vườn này",
    NO_PLAN: "như khi mương chưa theo kế hoạch",
    TABLE_P: "p của cây, FAO-56 bảng 22",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a plan as it is in force, for people: what it is called in the file, and whose it is."""

    key: str
    value: str
    source: str
    changed: bool = False


Given = tuple[object, str]

MANGO: Mapping[str, Mapping[str, Given]] = {
    "rest": {
        "days": (30, OWN),
        "water_pct": (0, f"our choice, after {CARR}: dry weeks go before flowers"),
        "kc": (0.65, COURSE),
    },
    "induce": {
        "days": (42, f"{CARR}: six weeks of stress at least"),
        "water_pct": (0, f"{CARR}: stress, ended by water"),
        "wet_days": (7, DRENCH),
        "kc": (0.65, COURSE),
    },
    "flower": {"days": (30, OWN), "water_pct": (25, FLOWER), "kc": (0.65, COURSE)},
    "fruit": {"days": (90, OWN), "water_pct": (100, FLOWER), "kc": (1.05, COURSE)},
    "harvest": {"days": (30, OWN), "water_pct": (75, RIPEN), "kc": (0.88, COURSE)},
}
CITRUS: Mapping[str, Mapping[str, Given]] = {
    "rest": {"days": (60, OWN), "water_pct": (100, OWN)},
    "induce": {"days": (20, CITRUS_DRY), "water_pct": (0, CITRUS_DRY)},
    "flower": {"days": (30, OWN), "water_pct": (100, CITRUS_DRY)},
    "fruit": {"days": (200, OWN), "water_pct": (100, OWN)},
    "harvest": {"days": (30, OWN), "water_pct": (100, OWN)},
}
MANGO_WORDS = ("xoài", "mango")
CITRUS_WORDS = ("quýt", "cam", "bưởi", "chanh", "citrus", "pomelo")
RICE: Mapping[str, Mapping[str, Given]] = {
    "establish": {"days": (14, AWD_START), "fill_at_mm": (10, OWN), "fill_to_mm": (50, AWD)},
    "tiller": {"days": (40, OWN), "fill_at_mm": (-150, AWD), "fill_to_mm": (50, AWD)},
    "heading": {"days": (21, AWD_FLOWER), "fill_at_mm": (10, AWD_FLOWER), "fill_to_mm": (50, AWD)},
    "grain": {"days": (15, OWN), "fill_at_mm": (-150, AWD), "fill_to_mm": (50, AWD)},
    "drain": {"days": (14, OWN), "water_pct": (0, OWN)},
}
# Of the crop's p; the days are the crop's stages.
VEGETABLE_P: Mapping[str, tuple[float, str]] = {
    "seedling": (0.75, SEEDLING),
    "growth": (1.0, TABLE_P),
    "yield": (1.0, TABLE_P),
    "last": (1.0, TABLE_P),
}
ORCHARD_OWN: Mapping[str, Given] = {
    "guard_part": (0.2, OWN),  # of the water that the soil holds for roots
    "most_dry_days": (60, OWN),
    "saline_months": ((1, 2, 3, 4, 5), SALT),
}
RICE_OWN: Mapping[str, Given] = {
    "max_age_min": (45, AWD_APP),
    "spread_mm": (80, AWD_APP),
    "range_mm": (350, AWD_APP),
}
CALENDAR_OWN: Mapping[str, Given] = {
    "window_min": (240, OWN),
    "rain_wait_h": (24, OWN),
    "months_pct": ((100,) * 12, OWN),
}


def orchard(crop: str) -> Mapping[str, Mapping[str, Given]]:
    """The phases of an orchard of this crop; the coefficients of mango only for mango."""
    said = crop.lower()
    if any(word in said for word in CITRUS_WORDS):
        return CITRUS
    if any(word in said for word in MANGO_WORDS):
        return MANGO
    return {id: {key: given for key, given in figures.items() if key != "kc"} for id, figures in MANGO.items()}
