"""The folder in which a gateway lives: where each of its files is. Nothing else spells a file name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.store import control, data, update, uplink, village

HOME_ENV = "HOIQUAN_HOME"


@dataclass(frozen=True)
class Home:
    root: Path

    @property
    def registry(self) -> Path:
        return self.root / "village.toml"

    @property
    def registry_in_force(self) -> Path:
        """The registry that the gateway was last started with."""
        return self.root / "village.in-force.toml"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def data(self) -> Path:
        return self.root / data.SCHEMA.file

    @property
    def control(self) -> Path:
        return self.root / control.SCHEMA.file

    @property
    def village(self) -> Path:
        return self.root / village.SCHEMA.file

    @property
    def people(self) -> Path:
        """What a technician asks web to write into village.db."""
        return self.root / "people"

    @property
    def uplink(self) -> Path:
        return self.root / uplink.SCHEMA.file

    @property
    def update(self) -> Path:
        return self.root / update.SCHEMA.file

    @property
    def held(self) -> Mapping[str, Path]:
        """What each process holds while it runs (``kit.locks``): its database, or the folder that it works for."""
        return {
            "ingest": self.data,
            "control": self.control,
            "web": self.village,
            "uplink": self.uplink,
            "enrol": self.enrol,
            "reports": self.reports,
            "update": self.update,
        }

    @property
    def releases(self) -> Path:
        """Releases for the nodes, and which of them goes out."""
        return self.root / "releases"

    @property
    def points(self) -> Path:
        """The first points of calibrations that wait for their second."""
        return self.root / "calibration-points.json"

    @property
    def outlook(self) -> Path:
        """Weather from outside, which no process of the gateway writes."""
        return self.root / "weather.json"

    @property
    def reports(self) -> Path:
        """The reports of the weeks."""
        return self.root / "reports"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def ca(self) -> Path:
        return self.tls / "ca.crt"

    @property
    def mosquitto(self) -> Path:
        return self.root / "mosquitto"

    @property
    def mosquitto_conf(self) -> Path:
        return self.mosquitto / "mosquitto.conf"

    @property
    def nodes(self) -> Path:
        return self.root / "nodes"

    @property
    def enrol(self) -> Path:
        """The one-time codes of printed cards, and who has used them."""
        return self.root / "enrol"


def home_from(argument: str | None) -> Home:
    """The home named on the command line, else by HOIQUAN_HOME, else the present folder."""
    return Home(Path(argument or os.environ.get(HOME_ENV) or ".").absolute())
