"""What a village consists of: nodes, sensors, outputs, water sources, zones. Made by ``gateway.registry`` only.

Rules
1. Everything here is frozen and consistent: every reference exists, every limit is in its range.
2. An attribute has the name and the unit of its key in village.toml; values of calibrations are the scaled
   integers of ``wire.fields``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.ground import Ground
from gateway.core.plans.defaults import Figure
from gateway.core.plans.kinds import Plan
from gateway.core.pumps import Hours, PumpSettings
from wire import fields

# What every node says of itself, on channel 0, without being told to in the registry.
HOUSEKEEPING = (
    fields.BATTERY,
    fields.HEAP_FREE,
    fields.RSSI,
    fields.REFUSED_COMMANDS,
    fields.DROPPED_READINGS,
    fields.VOLUME,
    fields.AWAKE,
    fields.RADIO,
    fields.CONFIG,
)


@dataclass(frozen=True)
class Calibration:
    """A straight line through two points, from raw to value; both in the integers of the field."""

    id: int
    raw: tuple[int, int]
    value: tuple[int, int]

    def apply(self, raw: int) -> int:
        """The value of a raw, rounded half up, not yet held against the range of the field."""
        (raw_0, raw_1), (value_0, value_1) = self.raw, self.value
        span = raw_1 - raw_0
        scaled = (raw - raw_0) * (value_1 - value_0)
        return value_0 + (2 * scaled + span) // (2 * span)


@dataclass(frozen=True)
class Sensor:
    field: int
    channel: int
    calibrations: tuple[Calibration, ...] = ()
    sample_s: int | None = None  # its own pace; None: the node's
    name: str = ""  # what it measures, in a farmer's words: "nước ngoài kênh"
    on_s: int | None = None  # its pace while an output of its node is on, and a minute longer; None: its own
    wiring: tuple[tuple[str, int | str], ...] = ()  # what its place says about it, for the node's config

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in force."""
        return self.calibrations[-1] if self.calibrations else None


@dataclass(frozen=True)
class Output:
    index: int
    kind: str
    hard_max_s: int
    min_rest_s: int


@dataclass(frozen=True)
class Node:
    id: str
    model: str
    name: str
    sample_s: int
    sensors: tuple[Sensor, ...]
    outputs: tuple[Output, ...]
    board: str = ""
    local: Mapping[str, object] = field(default_factory=dict, hash=False)  # what it does by itself, for its config
    via: str = ""  # the node that speaks for it; empty: it is in reach of the Wi-Fi
    send_s: int = 0  # it sleeps on its battery, and sends this often; 0: it is always there

    def sensor(self, field_id: int, channel: int) -> Sensor | None:
        """What may come from the node on this field and channel: measured, housekeeping, or an output's state."""
        return self._by_channel.get((field_id, channel))

    def every_s(self, field_id: int, channel: int) -> int:
        """How often a sensor of the node is read."""
        sensor = self.sensor(field_id, channel)
        return self.sample_s if sensor is None or sensor.sample_s is None else sensor.sample_s

    def told_s(self, field_id: int, channel: int) -> int:
        """How old a reading of a sensor is at most when the next one comes in."""
        return self.every_s(field_id, channel) + self.send_s

    @property
    def away_ms(self) -> int:
        """How long it may be unheard without being silent: a node that sleeps may fail to send once."""
        return (2 * self.send_s + 300) * 1000 if self.send_s else 0

    def watch_s(self, field_id: int, channel: int) -> int:
        """How often it is read while an output of the node is on."""
        sensor = self.sensor(field_id, channel)
        return sensor.on_s if sensor and sensor.on_s else self.every_s(field_id, channel)

    def output(self, index: int) -> Output | None:
        return next((o for o in self.outputs if o.index == index), None)

    @property
    def channels(self) -> Mapping[tuple[int, int], Sensor]:
        """Every (field, channel) that the node may send."""
        return self._by_channel

    _by_channel: dict[tuple[int, int], Sensor] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = [Sensor(f, 0) for f in HOUSEKEEPING] + [Sensor(fields.OUTPUT, o.index) for o in self.outputs]
        table = {(s.field, s.channel): s for s in (*own, *self.sensors)}
        object.__setattr__(self, "_by_channel", table)


@dataclass(frozen=True)
class SensorRef:
    node: str
    channel: int


@dataclass(frozen=True)
class OutputRef:
    node: str
    output: int


@dataclass(frozen=True)
class Fill:
    """How a ditch is filled from the canal before it; ``name`` and ``level`` are the canal's."""

    name: str
    level: SensorRef
    conductivity: tuple[SensorRef, ...]
    sluice: OutputRef | None
    lift: OutputRef | None
    lift_min_level_mm: int | None
    start_level_mm: int
    target_level_mm: int
    min_head_mm: int
    limit_us_cm: int
    reopen_us_cm: int
    max_age_s: int
    drain_level_mm: int | None = None


@dataclass(frozen=True)
class Source:
    """Where the pumps draw from, and when they may: closed below min or above limit, open again past reopen."""

    id: str
    name: str
    level: SensorRef
    min_level_mm: int
    reopen_level_mm: int
    conductivity: tuple[SensorRef, ...]
    limit_us_cm: int
    reopen_us_cm: int
    max_age_s: int
    fill: Fill | None = None


@dataclass(frozen=True)
class Station:
    """The village's own sensors of the sky; ``air`` by field."""

    rain: SensorRef | None = None
    air: Mapping[int, SensorRef] = field(default_factory=dict)


@dataclass(frozen=True)
class Pump:
    """How the water of a pump is let out: ``gateway.core.pumps``."""

    main: OutputRef | None = None
    meter: SensorRef | None = None
    lead_s: int = 0
    lag_s: int = 0
    min_run_s: int = 60
    min_rest_s: int = 60
    starts_an_hour: int = 6
    prime_s: int = 60
    min_flow_lpm: float = 0.0
    open_hours: tuple[Hours, ...] = ()
    quiet_hours: tuple[Hours, ...] = ()

    def chosen(self) -> PumpSettings:
        """The same as the irrigation is given it, but for its outputs and sensors."""
        return PumpSettings(
            lead_ms=self.lead_s * 1000,
            lag_ms=self.lag_s * 1000,
            min_run_ms=self.min_run_s * 1000,
            min_rest_ms=self.min_rest_s * 1000,
            starts_an_hour=self.starts_an_hour,
            prime_ms=self.prime_s * 1000,
            min_flow_ml_min=round(self.min_flow_lpm * 1000),
            open_hours=self.open_hours,
            quiet_hours=self.quiet_hours,
        )


@dataclass(frozen=True)
class Soak:
    """How a garden's soil and pipe take water: its own meter, and its cycles. No cycle: all at once."""

    meter: SensorRef | None = None
    fill_s: int = 60
    cycle_min: int | None = None
    soak_min: int = 0


@dataclass(frozen=True)
class Zone:
    """``ground`` is what its water is reckoned with, None where nothing is said of its soil; ``crop_source`` says whose
    the crop's figures are, ``figures`` the same of its plan, one by one."""

    id: str
    name: str
    crop: str
    area_m2: float
    probes: tuple[SensorRef, ...]
    valve: OutputRef
    pump: OutputRef
    source: str
    dry_vwc: float
    target_vwc: float
    max_run_s: int
    min_rest_s: int
    flow_lpm: float
    limit_us_cm: int
    ground: Ground | None = None
    crop_source: str = ""
    soak: Soak = field(default_factory=Soak)
    plan: Plan | None = None
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Broker:
    host: str
    port: int
    enrol_port: int = 0  # where a new node asks for its config


@dataclass(frozen=True)
class Web:
    host: str
    port: int


@dataclass(frozen=True)
class Cloud:
    url: str


@dataclass(frozen=True)
class Village:
    id: str
    name: str
    latitude: float
    longitude: float
    elevation_m: float
    broker: Broker
    web: Web
    cloud: Cloud | None
    nodes: Mapping[str, Node]
    sources: Mapping[str, Source]
    zones: Mapping[str, Zone]
    station: Station = field(default_factory=Station)
    pumps: Mapping[OutputRef, Pump] = field(default_factory=dict)
