"""What a node's fault codes are in words, and where a person sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import registry
from gateway.alerts import alerts_of
from gateway.core import faults
from gateway.core.boots import Arrival, Boots
from gateway.core.faults import Fault
from gateway.core.ingest import Judge
from gateway.core.state import State
from gateway.store.data import Batch, DataReader, DataWriter
from kit.clock import ManualClock
from pages.i18n import language
from pages.view import STALE_MS
from tests.support.seeded import village_toml
from wire import fields, frames, topics
from wire.seal import Sealer

EN, VI = language("en"), language("vi")
NOW_MS = 1_709_259_000_000


def test_every_fault_has_a_sentence_and_its_english() -> None:
    assert set(faults.SENTENCES) == set(range(1, fields.FAULT_LAST + 1))
    for sentence in faults.SENTENCES.values():
        assert EN.say_again(sentence) != sentence
    for lead in faults.LEADS:
        said = VI.say(lead, name="Máy đo", n="2")
        assert "{" not in said and EN.say_again(said) != said


@pytest.mark.parametrize("field", fields.FIELDS, ids=lambda f: f.name)
def test_any_field_can_be_told(field: fields.Field) -> None:
    (said,) = faults.told([Fault("n", field.id, 1, 5, fields.FAULT_GARBAGE)])
    assert said.lead in faults.LEADS and said.n == 2 and said.level == "warning"


def test_a_dead_probe_is_one_line_and_the_worst_comes_first() -> None:
    probe = [Fault("soil-1", f, 0, 5, fields.FAULT_NO_ANSWER) for f in (fields.SOIL_MOISTURE, fields.SOIL_TEMPERATURE)]
    pump = Fault("pump-1", fields.OUTPUT, 0, 5, fields.FAULT_DRY_RUN)
    button = Fault("pump-1", fields.OUTPUT, 1, 5, fields.FAULT_BY_BUTTON)
    found = list(faults.told([button, *probe, pump, Fault("soil-1", 1, 0, 5, 200)]))
    assert [(one.node, one.fault, one.level, one.n) for one in found] == [
        ("pump-1", fields.FAULT_DRY_RUN, "danger", 1),
        ("soil-1", fields.FAULT_NO_ANSWER, "warning", 2),
        ("pump-1", fields.FAULT_BY_BUTTON, "info", 2),
    ]
    assert VI.say(found[1].lead, name="Máy đất", n="2") == "Máy đất, 2 đầu đo: có lỗi."


def test_a_fault_goes_from_the_frame_to_the_page_and_ends_with_a_good_reading(tmp_path: Path) -> None:
    village = registry.parse(village_toml())
    node = next(n for n in village.nodes.values() if any(s.field == fields.SOIL_MOISTURE for s in n.sensors))
    sealer = Sealer(bytes(32))
    topic = topics.topic(village.id, node.id, topics.UP, topics.READINGS)
    judge, boots = Judge(village, dict.fromkeys(village.nodes, bytes(32))), Boots()

    def receive(seq: int, quality: int, fault: int) -> None:
        record = frames.pack_record((seq, 1_000 * seq, fields.SOIL_MOISTURE, 0, quality, fault, 1_500_000))
        frame = frames.encode_readings(0x10001, 1_000 * seq, NOW_MS, fields.CLOCK_GATEWAY, record)
        arrival = Arrival(NOW_MS + 1_000 * seq, 1_000 * seq, 1, True)
        verdict = judge.judge(topic, sealer.seal(topic, frame), arrival, boots)
        assert len(verdict.readings) == 1 and not verdict.quarantine
        writer.commit(Batch(readings=verdict.readings, faults=verdict.faults))

    def shown(now_ms: int = NOW_MS + 5_000) -> list[str]:
        found = alerts_of(village, reader, None, State(), (), ManualClock(now_ms), now_ms)
        return [alert.text for alert in found if alert.code.startswith("fault_")]

    with DataWriter(tmp_path / "data.db") as writer, DataReader(tmp_path / "data.db") as reader:
        receive(1, fields.GOOD, fields.FAULT_NONE)
        assert shown() == []
        receive(2, fields.MISSING, fields.FAULT_BROKEN_WIRE)
        assert shown() == [f"{node.name}, số 1: lỗi đo ẩm đất. Dây bị đứt hay lỏng: coi lại đầu nối."]
        english = EN.say_again(shown()[0])
        assert english.endswith("no. 1: soil moisture fails. A wire is broken or loose: check the plugs.")
        assert shown(NOW_MS + 10_000 + STALE_MS) == [], "what is old is told by its silence"
        receive(3, fields.GOOD, fields.FAULT_NONE)
        assert shown() == [] and reader.faults() == []
