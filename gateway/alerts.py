"""What a person should know now, in one line each: the strip at the top of the page.

Rules
1. The worst comes first, and each thing is said once: a cabinet with three silent valves is one line.
2. An alarm of the irrigation is shown from its first moment until RECENT_MS after its end, because a valve that opened
   by itself for two seconds is news as well. The words of an alarm are those of its rule (``reasons``).
3. What is old is no alert: a source that was not measured lately is told by its silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gateway.core import faults
from gateway.core.reasons import VIETNAMESE
from gateway.core.rules import Rule
from gateway.core.state import Phase, State
from gateway.core.types import DAY_MS, HOUR_MS
from gateway.core.village import Village
from gateway.store import faults as store_faults
from gateway.store.control import Alarm, ControlReader
from gateway.store.data import DataReader
from gateway.translate import heard_at_ms
from kit.clock import Clock
from pages import view
from pages.i18n import DEFAULT, language
from wire import fields

RECENT_MS = HOUR_MS
WRONG_MS = HOUR_MS // 2  # a probe that is wrong for longer is told
# What a meter has seen: the output is locked, and this is where to look.
LOCKED: Mapping[Rule, str] = {
    Rule.DRY_RUN: "{name}: bơm chạy khô hai lần, đã khóa. Coi ống hút, lú lọc rồi bấm MỞ KHÓA.",
    Rule.FLOW_NONE: "{name}: mở van mà không ra nước, đã khóa. Coi van, đường ống rồi bấm MỞ KHÓA.",
    Rule.FLOW_BURST: "{name}: nước ra quá nhiều, đã khóa van. Coi bể ống rồi bấm MỞ KHÓA.",
    Rule.LEAK: "{name}: đã tắt mà nước còn chảy, đã khóa. Coi chỗ rỉ rồi bấm MỞ KHÓA.",
}
DOUBTED = "{name}: tưới nhiều mà máy đo vẫn báo khô. Máy đo sai hoặc ống bể, nhờ thợ coi rồi bấm ĐÃ COI."
WRONG = "{garden}: {n} máy đo đất đo sai ({names}), hệ thống không dùng số đó. Ra coi máy đo."
MAX_NAMED = 3
_VIETNAMESE = language(DEFAULT)


def alerts_of(
    village: Village,
    data: DataReader | None,
    control: ControlReader | None,
    state: State,
    sources: Sequence[view.Source],
    clock: Clock,
    now_ms: int,
) -> tuple[view.Alert, ...]:
    """All alerts of a village. Raises StoreError."""
    alarms = control.alarms(now_ms - RECENT_MS) if control is not None else []
    found = [
        *_outputs(village, state, alarms),
        *_sources(sources, now_ms),
        *_canals(village, data, state, now_ms),
        *_faults(village, data, now_ms),
        *_wrong(village, data, now_ms),
        *_doubted(village, state),
        *_silent(village, data, clock, now_ms),
        *_quarantined(data, now_ms),
    ]
    return tuple(found[: view.MAX_ALERTS])


def no_data() -> view.Alert:
    """The one alert of a village whose databases cannot be read."""
    return _alert("store", "danger", "Không đọc được số liệu của làng. Gọi kỹ thuật hội quán.")


def alarm_sentence(rule: Rule) -> str:
    """The sentence of an alarm behind the name of its cabinet."""
    words = VIETNAMESE[rule]
    return "{name}: " + words[:1].lower() + words[1:]


def _outputs(village: Village, state: State, alarms: Sequence[Alarm]) -> Iterator[view.Alert]:
    """Outputs that do not obey now, then those that were on by themselves, then those that obey again."""
    deaf = {
        key.rpartition("/")[0]
        for key, output in state.outputs.items()
        if output.phase in (Phase.UNKNOWN, Phase.QUARANTINED)
    }
    strange = [alarm for alarm in alarms if alarm.code == Rule.OUTPUT_STRANGE]
    on_now = {alarm.node for alarm in strange if alarm.until_ms is None}
    for node in sorted(deaf):
        yield _of_node(village, node, "output", "danger", "{name}: van hay máy bơm không nghe lệnh. Ra coi tại chỗ.")
    for node in sorted({alarm.node for alarm in strange}):
        level: view.AlertLevel = "danger" if node in on_now else "warning"
        yield _of_node(village, node, "strange", level, alarm_sentence(Rule.OUTPUT_STRANGE))
    for key, lock in state.locks.items():
        yield _of_node(village, key.rpartition("/")[0], "locked", "danger", LOCKED[lock.rule])
    back = {alarm.node for alarm in alarms if alarm.code == Rule.NO_ANSWER and alarm.until_ms is not None}
    for node in sorted(back - deaf):
        yield _of_node(village, node, "back", "info", alarm_sentence(Rule.OUTPUT_BACK))


def _of_node(village: Village, node: str, code: str, level: view.AlertLevel, sentence: str) -> view.Alert:
    name = village.nodes[node].name if node in village.nodes else node
    return _alert(code, level, sentence, name=name)


def _sources(sources: Sequence[view.Source], now_ms: int) -> Iterator[view.Alert]:
    for source in sources:
        if view.is_stale(source.measured_ms, now_ms):
            continue
        if source.state == "salt":
            yield _alert(
                "salt",
                "danger",
                "{name}: {place} đang mặn. Đang ngưng lấy nước.",
                name=source.name,
                place=source.salt_place,
            )
        elif source.state == "low":
            yield _alert("low", "warning", "{name} đang cạn. Đang ngưng lấy nước.", name=source.name)


def _canals(village: Village, data: DataReader | None, state: State, now_ms: int) -> Iterator[view.Alert]:
    """Canals that are salt now: their ditches are not filled, and live on what they have."""
    latest = data.latest() if data is not None else {}
    for source in village.sources.values():
        memory = state.sources.get(f"{source.id}/canal")
        if source.fill is None or memory is None or not memory.salt:
            continue
        seen = [latest.get((ref.node, fields.CONDUCTIVITY_25, ref.channel)) for ref in source.fill.conductivity]
        if any(found is not None and not view.is_stale(found.measured_ms, now_ms) for found in seen):
            yield _alert(
                "canal_salt",
                "warning",
                "{name} đang mặn. Chưa lấy nước vô {ditch}.",
                name=source.fill.name,
                ditch=source.name[:1].lower() + source.name[1:],
            )


def _faults(village: Village, data: DataReader | None, now_ms: int) -> Iterator[view.Alert]:
    """What nodes say of their own sensors and outputs, while it is news."""
    present = data.faults() if data is not None else []
    for told in faults.told(fault for fault in present if not view.is_stale(fault.measured_ms, now_ms)):
        name = village.nodes[told.node].name if told.node in village.nodes else told.node
        lead = _VIETNAMESE.say(told.lead, name=name, n=str(told.n))
        yield view.Alert(f"fault_{told.fault}", told.level, f"{lead} {told.sentence}")


def _doubted(village: Village, state: State) -> Iterator[view.Alert]:
    """Gardens whose probes stay dry though enough was given: probes that lie and a pipe that leaks look the same."""
    for zone in village.zones.values():
        known = state.zones[zone.id].known if zone.id in state.zones else None
        if known is not None and known.doubt is not None:
            yield _alert("doubt", "warning", DOUBTED, name=zone.name)


def _wrong(village: Village, data: DataReader | None, now_ms: int) -> Iterator[view.Alert]:
    """Gardens with a probe whose readings cannot be right, for longer than a spike lasts. What its node says itself of
    its sensors is told already."""
    if data is None:
        return
    own = {(fault.node, fault.field, fault.channel) for fault in data.faults()}
    wrong = set(store_faults.doubted(data, now_ms - WRONG_MS)) - own
    for zone in village.zones.values() if wrong else ():
        found = [ref for ref in zone.probes if (ref.node, fields.SOIL_MOISTURE, ref.channel) in wrong]
        if found:
            names = ", ".join(sorted({village.nodes[ref.node].name for ref in found}))
            yield _alert("wrong", "warning", WRONG, garden=zone.name, n=str(len(found)), names=names)


def _silent(village: Village, data: DataReader | None, clock: Clock, now_ms: int) -> Iterator[view.Alert]:
    """The nodes that were not heard lately, while others could be heard."""
    boots = data.current_boots() if data is not None else {}
    heard_ms = {node: heard_at_ms(boot, clock) for node, boot in boots.items()}
    if not heard_ms:
        return
    silent = [
        node.name
        for node in village.nodes.values()
        # One that sleeps is away longer, and that is as it should be.
        if view.is_stale(heard_ms.get(node.id), now_ms) and now_ms - heard_ms.get(node.id, 0) > node.away_ms
    ]
    names, others = ", ".join(silent[:MAX_NAMED]), len(silent) - MAX_NAMED
    if others > 0:
        yield _alert("silent", "warning", "Mất sóng: {names} và {others} máy nữa.", names=names, others=str(others))
    elif silent:
        yield _alert("silent", "warning", "Mất sóng: {names}.", names=names)


def _quarantined(data: DataReader | None, now_ms: int) -> Iterator[view.Alert]:
    at_ms = data.quarantined_at_ms() if data is not None else None
    if at_ms is not None and now_ms - at_ms < DAY_MS:
        yield _alert("quarantine", "info", "Hôm nay có số liệu không dùng được. Nhắn kỹ thuật hội quán.")


def _alert(code: str, level: view.AlertLevel, sentence: str, **values: str) -> view.Alert:
    return view.Alert(code, level, _VIETNAMESE.say(sentence, **values))
