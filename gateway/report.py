"""The weekly report: what was really watered, beside three other ways on the same record, in words, plots and a table.

Rules
1. It only reads the databases. A week is from Monday to Sunday, by the days of Vietnam, and is named as by ISO 8601.
2. Of each garden one sentence says it; what is not known surely is not claimed: a difference smaller than its doubt is
   "not seen yet". The figures behind it are in the table and the CSV.
3. What is measured is said to be measured: litres by a meter, or reckoned by the flow of the valve.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from gateway import record as records
from gateway import registry
from gateway.core.record import Record
from gateway.core.savings import Saving, Way, savings
from gateway.core.weather import DAY_MS, EPOCH, day_begins_at_ms, local_day
from gateway.home import Home
from gateway.settings import settings_of
from gateway.whatif_page import UNREAD
from kit.clock import SpedClock
from kit.files import write_atomic
from pages import curves, sheet
from pages.curves import Curve
from pages.sheet import number

NAMES = {
    "ours": ("Hội quán (thật)", "ours (really)"),
    "timer": ("tưới theo giờ cố định", "fixed timer"),
    "et": ("tưới theo thời tiết", "weather only"),
    "probe": ("tưới theo một máy đo", "one probe only"),
}
WHOLE_DAYS = 6.5
COLUMNS = (
    "week", "garden", "way", "measured", "litres", "mm", "times", "stress_days", "drained_mm", "end_depletion_mm",
    "saved_mm", "saved_pct", "doubt_mm",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    week: str
    record: Record
    gardens: tuple[Saving, ...]
    unreckoned: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the record covers the week but for some hours, at its ends or inside of it."""
        return self.record.heard_days >= WHOLE_DAYS


def week_before(now_ms: int) -> str:
    """The name of the last week that is over."""
    return week_name(local_day(now_ms) - 7)


def week_name(day: int) -> str:
    year, week, _ = (EPOCH + timedelta(days=day)).isocalendar()
    return f"{year}-W{week:02d}"


def week_span(week: str) -> tuple[int, int]:
    """The first and last millisecond of a week such as 2024-W09. Raises ValueError."""
    year, _, number_of_week = week.partition("-W")
    monday = date.fromisocalendar(int(year), int(number_of_week), 1)
    begin_ms = day_begins_at_ms((monday - EPOCH).days)
    return begin_ms, begin_ms + 7 * DAY_MS - 1


def make(home: Home, week: str) -> Report:
    """The report of a week. Raises NoRecord or StoreError."""
    found = records.load(home, *week_span(week))
    plain = settings_of(registry.parse(found.registry), SpedClock(0, 0, found.speed))
    gardens = savings(found.record, {zone.id: zone.meter is not None for zone in plain.zones})
    known = {saving.zone.id for saving in gardens}
    return Report(week, found.record, tuple(gardens), tuple(z.name for z in plain.zones if z.id not in known))


def write(home: Home, report: Report) -> None:
    """Put page and table into the home's reports, each as a whole."""
    home.reports.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(home.reports / f"{report.week}.csv", table(report), mode=0o600)
    write_atomic(home.reports / f"{report.week}.html", page(report), mode=0o600)


# ---- in words


def sentences(report: Report) -> Iterator[tuple[str, str]]:
    """One for each garden, and one for all: Vietnamese and English."""
    for saving in report.gardens:
        yield _garden(saving)
    if len(report.gardens) > 1:
        yield _village(report)


def _garden(saving: Saving) -> tuple[str, str]:
    ours, timer = saving.ours, saving.others[0]
    vi, en = _against(saving.saved_mm(timer), saving.doubt_mm, timer.mm)
    stress_vi = f"cây thiếu nước {ours.stress_days} ngày" if ours.stress_days else "cây không thiếu nước"
    stress_en = f"{ours.stress_days} days of stress" if ours.stress_days else "no day of stress"
    m3 = ours.litres / 1000
    return (
        f"{saving.zone.name}: tưới {number(m3)} m³, {vi}, {stress_vi}.",
        f"{saving.zone.name}: {m3:.1f} m³, {en}, {stress_en}.",
    )


def _village(report: Report) -> tuple[str, str]:
    area_m2 = sum(saving.area_m2 for saving in report.gardens)
    saved_l = sum(saving.saved_mm(saving.others[0]) * saving.area_m2 for saving in report.gardens)
    timer_l = sum(saving.others[0].litres for saving in report.gardens)
    doubt_l = math.hypot(*(saving.doubt_mm * saving.area_m2 for saving in report.gardens))
    ours_m3 = sum(saving.ours.litres for saving in report.gardens) / 1000
    vi, en = _against(saved_l / area_m2, doubt_l / area_m2, timer_l / area_m2)
    return f"Cả làng: tưới {number(ours_m3)} m³, {vi}.", f"The village: {ours_m3:.1f} m³, {en}."


def _against(saved_mm: float, doubt_mm: float, timer_mm: float) -> tuple[str, str]:
    """Less or more than the timer, or not seen yet."""
    if timer_mm <= 0.0 or abs(saved_mm) <= doubt_mm:
        return "chưa thấy khác tưới theo giờ cố định", "no difference from a fixed timer seen yet"
    part, doubt = 100.0 * abs(saved_mm) / timer_mm, 100.0 * doubt_mm / timer_mm
    less = saved_mm > 0.0
    return (
        f"{'ít' if less else 'nhiều'} hơn tưới theo giờ cố định khoảng {part:.0f} % (sai số {doubt:.0f})",
        f"about {part:.0f} % (± {doubt:.0f}) {'less' if less else 'more'} than a fixed timer",
    )


NOTES = (
    (
        "Nước của mình là thật: đo bằng đồng hồ, hoặc tính theo sức chảy của van. Ba cách kia là tính thử.",
        "Our water is real: metered, or reckoned by the valve's flow. The three others are tried on the same record.",
    ),
    (
        "Đã trừ phần nước còn trong đất cuối tuần. Sai số là của nước tưới và nước trong đất, chưa kể mô hình.",
        "What the soil holds at the end is taken off. The doubt is of litres and soil water, not of the model.",
    ),
    (
        "Ba cách kia không nhìn độ mặn và không bao giờ hết nước, nên thực tế kém hơn.",
        "The others do not look at the salt and never lack water, so in truth they would be worse.",
    ),
)


# ---- page and table


def page(report: Report) -> str:
    """The page, which stands alone."""
    first, last = (f"{EPOCH + timedelta(days=local_day(at)):%d/%m/%Y}" for at in week_span(report.week))
    blocks = [sheet.told(f"Tuần {report.week}: {first} đến {last}", f"Week {report.week}")]
    if not report.is_whole:
        days = number(report.record.heard_days)
        blocks.append(
            sheet.told(f"Nhật ký chỉ có {days} ngày của tuần này.", f"The record has {days} days of it only.")
        )
    blocks += [sheet.say(vi, en) for vi, en in sentences(report)]
    if report.record.unread:
        vi, en = (text.format(n=report.record.unread) for text in UNREAD)
        blocks.append(sheet.told(vi, en))
    if report.unreckoned:
        names = ", ".join(report.unreckoned)
        blocks.append(
            sheet.told(f"Chưa ghi đất nên không tính được: {names}.", f"Nothing is said of the soil of: {names}.")
        )
    for saving in report.gardens:
        blocks += [sheet.heading(saving.zone.name), _picture(report, saving), _figures(saving)]
    blocks += [sheet.told(vi, en) for vi, en in NOTES]
    return sheet.sheet(f"Tưới tuần {report.week}", blocks)


def _picture(report: Report, saving: Saving) -> Markup:
    shown = [Curve(NAMES[way.name][0], way.seen, way.spans) for way in (saving.ours, *saving.others)]
    title = f"Đất thiếu nước: {saving.zone.name}"
    return curves.picture(title, "mm", shown, report.record.from_ms, report.record.to_ms)


def _figures(saving: Saving) -> Markup:
    head = ("", "m³", "mm", "lần", "ngày thiếu nước", "bớt được, mm", "bớt được, %")

    def row(way: Way) -> tuple[str, ...]:
        pct = None if way is saving.ours else saving.saved_pct(way)
        saved = "" if way is saving.ours else f"{number(saving.saved_mm(way))} ± {number(saving.doubt_mm)}"
        return (NAMES[way.name][0], number(way.litres / 1000), number(way.mm), str(way.times), str(way.stress_days),
                saved, "" if pct is None else number(pct, 0))  # fmt: skip

    return sheet.table(head, [row(way) for way in (saving.ours, *saving.others)])


def table(report: Report) -> str:
    """The figures as CSV, a row for each garden and way."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for saving in report.gardens:
        for way in (saving.ours, *saving.others):
            ours = way is saving.ours
            measured = "no" if not ours else "meter" if saving.metered else "flow"
            pct = None if ours else saving.saved_pct(way)
            figures = (way.litres, way.mm, way.times, way.stress_days, way.drained_mm, way.end_mm)
            saved = (None if ours else saving.saved_mm(way), pct, saving.doubt_mm)
            cells = ["" if v is None else str(v) if isinstance(v, int) else f"{v:.2f}" for v in (*figures, *saved)]
            writer.writerow([report.week, saving.zone.id, way.name, measured, *cells])
    return out.getvalue()
