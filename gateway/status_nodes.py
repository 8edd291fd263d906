"""What ``status`` says of the nodes and of what they measure: who is silent, what is missing, which sensor is wrong.

Rules
1. A node of which there is something to say has a line of its own, the worst first; those that are well are counted.
2. What is wrong with a sensor is said by the sentence of the farmer's page (``core.faults``), with the code behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core import faults
from gateway.core.quality import names_of
from gateway.core.types import DAY_MS
from gateway.core.village import Node, Village
from gateway.status_report import MAX_LINES, Ago, Report
from gateway.store.data import DataReader, Latest
from gateway.translate import heard_at_ms
from kit.clock import Clock, vietnam_time
from pages.view import STALE_MS
from wire import fields

MAX_GAPS = 100
LEAST_COMPLETE = 0.99
SILENT, LACKS, SLEEPS, WELL = range(4)  # the worst first
# What the tests of quality (``core.quality.TESTS``) find.
TESTS_VI: Mapping[str, str] = {
    "missing": "thiếu số đo",
    "range": "ngoài khoảng",
    "spike": "nhảy vọt",
    "rate": "đổi quá nhanh",
    "stuck": "đứng yên",
    "resolution": "sai số lẻ",
    "gap": "ngưng lâu",
    "drift": "lệch so với máy bên cạnh",
    "node": "hộp báo hư",
}


@dataclass(frozen=True)
class _Seen:
    """One node: how it was heard, its battery, and what is missing of it."""

    node: Node
    rank: int
    ago_ms: int | None
    millivolts: int | None
    share: float
    gaps: int
    missing: int
    refused: bool
    sleeps_until: str

    @property
    def row(self) -> str:
        ago = "chưa/never" if self.ago_ms is None else Ago.of(self.ago_ms).en
        line = f"{self.node.id:<16.16} {ago:>10} {_volts(self.millivolts):>8} {_percent(self.share):>9}"
        if self.gaps:
            line += f" hở {self.gaps} chỗ, thiếu {self.missing} / {self.gaps} gaps, {self.missing} missing"
        return line + (f" ngủ tới / asleep until {self.sleeps_until}" if self.sleeps_until else "")


def add(village: Village, data: DataReader, report: Report, clock: Clock, now_ms: int) -> None:
    """Add it to the report. Raises StoreError."""
    _nodes(village, data, report, clock, now_ms)
    _faults(data, report, now_ms)
    _quarantine(data, report, now_ms)
    _quality(data, report, now_ms)


def _nodes(village: Village, data: DataReader, report: Report, clock: Clock, now_ms: int) -> None:
    seen = sorted(_seen(village, data, clock, now_ms), key=lambda one: one.rank)
    report.problems_of([_silence(one) for one in seen if one.rank == SILENT])
    report.problems_of([
        (f"hộp {one.node.id} ({one.node.name}): thiếu {one.missing} số đo, hở {one.gaps} chỗ",
         f"node {one.node.id}: {one.missing} readings are missing in {one.gaps} gaps")
        for one in seen if one.share < LEAST_COMPLETE
    ])  # fmt: skip
    report.problems_of([
        (f"hộp {one.node.id} ({one.node.name}): không nhận cấu hình mới, chạy theo cái cũ",
         f"node {one.node.id} ({one.node.name}) refused its new config, lives by the last")
        for one in seen if one.refused
    ])  # fmt: skip
    heard = sum(one.rank != SILENT for one in seen)
    weakest = min((one.millivolts for one in seen if one.millivolts is not None), default=None)
    least = _percent(min((one.share for one in seen), default=1.0))
    report.line(
        f"hộp: {heard} trên {len(seen)} còn nghe, pin yếu nhất {_volts(weakest)}, ít nhất {least} số đo tới nơi",
        f"nodes: {heard} of {len(seen)} are heard, weakest battery and least complete",
    )
    report.rows([one.row for one in seen if report.every or one.rank != WELL])


def _seen(village: Village, data: DataReader, clock: Clock, now_ms: int) -> list[_Seen]:
    boots, latest = data.current_boots(), data.latest()
    complete = {found.node: found for found in data.completeness()}
    found = []
    for node in village.nodes.values():
        boot, counts = boots.get(node.id), complete.get(node.id)
        battery, config = latest.get((node.id, fields.BATTERY, 0)), latest.get((node.id, fields.CONFIG, 0))
        ago_ms = None if boot is None else now_ms - heard_at_ms(boot, clock)
        silent = ago_ms is None or ago_ms > max(STALE_MS, node.away_ms)
        share = counts.received / counts.expected if counts and counts.expected else 1.0
        gaps = data.gaps(node.id, MAX_GAPS) if share < 1 else []
        wakes = ""
        if node.send_s and ago_ms is not None and not silent:
            wakes = f"{vietnam_time(now_ms - ago_ms + node.send_s * 1000):%H:%M}"
        rank = SILENT if silent else LACKS if gaps else SLEEPS if wakes else WELL
        missing = sum(gap.last_seq - gap.first_seq + 1 for gap in gaps)
        found.append(_Seen(node, rank, ago_ms, _millivolts(battery), share, len(gaps), missing,
                           config is not None and bool(config.raw), wakes))  # fmt: skip
    return found


def _silence(one: _Seen) -> tuple[str, str]:
    node = one.node
    if one.ago_ms is None:
        return f"hộp {node.id} ({node.name}) chưa gửi gì lần nào", f"node {node.id} ({node.name}) was never heard"
    ago = Ago.of(one.ago_ms)
    return (
        f"hộp {node.id} ({node.name}) im tiếng, nghe lần cuối {ago.vi} trước",
        f"node {node.id} ({node.name}) is silent, last heard {ago.en} ago",
    )


def _faults(data: DataReader, report: Report, now_ms: int) -> None:
    found = []
    for fault in data.faults():
        since, what = Ago.of(now_ms - fault.measured_ms), fields.FAULT_NAMES[fault.fault]
        place = f"{fault.node} {fields.field(fault.field).name}/{fault.channel}"
        said = faults.SENTENCES.get(fault.fault, f"mã {fault.fault}.")
        found.append((f"{place}: {said} ({since.vi} trước)", f"node {place}: {what} ({fault.fault}), {since.en} ago"))
    report.problems_of(found)


def _quarantine(data: DataReader, report: Report, now_ms: int) -> None:
    rows = data.quarantine_reasons()
    recent = ", ".join(reason for reason, _, last_ms in rows if last_ms > now_ms - DAY_MS)
    if recent:
        report.problem(f"24 giờ qua có số liệu hỏng, để riêng: {recent}", f"quarantined in the last 24 h: {recent}")
    kept = ", ".join(f"{reason} {n}" for reason, n, _ in rows)
    report.line(f"số liệu hỏng để riêng: {kept or 'không có'}", f"quarantine: {kept or 'empty'}")
    counters = ", ".join(f"{name} {n}" for name, n in data.counters().items())
    if counters:
        report.line(f"đã đếm: {counters}", "counters")


def _quality(data: DataReader, report: Report, now_ms: int) -> None:
    """Which sensors failed tests of quality in the last day; a problem are those whose newest reading is doubted."""
    counts: Counter[str] = Counter()
    latest, found = data.latest(), []
    for failed in data.failed_since(now_ms - DAY_MS):
        name = f"{failed.node} {fields.field(failed.field).name}/{failed.channel}"
        newest = latest.get((failed.node, failed.field, failed.channel))
        if name not in counts and newest is not None and newest.flag >= fields.SUSPECT:
            tests = names_of(failed.tests)
            vi = ", ".join(TESTS_VI[test] for test in tests)
            found.append((f"máy đo {name}: số đo {vi}", f"sensor {name}: its readings failed {'+'.join(tests)}"))
        counts[name] += 1
    report.problems_of(found)
    doubted = ", ".join(f"{name} {n}" for name, n in counts.most_common(MAX_LINES))
    report.line(f"số đo bị ngờ trong 24 giờ: {doubted or 'không có'}", f"quality: {doubted or 'good'}")


def _millivolts(battery: Latest | None) -> int | None:
    return None if battery is None else battery.value


def _volts(millivolts: int | None) -> str:
    return "-" if millivolts is None else f"{millivolts / 1000:.2f} V".replace(".", ",")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %".replace(".", ",")
