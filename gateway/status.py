"""``python -m gateway status``: how the gateway is, on one screen, for the technician who was called.

Rules
1. It only reads, so it may be run at any time; a database that cannot be read is a line, never the end.
2. What is wrong comes first and decides the exit code: 0 when there is nothing, 1 when there is something. What is well
   is one line for each part; ``--all`` has a line for every node.
3. Vietnamese first, then English. Of long lists the worst come first and MAX_LINES are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from gateway import in_force, status_nodes, updates_told
from gateway.core.reasons import VIETNAMESE
from gateway.core.rules import Rule
from gateway.core.village import Village
from gateway.home import Home
from gateway.status_report import Ago, Report
from gateway.store.common import Reader, StoreError
from gateway.store.control import Alarm, ControlReader
from gateway.store.data import DataReader
from gateway.store.update import UpdateReader
from gateway.store.uplink import UplinkReader
from gateway.store.village import VillageReader
from kit.clock import Clock, stretch_ms
from kit.locks import owner_of

MAX_LAG_ROWS = 2_000  # more than one batch of the uplink
CONTROL_LATE_MS = 120_000
RUN = "`python -m gateway run`"

R = TypeVar("R", bound=Reader)


def status(home: Home, clock: Clock, *, every: bool = False) -> Report:
    """The report on a home. Raises RegistryError when there is no registry."""
    (village, refused, _), report, now_ms = in_force.load(home), Report(every), clock.now_ms()
    if refused:
        report.problem(
            f"sổ không dùng được, vẫn chạy theo sổ cũ: {refused.vietnamese}",
            f"village.toml is refused, the plan stays as it was: {refused}",
        )
    elif in_force.is_edited(home):
        report.line("sổ đã sửa, có hiệu lực khi khởi động lại", "village.toml was edited, in effect after a restart")
    for remark in in_force.remarks(village, now_ms):
        report.problem(f"{remark.field} = {remark.value}: {remark.vi}", remark.english)
    _processes(home, village, report)
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
        if data is not None:
            status_nodes.add(village, data, report, clock, now_ms)
        if control is not None:
            _control(village, control, report, now_ms, stretch_ms(clock, CONTROL_LATE_MS, 10_000))
        if data is not None and uplink is not None:
            _uplink(village, data, uplink, report)
        if programs is not None:
            told, wrong = updates_told.lines(village, programs, now_ms, every=every)
            report.lines += told
            report.problems += wrong
        if people is not None:
            n = len(people.users())
            report.line(f"người được vào trang: {n}", f"people: {n} may log in")
    return report


def _processes(home: Home, village: Village, report: Report) -> None:
    """Every process; ``uplink`` is not missed where there is no cloud."""
    owners = {name: owner_of(held) for name, held in home.held.items()}
    runs = [name for name, owner in owners.items() if owner is not None]
    dead = [name for name in owners if name not in runs and (name != "uplink" or village.cloud is not None)]
    if dead:
        vi, en = f"không chạy: {', '.join(dead)}; hãy chạy {RUN}", f"{', '.join(dead)}: not running, start {RUN}"
        report.problem(vi, en)
    shown = " · ".join(f"{name} {owners[name]}" for name in runs)
    report.line(f"tiến trình đang chạy: {len(runs)} trên {len(owners)}", f"processes: {shown or 'none'}")


def _control(village: Village, control: ControlReader, report: Report, now_ms: int, late_ms: int) -> None:
    kept = control.state()
    if kept is None:
        report.problem("máy chưa tưới được: chưa có quyết định nào", "the irrigation has not begun")
    else:
        ago = Ago.of(now_ms - kept.at_ms)
        report.line(f"tưới: quyết định gần nhất {ago.vi} trước", f"irrigation: decided {ago.en} ago")
        if now_ms - kept.at_ms > late_ms:
            report.problem(f"tưới: {ago.vi} rồi chưa quyết định gì", f"the irrigation has decided nothing for {ago.en}")
    _guards(village, report)
    for alarm in control.alarms(now_ms):
        if alarm.until_ms is None:
            _alarm(village, alarm, report, now_ms)


def _alarm(village: Village, alarm: Alarm, report: Report, now_ms: int) -> None:
    name = village.nodes[alarm.node].name if alarm.node in village.nodes else "?"
    since = Ago.of(now_ms - alarm.since_ms)
    rules = [rule for rule in Rule if rule == alarm.code]
    said = VIETNAMESE[rules[0]] if rules else alarm.code
    report.problem(
        f"{alarm.node} ({name}) ngõ {alarm.output}: {said} Đã {since.vi}.",
        f"alarm {alarm.code}: node {alarm.node} ({name}) output {alarm.output}, for {since.en}",
    )


def _guards(village: Village, report: Report) -> None:
    """Which pumps are guarded by a flow meter: the others have nobody who sees a burst, a leak or a dry run."""
    used = sorted({zone.pump for zone in village.zones.values()}, key=lambda ref: (ref.node, ref.output))
    metered = {ref for ref, pump in village.pumps.items() if pump.meter}
    bare = ", ".join(f"{ref.node}/{ref.output}" for ref in used if ref not in metered)
    n = sum(ref in metered for ref in used)
    vi, en = f"đồng hồ nước: {n} trên {len(used)} máy bơm", f"flow meters: {n} of {len(used)} pumps"
    if bare:
        vi += f"; bể ống, rỉ, chạy khô ở {bare} thì không ai hay"
        en += f"; nothing guards {bare} against burst, leak and dry run"
    report.line(vi, en)


def _uplink(village: Village, data: DataReader, uplink: UplinkReader, report: Report) -> None:
    cursor = uplink.cursors().get("readings", 0)
    ahead = sum(last - first + 1 for first, last in uplink.ahead())
    lag, aside = max(0, data.last_id() - cursor - ahead), uplink.aside()
    if village.cloud is None:
        report.line("gửi lên mạng: chưa cài", "uplink: no cloud is set up")
    else:
        report.line(f"gửi lên mạng: {lag} số đo đang chờ", f"uplink: {lag} readings wait, {len(aside)} set aside")
        if lag > MAX_LAG_ROWS:
            report.problem(f"còn {lag} số đo chưa gửi lên mạng", f"the cloud lacks {lag} readings")
    if aside:
        number, why = next(reversed(aside.items()))
        report.problem(
            f"{len(aside)} số đo trên mạng không đọc được; dòng sau cùng {number}: {why}",
            f"the cloud could not read {len(aside)} readings; the last is row {number}: {why}",
        )
