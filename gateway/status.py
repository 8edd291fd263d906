"""``python -m gateway status``: how the gateway is, on one screen, for the technician who was called.

Rules
1. It only reads, so it may be run at any time; a database that cannot be read is a line, never the end.
2. What is wrong comes first and decides the exit code: 0 when there is nothing, 1 when there is something.
3. Of long lists the worst come first and MAX_LINES are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway import in_force, updates_told
from gateway.core.quality import names_of
from gateway.core.types import DAY_MS, HOUR_MS
from gateway.core.village import Village
from gateway.home import Home
from gateway.store.common import Reader, StoreError, owner_of
from gateway.store.control import ControlReader
from gateway.store.data import DataReader
from gateway.store.update import UpdateReader
from gateway.store.uplink import UplinkReader
from gateway.store.village import VillageReader
from gateway.translate import heard_at_ms
from kit.clock import Clock, stretch_ms, vietnam_time
from pages.view import STALE_MS
from wire import fields

MAX_LINES = 12
MAX_GAPS = 100
LEAST_COMPLETE = 0.99
MAX_LAG_ROWS = 2_000  # more than one batch of the uplink
CONTROL_LATE_MS = 120_000

R = TypeVar("R", bound=Reader)


@dataclass
class Report:
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        head = ["HEALTHY"] if not self.problems else ["NOT HEALTHY", *(f"  ! {line}" for line in self.problems)]
        return "\n".join([*head, *self.lines])


def status(home: Home, clock: Clock) -> Report:
    """The report on a home. Raises RegistryError when there is no registry."""
    (village, refused, _), report, now_ms = in_force.load(home), Report(), clock.now_ms()
    if refused:
        report.problems.append(f"village.toml is refused, the plan stays as it was: {refused}")
    elif in_force.is_edited(home):
        report.lines.append("village.toml was edited: it takes effect when the gateway is started again")
    report.problems += [remark.english for remark in in_force.remarks(village, now_ms)]
    with ExitStack() as stack:

        def opened(path: Path, reader: Callable[[Path], R]) -> R | None:
            try:
                found = reader(path)
            except StoreError as error:
                report.problems.append(str(error))
                return None
            stack.callback(found.close)
            return found

        data, control = opened(home.data, DataReader), opened(home.control, ControlReader)
        uplink, people = opened(home.uplink, UplinkReader), opened(home.village, VillageReader)
        programs = opened(home.update, UpdateReader)
        _processes(home, village, report)
        if data is not None:
            _nodes(village, data, report, clock, now_ms)
            _faults(data, report, now_ms)
            _quarantine(data, report, now_ms)
            _quality(data, report, now_ms)
        if control is not None:
            _control(village, control, report, now_ms, stretch_ms(clock, CONTROL_LATE_MS, 10_000))
        if data is not None and uplink is not None:
            _uplink(village, data, uplink, report)
        if programs is not None:
            told, wrong = updates_told.lines(village, programs, now_ms)
            report.lines += told
            report.problems += wrong
        if people is not None:
            report.lines.append(f"people: {len(people.users())} may log in")
    return report


def _processes(home: Home, village: Village, report: Report) -> None:
    writers = {
        "ingest": home.data, "control": home.control, "web": home.village, "uplink": home.uplink, "update": home.update,
    }  # fmt: skip
    shown = []
    for name, path in writers.items():
        owner = owner_of(path)
        shown.append(f"{name} {'process ' + str(owner) if owner else 'NOT RUNNING'}")
        if owner is None and (name != "uplink" or village.cloud is not None):
            report.problems.append(f"{name} does not run: start `python -m gateway run`")
    report.lines.append("processes: " + " · ".join(shown))


def _nodes(village: Village, data: DataReader, report: Report, clock: Clock, now_ms: int) -> None:
    boots, latest = data.current_boots(), data.latest()
    complete = {found.node: found for found in data.completeness()}
    rows: list[tuple[int, str]] = []
    for node in village.nodes.values():
        boot, battery, counts = boots.get(node.id), latest.get((node.id, fields.BATTERY, 0)), complete.get(node.id)
        ago_ms = None if boot is None else now_ms - heard_at_ms(boot, clock)
        seen = "never" if ago_ms is None else _ago(ago_ms)
        silent = ago_ms is None or ago_ms > max(STALE_MS, node.away_ms)
        if silent:
            when = seen if ago_ms is None else f"{seen} ago"
            report.problems.append(f"node {node.id} ({node.name}) is silent, last heard {when}")
        share = counts.received / counts.expected if counts and counts.expected else 1.0
        gaps = data.gaps(node.id, MAX_GAPS) if share < 1 else []
        missing = sum(gap.last_seq - gap.first_seq + 1 for gap in gaps)
        if share < LEAST_COMPLETE:
            report.problems.append(f"node {node.id}: {missing} readings are missing in {len(gaps)} gaps")
        volts = "-" if battery is None or battery.value is None else f"{battery.value / 1000:.2f} V"
        line = f"  {node.id:<16.16} {seen:>7} {volts:>8} {100 * share:7.2f} % {len(gaps):>4} gaps, {missing} missing"
        told = latest.get((node.id, fields.CONFIG, 0))
        if told is not None and told.raw:
            report.problems.append(f"node {node.id} ({node.name}) refused its new config, lives by the last")
        if node.send_s and ago_ms is not None and not silent:
            line += f", asleep until {vietnam_time(now_ms - ago_ms + node.send_s * 1000):%H:%M}"
        rows.append((0 if silent else 1 if gaps else 2, line))
    report.lines.append(f"nodes: {len(rows)}   (last heard, battery, completeness, gaps)")
    report.lines += _some([line for _, line in sorted(rows, key=lambda row: row[0])])


def _faults(data: DataReader, report: Report, now_ms: int) -> None:
    for fault in data.faults():
        what, since = fields.FAULT_NAMES[fault.fault], _ago(now_ms - fault.measured_ms)
        name = fields.field(fault.field).name
        report.problems.append(f"node {fault.node} {name}/{fault.channel}: {what} ({fault.fault}), {since} ago")


def _quarantine(data: DataReader, report: Report, now_ms: int) -> None:
    rows = data.quarantine_reasons()
    recent = [reason for reason, _, last_ms in rows if last_ms > now_ms - DAY_MS]
    if recent:
        report.problems.append("quarantined in the last 24 h: " + ", ".join(recent))
    report.lines.append("quarantine: " + (", ".join(f"{reason} {n}" for reason, n, _ in rows) or "empty"))
    counters = data.counters()
    report.lines.append("counters: " + (", ".join(f"{name} {n}" for name, n in counters.items()) or "none"))


def _quality(data: DataReader, report: Report, now_ms: int) -> None:
    """Which sensors failed tests of quality in the last day; a problem are those whose newest reading is doubted."""
    counts: Counter[str] = Counter()
    latest = data.latest()
    for found in data.failed_since(now_ms - DAY_MS):
        name = f"{found.node} {fields.field(found.field).name}/{found.channel}"
        newest = latest.get((found.node, found.field, found.channel))
        if name not in counts and newest is not None and newest.flag >= fields.SUSPECT:
            report.problems.append(f"sensor {name}: its readings failed {'+'.join(names_of(found.tests))}")
        counts[name] += 1
    report.lines.append("quality: " + (", ".join(f"{name} {n}" for name, n in counts.most_common(MAX_LINES)) or "good"))


def _control(village: Village, control: ControlReader, report: Report, now_ms: int, late_ms: int) -> None:
    kept = control.state()
    if kept is None:
        report.problems.append("the irrigation has not begun")
    else:
        report.lines.append(f"irrigation: decided {_ago(now_ms - kept.at_ms)} ago")
        if now_ms - kept.at_ms > late_ms:
            report.problems.append(f"the irrigation has decided nothing for {_ago(now_ms - kept.at_ms)}")
    report.lines.append(_guards(village))
    for alarm in control.alarms(now_ms):
        if alarm.until_ms is None:
            name = village.nodes[alarm.node].name if alarm.node in village.nodes else "?"
            since = _ago(now_ms - alarm.since_ms)
            report.problems.append(f"alarm {alarm.code}: node {alarm.node} ({name}) output {alarm.output}, for {since}")


def _guards(village: Village) -> str:
    """Which pumps are guarded by a flow meter: the others have nobody who sees a burst, a leak or a dry run."""
    used = sorted({zone.pump for zone in village.zones.values()}, key=lambda ref: (ref.node, ref.output))
    metered = {ref for ref, pump in village.pumps.items() if pump.meter}
    bare = [f"{ref.node}/{ref.output}" for ref in used if ref not in metered]
    told = f"; nothing guards {', '.join(bare)} against burst, leak and dry run" if bare else ""
    return f"flow meters: {len(used) - len(bare)} of {len(used)} pumps{told}"


def _uplink(village: Village, data: DataReader, uplink: UplinkReader, report: Report) -> None:
    cursor = uplink.cursors().get("readings", 0)
    ahead = sum(last - first + 1 for first, last in uplink.ahead())
    lag, aside = max(0, data.last_id() - cursor - ahead), uplink.aside()
    where = "" if village.cloud else " (no cloud is set up)"
    report.lines.append(f"uplink{where}: {lag} readings wait, {len(aside)} set aside")
    if village.cloud and lag > MAX_LAG_ROWS:
        report.problems.append(f"the cloud lacks {lag} readings")
    if aside:
        number, why = next(reversed(aside.items()))
        report.problems.append(f"the cloud could not read {len(aside)} readings; the last is row {number}: {why}")


def _some(lines: list[str]) -> Iterator[str]:
    yield from lines[:MAX_LINES]
    if len(lines) > MAX_LINES:
        yield f"  and {len(lines) - MAX_LINES} more"


def _ago(ms: int) -> str:
    if ms < 2 * 60_000:
        return f"{max(0, ms) // 1000} s"
    if ms < 2 * HOUR_MS:
        return f"{ms // 60_000} min"
    return f"{ms // HOUR_MS} h" if ms < 2 * DAY_MS else f"{ms // DAY_MS} days"
