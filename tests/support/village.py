"""A small valid village: two gardens on one valve node, two soil nodes, one level node on a canal."""

from __future__ import annotations

from gateway import registry

TEXT = """
[village]
id = "thu"
name = "Hội quán Thử"
latitude = 10.03
longitude = 105.78
elevation_m = 1.5

[broker]
host = "127.0.0.1"
port = 18883

[web]
host = "127.0.0.1"
port = 18080

[[node]]
id = "dat-1"
model = "soil"
name = "Đất vườn xoài"
sample_s = 300
  [[node.sensor]]
  field = "soil_moisture"
  channel = 0
    [[node.sensor.calibration]]
    id = 1
    raw = [2800000, 1200000]
    value = [0.05, 0.45]
  [[node.sensor]]
  field = "soil_moisture"
  channel = 1
    [[node.sensor.calibration]]
    id = 2
    raw = [2800000, 1200000]
    value = [0.05, 0.45]
  [[node.sensor]]
  field = "soil_temperature"
  channel = 0

[[node]]
id = "dat-2"
model = "soil"
name = "Đất vườn bưởi"
sample_s = 300
  [[node.sensor]]
  field = "soil_moisture"
  channel = 0
    [[node.sensor.calibration]]
    id = 3
    raw = [2800000, 1200000]
    value = [0.05, 0.45]

[[node]]
id = "kinh-1"
model = "level"
name = "Kinh Xáng"
sample_s = 60
  [[node.sensor]]
  field = "water_level"
  channel = 0
  [[node.sensor]]
  field = "conductivity_25"
  channel = 0

[[node]]
id = "van-1"
model = "valve"
name = "Trạm bơm"
sample_s = 300
  [[node.sensor]]
  field = "flow"
  channel = 0
  [[node.output]]
  index = 0
  kind = "pump"
  hard_max_s = 3600
  min_rest_s = 60
  [[node.output]]
  index = 1
  kind = "valve"
  hard_max_s = 3600
  min_rest_s = 60
  [[node.output]]
  index = 2
  kind = "valve"
  hard_max_s = 3600
  min_rest_s = 60

[[source]]
id = "kinh"
name = "Kinh Xáng"
level = { node = "kinh-1", channel = 0 }
min_level_mm = 300
reopen_level_mm = 350
conductivity = [{ node = "kinh-1", channel = 0 }]
limit_us_cm = 2000
reopen_us_cm = 1600
max_age_s = 180

[[zone]]
id = "xoai"
name = "Vườn xoài"
crop = "mango"
area_m2 = 1000
probes = [{ node = "dat-1", channel = 0 }, { node = "dat-1", channel = 1 }]
valve = { node = "van-1", output = 1 }
pump = { node = "van-1", output = 0 }
source = "kinh"
dry_vwc = 0.22
target_vwc = 0.32
max_run_s = 1800
min_rest_s = 3600
flow_lpm = 60

[[zone]]
id = "buoi"
name = "Vườn bưởi"
crop = "pomelo"
area_m2 = 800
probes = [{ node = "dat-2", channel = 0 }]
valve = { node = "van-1", output = 2 }
pump = { node = "van-1", output = 0 }
source = "kinh"
dry_vwc = 0.24
target_vwc = 0.34
max_run_s = 1800
min_rest_s = 3600
flow_lpm = 50
"""


def text(*, broker_port: int = 18883, web_port: int = 18080) -> str:
    """The registry text, with free ports of the test's choice."""
    return TEXT.replace("18883", str(broker_port)).replace("18080", str(web_port))


def village(*, broker_port: int = 18883, web_port: int = 18080) -> registry.Village:
    """The same, parsed."""
    return registry.parse(text(broker_port=broker_port, web_port=web_port))
