"""``python -m gateway calibrate NODE SENSOR``: a new calibration from two points that a technician measured.

Rules
1. A point is a raw and what it stands for: ``--now VALUE`` takes the raw that the sensor has just sent (without VALUE
   it is asked for), ``--raw RAW VALUE`` one that was written down. The first point of a sensor waits for the second,
   KEPT_MS at most.
2. The new calibration goes into village.toml under the earlier ones, which stay, as does every other character. What
   comes of it is read as the registry reads it, and is written only if nothing but this calibration is new.
3. Points that no sensor can have are refused: too close together, the other way round than now, a sensor that does not
   send or has not settled. A refused point is forgotten, the one before it is not.
4. It is in force when the gateway is started again. Readings keep their raw, their value and their calibration.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from gateway import registry
from gateway.core.village import Calibration, Node, Sensor, Village
from gateway.home import Home, home_from
from gateway.process import ProcessError
from gateway.store.data import DataReader
from kit.clock import Clock, clock_from_environment, vietnam_time
from kit.files import PRIVATE, write_atomic
from wire import fields
from wire.errors import WireError

KEPT_MS = 24 * 3_600_000
LEAST_SPAN = 100  # a hundredth of the field's range, of raw and of value
UNSETTLED = 50  # readings in a row that differ by more than a fiftieth of the range are still on their way
LOOKED_AT = 2_000  # of the newest readings of the village, for those of one sensor
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\s\"'-]+?)\s*\]\]?\s*(#.*)?$")


class Point(NamedTuple):
    raw: int
    value: int  # in the integers of the field
    at_ms: int


def command(arguments: argparse.Namespace) -> int:
    """Take in the points of a command line; prints what changes. Raises RegistryError, StoreError or ProcessError."""
    home, clock = home_from(arguments.home), clock_from_environment()
    village = registry.load(home.registry)
    node, sensor = _sensor_of(village, arguments.node, arguments.sensor)
    given = [(_whole(raw), value) for raw, value in arguments.raw]
    if arguments.now is not None:
        raw = present(home, clock, node, sensor)
        given.append((raw, arguments.now or _asked(raw, sensor)))
    if not 1 <= len(given) <= 2:
        raise _refused("cần một hay hai điểm: --now hoặc --raw", "one point or two are needed: --now or --raw")
    points = [_point(sensor, raw, value, clock.now_ms()) for raw, value in given]
    print("\n".join(take(home, clock, node, sensor, points)))
    return 0


def take(home: Home, clock: Clock, node: Node, sensor: Sensor, points: list[Point]) -> list[str]:
    """Keep the first point, or make a calibration of two; what is to be said."""
    key = f"{node.id}/{fields.field(sensor.field).name}/{sensor.channel}"
    kept = {k: p for k, p in _kept(home).items() if clock.now_ms() - p.at_ms < KEPT_MS}
    if len(points) == 1 and key not in kept:
        write_atomic(home.points, json.dumps({**kept, key: points[0]}) + "\n", mode=PRIVATE)
        shown = f"raw {points[0].raw} = {_text(sensor, points[0].value)}"
        return [
            f"{key}: đã giữ điểm thứ nhất, {shown}. Đặt đầu đo vào chậu kia, chờ số đứng, rồi chạy lần nữa.",
            f"  the first point is kept: {shown}. Put the probe into the other pot, wait, and run this again.",
        ]
    first, second = [kept[key], *points] if len(points) == 1 else points
    made = calibration_of(home, sensor, first, second)
    text = registry.read(home.registry)
    new = inserted(text, node, sensor, made, f"{vietnam_time(clock.now_ms()):%Y-%m-%d %H:%M}")
    _check_only(home, text, new, node, sensor, made)
    write_atomic(home.registry, new, mode=home.registry.stat().st_mode & 0o777)
    kept.pop(key, None)
    write_atomic(home.points, json.dumps(kept) + "\n", mode=PRIVATE)
    return _told(key, sensor, made, second)


def present(home: Home, clock: Clock, node: Node, sensor: Sensor) -> int:
    """The raw that the sensor has sent last. Raises ProcessError when it is no point to calibrate by."""
    with DataReader(home.data) as data:
        latest = data.latest().get((node.id, sensor.field, sensor.channel))
        newest = [r.raw for r in data.newest_readings(0, LOOKED_AT)
                  if (r.node, r.field, r.channel) == (node.id, sensor.field, sensor.channel)]  # fmt: skip
    if latest is None or latest.flag == fields.MISSING:
        raise _refused(f"{node.id} chưa gửi số đo nào của đầu đo này", f"{node.id} has sent no reading of this sensor")
    age_s = (clock.now_ms() - latest.measured_ms) // 1000
    if age_s > 2 * node.told_s(sensor.field, sensor.channel) + 60:
        raise _refused(f"số đo cuối đã {age_s // 60} phút trước, xem hộp còn gửi không",
                       f"the last reading is {age_s // 60} minutes old: see whether the node sends")  # fmt: skip
    near = [raw for raw in newest[:2] if raw is not None]
    if near and max(abs(raw - latest.raw) for raw in near) * UNSETTLED > _raw_range(sensor):
        raise _refused("số đo chưa đứng, chờ thêm hai lần đo", "the sensor has not settled: wait for two readings")
    return latest.raw


def calibration_of(home: Home, sensor: Sensor, first: Point, second: Point) -> Calibration:
    """A calibration through two points, with a new id. Raises ProcessError for points that cannot be."""
    what = fields.field(sensor.field)
    if abs(first.raw - second.raw) * LEAST_SPAN < _raw_range(sensor):
        raise _refused(f"hai điểm quá gần nhau: raw {first.raw} và {second.raw}",
                       f"the two points are too close together: raw {first.raw} and {second.raw}")  # fmt: skip
    if abs(first.value - second.value) * LEAST_SPAN < what.value_max - what.value_min:
        shown = f"{_text(sensor, first.value)} / {_text(sensor, second.value)}"
        raise _refused(f"hai giá trị quá gần nhau: {shown}", f"the two values are too close together: {shown}")
    low, high = sorted((first, second))
    before = sensor.calibration
    rises = before is None or before.value[1] > before.value[0]
    if (high.value > low.value) != rises:
        raise _refused("hai điểm ngược chiều với hiện nay, có lẽ đổi chậu hoặc đổi số",
                       "the points run the other way than now: were the pots, or the numbers, mixed up?")  # fmt: skip
    nodes = registry.load(home.registry).nodes.values()
    used = [c.id for n in nodes for s in n.sensors for c in s.calibrations]
    return Calibration(max(used, default=0) + 1, (low.raw, high.raw), (low.value, high.value))


def inserted(text: str, node: Node, sensor: Sensor, made: Calibration, when: str) -> str:
    """The registry's text with a calibration more. Raises ProcessError when the place is not found."""
    lines = text.splitlines(keepends=True)
    place, indent = _place(lines, node, sensor)
    values = ", ".join(_text(sensor, value) for value in made.value)
    block = (f"[[node.sensor.calibration]]  # {when}", f"id = {made.id}", f"raw = [{made.raw[0]}, {made.raw[1]}]",
             f"value = [{values}]")  # fmt: skip
    if place is None:
        raise _refused(f"không tìm được chỗ ghi, hãy tự ghi: {'; '.join(block)}",
                       "its place in village.toml is not found: write this there yourself")  # fmt: skip
    if not lines[place - 1].endswith("\n"):
        lines[place - 1] += "\n"
    return "".join([*lines[:place], *(f"{indent}{line}\n" for line in block), *lines[place:]])


def _place(lines: list[str], node: Node, sensor: Sensor) -> tuple[int | None, str]:
    """(number of the line behind the sensor's own, indent of its calibrations)."""
    at: int | None = None
    indent = ""
    node_id, seen, is_it = "", -1, False
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        name = header[2].replace(" ", "") if header else ""
        if header and name == "node":
            node_id, seen, is_it = _id_below(lines, number), -1, False
        elif header and name == "node.sensor" and node_id == node.id:
            seen += 1
            own = node.sensors[seen] if seen < len(node.sensors) else None
            is_it = own == sensor
            indent = line[: len(line) - len(line.lstrip())] + "  " if is_it else indent
        elif header and not name.startswith("node.sensor."):
            is_it = False
        elif header and is_it and name == "node.sensor.calibration":
            indent = line[: len(line) - len(line.lstrip())]
        if is_it and line.strip() and not line.lstrip().startswith("#"):
            at = number + 1
    return at, indent


def _id_below(lines: list[str], number: int) -> str:
    for line in lines[number + 1 :]:
        if _HEADER.match(line):
            return ""
        found = re.match(r"\s*id\s*=\s*[\"']([a-z0-9-]+)[\"']", line)
        if found:
            return found[1]
    return ""


def _check_only(home: Home, old: str, new: str, node: Node, sensor: Sensor, made: Calibration) -> None:
    """Nothing but this calibration is new (rule 2)."""
    before, after = registry.parse(old, home.registry), registry.parse(new, home.registry)
    longer = replace(sensor, calibrations=(*sensor.calibrations, made))
    sensors = tuple(longer if s == sensor else s for s in before.nodes[node.id].sensors)
    wanted = replace(before.nodes[node.id], sensors=sensors)
    if after != replace(before, nodes={**before.nodes, node.id: wanted}):
        raise _refused("sổ đổi nhiều hơn một hiệu chuẩn, không ghi; hãy tự ghi vào village.toml",
                       "more than one calibration would change: write it into village.toml yourself")  # fmt: skip


def _sensor_of(village: Village, node_id: str, text: str) -> tuple[Node, Sensor]:
    node = village.nodes.get(node_id)
    if node is None:
        raise _refused(f"không có hộp {node_id!r}; có: {', '.join(village.nodes)}", f"there is no node {node_id!r}")
    name, _, channel = text.partition("/")
    try:
        field_id = fields.field_by_name(name).id
    except WireError:
        field_id = -1
    for sensor in node.sensors:
        if sensor.field == field_id and str(sensor.channel) == (channel or "0"):
            return node, sensor
    there = ", ".join(f"{fields.field(s.field).name}/{s.channel}" for s in node.sensors) or "-"
    raise _refused(f"{node_id} không có đầu đo {text!r}; có: {there}", f"{node_id} has no sensor {text!r}: {there}")


def _point(sensor: Sensor, raw: int, text: str, at_ms: int) -> Point:
    what = fields.field(sensor.field)
    try:
        scaled = Decimal(text.strip().replace(",", ".")) * 10**what.decimals
        ok = scaled.is_finite() and scaled == int(scaled) and what.value_min <= scaled <= what.value_max
    except (ArithmeticError, ValueError):
        ok = False
    low, high = _text(sensor, what.value_min), _text(sensor, what.value_max)
    if not ok:
        raise _refused(f"{text!r} không phải số từ {low} tới {high}, nhiều nhất {what.decimals} số lẻ",
                       f"{text!r} is no number from {low} to {high} with at most {what.decimals} decimals")  # fmt: skip
    if not what.raw_min <= raw <= what.raw_max:
        raise _refused(f"raw {raw} ngoài {what.raw_min}..{what.raw_max}", f"raw {raw} is out of range")
    return Point(raw, int(scaled), at_ms)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _refused(f"raw {text!r} không phải số nguyên", f"raw {text!r} is no whole number") from None


def _asked(raw: int, sensor: Sensor) -> str:
    what = fields.field(sensor.field)
    try:
        return input(f"raw {raw} ({what.raw_unit}). Giá trị đúng / its true value, {what.unit}: ")
    except EOFError:
        return ""


def _kept(home: Home) -> dict[str, Point]:
    try:
        found = json.loads(home.points.read_text(encoding="utf-8"))
        return {str(key): Point(*(int(n) for n in point)) for key, point in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none was kept


def _told(key: str, sensor: Sensor, made: Calibration, last: Point) -> list[str]:
    unit = fields.field(sensor.field).unit
    ends = ", ".join(f"raw {raw} = {_text(sensor, v)}" for raw, v in zip(made.raw, made.value, strict=True))
    before = sensor.calibration
    was = _text(sensor, before.apply(last.raw)) if before is not None else str(last.raw)
    now = _text(sensor, last.value)
    return [
        f"{key}: hiệu chuẩn số {made.id}: {ends} ({unit}). raw {last.raw}: trước {was}, nay {now}.",
        f"  calibration {made.id}: {ends}. raw {last.raw} was {was}, and is now {now}.",
        "Có hiệu lực khi máy chủ khởi động lại. Số đo cũ giữ nguyên số gốc (raw), giá trị và số hiệu chuẩn của nó.",
        "  It takes effect when the gateway is started again. Earlier readings keep their raw, value and calibration.",
    ]


def _text(sensor: Sensor, value: int) -> str:
    """A value as it is written in village.toml."""
    return f"{Decimal(value).scaleb(-fields.field(sensor.field).decimals):f}"


def _raw_range(sensor: Sensor) -> int:
    what = fields.field(sensor.field)
    return int(what.raw_max - what.raw_min)


def _refused(vi: str, en: str) -> ProcessError:
    return ProcessError(f"{vi} / {en}")
