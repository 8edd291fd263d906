"""Nodes that sleep: which the registry allows, what they are told, and when they count as silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway import refusals, registry, settings
from gateway import status as status_module
from gateway.core.rows import Boot
from gateway.home import Home
from gateway.provision import provision
from gateway.store.data import Batch, DataWriter
from kit.clock import ManualClock
from tests.support import village
from wire import fields

NOW_MS = 1_790_000_000_000
MINUTE_MS = 60_000

SLEEPS = village.TEXT.replace("sample_s = 300", "sample_s = 300\nsend_s = 900", 1)


def test_a_probe_that_sleeps_may_be_as_much_older() -> None:
    found = registry.parse(SLEEPS)
    node = found.nodes["dat-1"]
    assert node.send_s == 900 and node.away_ms == 2_100_000 and node.told_s(fields.SOIL_MOISTURE, 0) == 1_200
    zone = settings.settings_of(found, ManualClock(0)).zones[0]
    assert zone.probe_max_age_ms == (2 * 300 + 900 + 60) * 1000


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("sample_s = 300", "sample_s = 300\nsend_s = 120", "must be at least sample_s (300)"),
        ("sample_s = 300", "sample_s = 300\nsend_s = 1500", "send_s of dat-1 may be 1440 at most for a garden"),
        ("sample_s = 300", "sample_s = 300\nsend_s = 9", "must be a whole number in 60..3600"),
    ],
)
def test_a_node_that_may_not_sleep_so_long_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(registry.RegistryError) as caught:
        registry.parse(village.TEXT.replace(old, new, 1))
    assert why in str(caught.value)


def test_who_counts_pulses_does_not_sleep() -> None:
    head, tail = SLEEPS.split("send_s = 900\n", 1)
    own, rest = tail.split("[[node]]", 1)
    text = f'{head}send_s = 900\n{own}[[node.sensor]]\nfield = "rain"\nchannel = 0\n\n[[node]]{rest}'
    with pytest.raises(registry.RegistryError) as caught:
        registry.parse(text)
    assert "who sleeps counts nothing" in str(caught.value)
    assert refusals.is_known("must be left out where the node has rain or flow: who sleeps counts nothing")


def test_who_moves_water_or_guards_a_pump_does_not_sleep() -> None:
    for node in ("van-1", "kinh-1"):
        head, tail = village.TEXT.split(f'id = "{node}"', 1)
        text = head + f'id = "{node}"' + tail.replace("sample_s =", "send_s = 900\nsample_s =", 1)
        with pytest.raises(registry.RegistryError):
            registry.parse(text)
    assert refusals.is_known("must be left out where the node has outputs or a via: who sleeps ends nothing")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.registry.write_text(SLEEPS, encoding="utf-8")
    provision(home)
    return home


def test_it_is_told_to_sleep(home: Home) -> None:
    config = json.loads((home.nodes / "dat-1.json").read_bytes())
    assert (config["life"], config["send_s"]) == ("wake", 900)
    assert "life" not in json.loads((home.nodes / "van-1.json").read_bytes())


@pytest.mark.parametrize(("minutes", "silent"), [(5, False), (34, False), (36, True)])
def test_who_sleeps_is_not_silent_until_it_failed_to_send_twice(
    home: Home, monkeypatch: pytest.MonkeyPatch, minutes: int, silent: bool
) -> None:
    monkeypatch.setattr(status_module, "owner_of", lambda _: 1)
    heard = Boot("dat-1", 1, b"12345678", 0, 0, NOW_MS - minutes * MINUTE_MS, 9, "1", "soil", 1, 0)
    with DataWriter(home.data) as writer:
        writer.commit(Batch(boots={("dat-1", 1): heard}))
    found = status_module.status(home, ManualClock(NOW_MS))
    assert any("dat-1" in problem and "is silent" in problem for problem in found.problems) == silent
    assert ("asleep until" in found.text) != silent
