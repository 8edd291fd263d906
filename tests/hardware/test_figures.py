"""What the hardware costs, what it draws, and what it can stand: the goals, and that a missed one is told."""

import copy
import csv
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli import hardware as command
from hardware import circuit as circuits
from hardware import model, power
from hardware.checks import protection
from hardware.generate import costs

ROOT = Path(__file__).resolve().parents[2]
HARDWARE = model.load()
BUDGET = power.read()
with (ROOT / "hardware/bom.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
PARTS = [row for row in ROWS if row["part"] != "TOTAL"]
TOTALS = {row["node types"]: row for row in ROWS if row["part"] == "TOTAL"}


def changed(**changes: Any) -> dict[str, Any]:
    """The budget with some rows of its tables changed: ``peak={"exclusive": []}``."""
    table = copy.deepcopy(BUDGET)
    for name, row in changes.items():
        table[name] |= row
    return table


@pytest.mark.parametrize(("node", "most_usd"), [("level", 50), ("soil", 55), ("valve", 60)])
def test_a_node_costs_no_more_than_its_goal(node: str, most_usd: float) -> None:
    assert float(TOTALS[node]["USD"]) <= most_usd


def test_the_prices_sum_up_and_are_marked_as_estimates() -> None:
    for node, total in TOTALS.items():
        own = [row for row in PARTS if node in row["node types"].split()]
        assert float(total["USD"]) == pytest.approx(sum(float(row["USD"]) for row in own), abs=0.02)
    for row in ROWS:
        assert row["note"] == "estimate"
        assert int(row["kVND"]) == round(float(row["USD"]) * 26)
        assert row["part"] == "TOTAL" or row["source class"]


def test_the_list_is_what_the_netlists_have() -> None:
    for node, kind in HARDWARE.nodes.items():
        circuit = circuits.build(HARDWARE, node, model.REFERENCE_MCU)
        needed = Counter((part.part, "" if part.value == part.part else part.value) for part in circuit.parts)
        needed.update({(item, ""): count for item, count in kind.box.items()})
        listed = Counter(
            {(row["part"], row["value"]): int(row["quantity"]) for row in PARTS if node in row["node types"].split()}
        )
        assert listed == needed


def test_a_part_without_a_price_is_told() -> None:
    circuit = circuits.build(HARDWARE, "level", model.REFERENCE_MCU)
    known = {key: price for key, price in costs.prices().items() if key[0] != "TPS63802"}
    with pytest.raises(model.HardwareError, match=r"prices\.csv has no price of TPS63802"):
        costs.lines(HARDWARE, circuit, known)


def test_the_goals_of_power_are_reached() -> None:
    found = {budget.node: budget for budget in power.budgets(BUDGET)}
    assert found["level"].mah_day <= 5
    for budget in found.values():
        assert budget.days_without_sun >= (14 if budget.kind == "sensor" else 5)
        assert budget.margin >= 3
    assert {name for name, budget in found.items() if budget.kind == "actuator"} == {"valve", "relay"}
    assert command.power_findings(HARDWARE) == []


def test_a_figure_of_the_budget_by_hand() -> None:
    level = next(budget for budget in power.budgets(BUDGET) if budget.node == "level")
    wlan = next(load for load in level.loads if load.name == "wake, WLAN and MQTT")
    assert wlan.mah_day == pytest.approx(108.6e-3 * 48 / 3.6 * 3.3 / (3.2 * 0.94))
    assert level.self_discharge_mah_day == pytest.approx(6.0)


def test_goals_that_are_missed_are_told() -> None:
    assert any("level draws" in line for line in power.budget_findings(changed(goal={"level_mah_day": 4})))
    hungry = copy.deepcopy(BUDGET)
    hungry["node"]["relay"]["load"][0]["ma"] = 150
    said = power.budget_findings(hungry)
    assert any(line.startswith("relay lasts 4.0 days without sun") for line in said)
    assert any(line.startswith("the panel of relay gives 2.4 times") for line in said)


def test_a_pulse_that_is_too_weak_is_told() -> None:
    table = model.read_toml(model.PINS)
    for ref in ("C57", "C58"):
        del table["block"]["boost_valve"][ref]
    weak = circuits.build(model.parse(table), "valve", "s3")
    assert any("the pulse droops by" in line for line in power.pulse_findings(BUDGET, weak, 10))
    valve = circuits.build(HARDWARE, "valve", "s3")
    assert any("the coil has" in line for line in power.pulse_findings(BUDGET, valve, 60))
    assert any("the coil has" in line for line in power.pulse_findings(changed(pulse={"charge_ms": 500}), valve, 10))
    assert any("the bridge carries" in line for line in power.pulse_findings(changed(pulse={"coil_ohm": 4}), valve, 10))
    table = model.read_toml(model.PINS)
    table["block"]["boost_valve"]["R53"]["value"] = "10"
    steep = circuits.build(model.parse(table), "valve", "s3")
    assert any("charging starts with 960 mA" in line for line in power.pulse_findings(BUDGET, steep, 10))


def test_radio_and_valve_together_are_too_much_and_kept_apart() -> None:
    assert power.peak_findings(BUDGET) == []
    said = power.peak_findings(changed(peak={"exclusive": []}))
    assert said == ["radio and valve charge draw 2781 mA at once, and the cell gives 2000 mA"]


def test_the_command_checks_and_tells_the_budget(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["check"]) == 0
    assert capsys.readouterr().out == "hardware: 0 findings\n"
    assert command.main(["power"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["level", "4.71", "448.2", "106.4"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("TPS22918,,0.30", "TPS22918,,cheap", "prices.csv, line 25: 'cheap' is no price in USD of TPS22918"),
        ("TPS22918,,0.30", "TPS22918,,-1", "'-1' is no price in USD of TPS22918"),
        ("part,value,usd,source", "part,value,price,source", "prices.csv: the column 'usd' is missing"),
    ],
)
def test_a_price_that_is_none_names_its_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(costs.PRICES.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(model.HardwareError) as caught:
        costs.prices(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[goal]", "[gaol]", "power_budget.toml has the tables"),
        ("peak_hours = 3.8", "peak_hour = 3.8", "'peak_hours' is missing"),
        ("cell_mah = 6000", 'cell_mah = "big"', "node, level, cell_mah: 'big' is not a number above 0"),
        ("cell_v = 3.2", "cell_v = 0", "conversion, cell_v: 0 is not a number above 0"),
        ('rail = "12V"', 'rail = "13V"', "node.soil: '13V' is none of VBAT, 3V3, 12V"),
        ("[pulse]", "[pulse", "power_budget.toml: "),
    ],
)
def test_a_figure_that_is_none_names_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "power_budget.toml"
    path.write_text(power.BUDGET.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(model.HardwareError) as caught:
        power.budgets(power.read(path))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("what", ["build", "check", "power"])
def test_a_file_that_cannot_be_read_ends_the_command_with_2(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[signal", encoding="utf-8")
    monkeypatch.setattr(model, "load", lambda: model.parse(model.read_toml(broken)))
    monkeypatch.setattr(power, "read", lambda: model.read_toml(broken))
    assert command.main([what]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("hoiquan hardware: broken.toml: ") and said.err.count("\n") == 1


def test_the_pulse_capacitors_keep_their_charge_beside_their_dividers() -> None:
    """What is left half an hour after the boost was cut is what closes a valve when all else has failed."""
    valve = circuits.build(HARDWARE, "valve", "s3")
    ohm = {part.ref: protection.ohm(part.value) for part in valve.of_kind("resistor")}
    farad = 5 * 4700e-6
    drains = 1 / (1 / (ohm["R51"] + ohm["R52"]) + 1 / (ohm["R54"] + ohm["R55"]))
    assert 9.6 * math.exp(-1800 / (drains * farad)) > 8.0
    assert (ohm["R54"] + ohm["R55"]) / ohm["R55"] == pytest.approx(5.02, abs=0.01), "hal/latching.py reckons with it"
