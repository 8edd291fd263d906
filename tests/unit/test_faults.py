"""What a node's fault codes are in words, and where a person sees them."""

from __future__ import annotations

import pytest

from gateway.core import faults
from gateway.core.faults import Fault
from pages.i18n import language
from wire import fields

EN, VI = language("en"), language("vi")


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
    assert VI.say(found[1].lead, name="Máy đất", n="2") == "Máy đất: 2 đầu đo bị lỗi."
