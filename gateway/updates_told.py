"""What people should know of the nodes' programs: alerts of what came back, and lines for the technician.

Rules
1. One alert for a release, from the first node that failed, until a person lets it go on or gives another one. A node
   in rescue, which does not measure, is an alert of its own until it reports anything else.
2. Lines for the technician are Vietnamese first, then English. Of a node they say what runs, from where, on what, and
   by what it last failed; the worst come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gateway.core.rollout import Phase, Rollout, Standing, stage
from gateway.core.village import Village
from gateway.store.update import NodeReport, UpdateReader
from gateway.update_state import BY_HAND, parsed
from pages import view
from pages.i18n import DEFAULT, language
from wire import updates

MAX_NODES = 12
WHY = {
    updates.CRASHED: "chương trình bị lỗi",
    updates.BUSY: "đang tưới, hoặc đang thử bản khác",
    updates.OLDER: "cũ hơn bản đã chạy tốt",
    updates.OTHER_HARDWARE: "không dành cho máy này",
    updates.BAD_SIGNATURE: "sai chữ ký",
    updates.BAD_MANIFEST: "bảng kê hỏng",
    updates.OLD_INTERPRETER: "MicroPython trên máy cũ quá",
    updates.OLD_FIRMWARE: "chương trình trên máy cũ quá",
    updates.BAD_FILE: "tệp hỏng",
    updates.NO_SPACE: "không đủ chỗ",
    updates.SAME: "đang chạy bản này rồi",
    updates.NO_KEY: "máy chưa có khóa công khai",
    updates.NO_ANSWER: "trạm không trả lời",
    updates.NO_PARTITION: "chip không có ngăn thứ hai cho MicroPython, phải nạp bằng cáp",
    updates.WITHDRAWN: "bản này đã ngưng phát hành",
    updates.ROLLED_BACK: "đã chạy lại bản trước",
    updates.BAD_SLOT: "chương trình hỏng, đã chạy lại bản trước",
    updates.RESCUE: "cứu hộ",
}
_VIETNAMESE = language(DEFAULT)
_SLOTS = {updates.SLOT_NONE: "-", updates.SLOT_A: "a", updates.SLOT_B: "b", updates.SLOT_RESCUE: "rescue"}
_STATES = {
    updates.STATE_GOOD: "tốt/good", updates.STATE_TRIAL: "đang thử/on trial",
    updates.STATE_LAST: "bản trước/previous", updates.STATE_RESCUE: "CỨU HỘ/RESCUE",
}  # fmt: skip
_STANDING = {Standing.RUNNING: "đang phát hành / going out", Standing.STOPPED: "ĐÃ NGƯNG / STOPPED",
             Standing.DONE: "xong / done"}  # fmt: skip


def alerts(village: Village, reader: UpdateReader) -> Iterator[view.Alert]:
    """Alerts for the page. Raises StoreError."""
    rollout = parsed(reader.rollout())[0]
    failed = [] if rollout is None else [n for n, p in rollout.nodes.items() if p.phase is Phase.FAILED]
    if rollout is not None and rollout.standing is Standing.STOPPED and failed:
        name = _name(village, sorted(failed)[0])
        yield _alert("update", "{name} cập nhật không xong, máy đã chạy lại bản cũ. Nhắn kỹ thuật hội quán.", name)
    for node, report in sorted(reader.reports().items()):
        if report.status == updates.RESCUE:
            yield _alert("rescue", "{name} bị hư chương trình, tạm ngưng đo và tưới. Gọi kỹ thuật hội quán.",
                         _name(village, node))  # fmt: skip


def lines(village: Village, reader: UpdateReader, now_ms: int, *, every: bool = True) -> tuple[list[str], list[str]]:
    """(lines, problems) for the technician: of ``every`` node, or only of those that are not well and never failed.
    Raises StoreError."""
    rollout = parsed(reader.rollout())[0]
    reports, failures = reader.reports(), reader.failures()
    shown, problems = [], []
    if rollout is None:
        shown.append("bản cập nhật / updates: chưa có / none was given out")
    else:
        shown.append(_rollout_line(rollout))
        if rollout.standing is Standing.STOPPED and rollout.why != BY_HAND:
            problems.append(
                f"bản {rollout.version} đã ngưng phát hành / release {rollout.version} was stopped: {rollout.why}"
            )
    rows = []
    for node, report in reports.items():
        rows.append((report.state == updates.STATE_GOOD, node, _node_line(report, failures.get(node), now_ms)))
        if report.state == updates.STATE_RESCUE:
            problems.append(
                f"{node} ({_name(village, node)}) chỉ còn chế độ cứu hộ / is in rescue: {report.text or '-'}"
            )
    told = [row for row in sorted(rows) if every or not row[0] or row[1] in failures]
    if len(told) < len(rows):
        shown.append(_well([report for node, report in reports.items() if node not in {row[1] for row in told}]))
    shown += [line for _, _, line in told[:MAX_NODES]]
    if len(told) > MAX_NODES:
        shown.append(f"  và {len(told) - MAX_NODES} máy nữa / and {len(told) - MAX_NODES} more")
    return shown, problems


def _well(reports: Sequence[NodeReport]) -> str:
    """Those that run well, by what they run."""
    versions = ", ".join(f"{n} × {version}" for version, n in sorted(Counter(r.firmware for r in reports).items()))
    return f"chương trình chạy tốt / programs that run well: {versions}"


def _rollout_line(rollout: Rollout) -> str:
    phases = [progress.phase for progress in rollout.nodes.values()]
    counts = ", ".join(f"{phases.count(phase)} {phase}" for phase in Phase if phase in phases)
    return (
        f"bản cập nhật / updates: {rollout.version} ({rollout.release[:8]}) {_STANDING[rollout.standing]}, "
        f"bước / stage {stage(rollout)} của / of 3: {counts}"
    )


def _node_line(report: NodeReport, failure: NodeReport | None, now_ms: int) -> str:
    line = (
        f"  {report.node:<16.16} {report.firmware:<9} {_SLOTS.get(report.slot, '?'):<6} "
        f"{_STATES.get(report.state, '?')}, {report.hardware} MicroPython {report.interpreter}"
    )
    if failure is not None:
        hours = max(0, now_ms - failure.at_ms) // 3_600_000
        said = f" ({failure.text})" if failure.text else ""
        why = WHY.get(failure.status, f"mã {failure.status}")
        line += f"; hỏng gần nhất: {why} / last failure {hours} h: {updates.status_name(failure.status)}{said}"
    return line


def _name(village: Village, node: str) -> str:
    return village.nodes[node].name if node in village.nodes else node


def _alert(code: str, sentence: str, name: str) -> view.Alert:
    return view.Alert(code, "warning", _VIETNAMESE.say(sentence, name=name))
