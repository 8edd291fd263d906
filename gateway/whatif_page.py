"""The answer of ``what-if`` in words and as a page: Vietnamese first, English below.

Rules
1. First what would have changed, then how far the model was from what was really measured; never one without the other.
2. Changes are told between the two trials. Measured figures stand beside them. What the soil lacks at the end is told
   with the water, because watering later is no saving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from markupsafe import Markup

from gateway.whatif import Answer, Figures, Outcome, total
from pages import curves, sheet
from pages.curves import Curve
from pages.sheet import number

VIETNAM = timezone(timedelta(hours=7))
UNREAD = (
    "Nhật ký có {n} phần không đọc được, đã bỏ qua.",
    "{n} parts of the journal could not be read and are left out.",
)
SAME_MM = 0.5  # less is rounding and how far a pump's last minute goes
HEAD = ("", "đo được thật", "mô hình, như đã đặt", "mô hình, nếu đổi")


def text(outcome: Outcome) -> str:
    """For the screen."""
    return "\n".join(f"{vi}\n  {en}" if en else vi for vi, en in _sentences(outcome))


def page(outcome: Outcome) -> str:
    """For a browser."""
    blocks = [sheet.told(vi, en) for vi, en in _sentences(outcome)]
    for answer in outcome.answers:
        blocks += [sheet.heading(answer.zone.name), sheet.table(HEAD, _rows(answer)), _picture(outcome, answer)]
    return sheet.sheet("Nếu đặt khác thì sao?", blocks)


def _sentences(outcome: Outcome) -> Iterator[tuple[str, str]]:
    record = outcome.record
    asked = "; ".join(change.text for change in outcome.changes)
    span = f"{_when(record.from_ms)} .. {_when(record.to_ms)}"
    yield f"{span}. Thử đặt: {asked}.", f"Tried: {asked}."
    for answer in outcome.answers:
        yield _would(answer.zone.name, answer.base, answer.changed)
        yield _off(answer)
    if len(outcome.answers) > 1:
        areas = [answer.curves[0].soil.ground.area_m2 for answer in outcome.answers]
        base = total(list(zip([answer.base for answer in outcome.answers], areas, strict=True)))
        other = total(list(zip([answer.changed for answer in outcome.answers], areas, strict=True)))
        yield _would("Tất cả các vườn", base, other, "All gardens")
    if outcome.untried:
        names = ", ".join(outcome.untried)
        yield (
            f"Không tính được vườn chưa ghi đất: {names}.",
            f"Not tried, nothing is said of its soil: {names}.",
        )
    if record.unread:
        yield UNREAD[0].format(n=record.unread), UNREAD[1].format(n=record.unread)
    yield (
        "Đây là tính thử trên mô hình đất, không phải đo. Coi như van và máy bơm luôn chạy tốt, nước mương không đổi.",
        "This is a trial on a model of the soil. Valves and pumps never fail in it, and the ditch stays as it was.",
    )


def _would(name: str, base: Figures, other: Figures, name_en: str = "") -> tuple[str, str]:
    vi = (
        f"{name}: tưới {number(other.m3)} m³ thay vì {number(base.m3)} m³ ({_percent(base.m3, other.m3)}), "
        f"tức {number(other.mm)} mm thay vì {number(base.mm)} mm; {other.runs} lần thay vì {base.runs}; "
        f"bơm {number(other.pump_h)} giờ thay vì {number(base.pump_h)}; "
        f"{other.stress_days} ngày cây thiếu nước thay vì {base.stress_days}. {_end(base, other)[0]}"
    )
    en = (
        f"{name_en or name}: {other.m3:.1f} m³ instead of {base.m3:.1f} ({_percent(base.m3, other.m3)}), "
        f"{other.mm:.1f} mm instead of {base.mm:.1f}; {other.runs} runs instead of {base.runs}; "
        f"pump {other.pump_h:.1f} h instead of {base.pump_h:.1f}; "
        f"{other.stress_days} days of stress (Ks < 1) instead of {base.stress_days}. {_end(base, other)[1]}"
    )
    return vi, en


def _end(base: Figures, other: Figures) -> tuple[str, str]:
    """What is really saved or spent: the water that is missing in the soil at the end is still to be given."""
    less = other.less_mm(base)
    vi = f"Lúc cuối đất thiếu {number(other.end_mm)} mm thay vì {number(base.end_mm)} mm: trừ phần đó ra thì "
    en = f"At the end the soil lacks {other.end_mm:.1f} mm instead of {base.end_mm:.1f}: with that taken off, "
    if abs(less) < SAME_MM:
        return vi + "không bớt, không thêm nước.", en + "nothing is saved or spent."
    word_vi, word_en = ("bớt", "less") if less > 0.0 else ("tốn thêm", "more")
    return vi + f"{word_vi} {number(abs(less))} mm.", en + f"{abs(less):.1f} mm {word_en}."


def _off(answer: Answer) -> tuple[str, str]:
    """How far the model is from the record."""
    real, base = answer.measured, answer.base
    off = _percent(real.m3, base.m3)
    vi = (
        f"Mô hình so với thật: mô hình tưới {number(base.m3)} m³, thật {number(real.m3)} m³ ({off}), {real.runs} lần; "
        f"nước trong đất lệch trung bình {number(answer.apart_mm)} mm."
    )
    en = (
        f"The model against the record: {base.m3:.1f} m³, really {real.m3:.1f} ({off}), {real.runs} runs; "
        f"its soil water is {answer.apart_mm:.1f} mm off on average."
    )
    return vi, en


def _percent(before: float, after: float) -> str:
    return f"{100.0 * (after - before) / before:+.0f} %" if before > 0.0 else "-"


def _rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    lines: tuple[tuple[str, Callable[[Figures], str]], ...] = (
        ("nước tưới, m³", lambda f: number(f.m3)),
        ("nước tưới, mm", lambda f: number(f.mm)),
        ("lần tưới", lambda f: str(f.runs)),
        ("giờ bơm", lambda f: number(f.pump_h)),
        ("cuối kỳ đất thiếu, mm", lambda f: number(f.end_mm)),
        ("ngày cây thiếu nước", lambda f: "-" if f.stress_days is None else str(f.stress_days)),
    )
    for name, told in lines:
        yield name, told(answer.measured), told(answer.base), told(answer.changed)


def _picture(outcome: Outcome, answer: Answer) -> Markup:
    record, zone = outcome.record, answer.zone.id
    real = [(tick.at_ms, came.depletion_um / 1000) for tick in record.ticks[::60] if (came := tick.came.get(zone))]
    spans = [(run.on_ms, run.off_ms) for run in record.watered if run.zone == zone]
    lines = [Curve("thật", real, spans)]
    for name, garden in zip(("như đã đặt", "nếu đổi"), answer.curves, strict=True):
        lines.append(Curve(name, garden.seen, [(run.on_ms, run.off_ms) for run in garden.watered]))
    return curves.picture(f"Đất thiếu nước: {answer.zone.name}", "mm", lines, record.from_ms, record.to_ms)


def _when(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, VIETNAM):%d/%m/%Y %H:%M}"
