"""The registry that is in force: village.toml, or the last good one for as long as village.toml is refused.

Rules
1. A process reads its registry when it starts and never again: what is edited while it runs changes nothing.
2. A village.toml that is refused stops nothing that has run before. The copy that was good goes on; it is told with
   field, value and allowed range, in the log, by ``status`` and by ``check``, until the file is mended.
3. The copy is made when a gateway is provisioned or started with a good file, and is never edited.
4. Only a person at the screen is refused outright: ``check`` and ``provision`` take no copy for an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from gateway import registry
from gateway.core.plans.kinds import last_day_of, phases_of
from gateway.core.village import Village, Zone
from gateway.home import Home
from gateway.strict import RegistryError
from kit.files import PRIVATE, write_atomic

VIETNAM = timedelta(hours=7)
EPOCH = date(1970, 1, 1)


class InForce(NamedTuple):
    """``refused`` is why it is not the village.toml that is there; ``text`` is what the village was made from."""

    village: Village
    refused: RegistryError | None
    text: str


def load(home: Home) -> InForce:
    """The registry to run by. Raises RegistryError when there is no good one."""
    try:
        return _of(home.registry, None)
    except RegistryError as error:
        try:
            return _of(home.registry_in_force, error)
        except RegistryError:
            raise error from None


def _of(path: Path, refused: RegistryError | None) -> InForce:
    text = registry.read(path)
    return InForce(registry.parse(text, path), refused, text)


def remember(home: Home) -> None:
    """Keep the village.toml that was just found good."""
    text = home.registry.read_text(encoding="utf-8")
    copy = home.registry_in_force
    if not copy.exists() or copy.read_text(encoding="utf-8") != text:
        write_atomic(copy, text, mode=PRIVATE)


def is_edited(home: Home) -> bool:
    """Whether village.toml is not what the gateway was last started with."""
    try:
        return home.registry.read_bytes() != home.registry_in_force.read_bytes()
    except OSError:
        return False


class Remark(NamedTuple):
    """What can be used but is hardly meant."""

    field: str
    value: str
    vi: str
    en: str

    @property
    def on_screen(self) -> str:
        return f"{self.field} = {self.value}: {self.vi}\n  {self.english}"

    @property
    def english(self) -> str:
        return f"{self.field} = {self.value}: {self.en}"


def remarks(village: Village, now_ms: int) -> list[Remark]:
    """What a person should look at. A season that is over stops no gateway: it was good when it was written."""
    today = EPOCH + (timedelta(milliseconds=now_ms) + VIETNAM)
    found = []
    for zone in village.zones.values():
        if zone.ground is None or zone.ground.planted_day is None:
            continue
        first = EPOCH + timedelta(days=zone.ground.planted_day)
        last = first + timedelta(days=sum(zone.ground.stages_days) - 1)
        if last < today:
            vi = f"vụ này hết từ {last}, trước hôm nay {today}; hãy ghi ngày trồng của vụ mới"
            en = f"the season was over on {last}, before today {today}; write the day of planting of the new one"
            found.append(Remark(f"zone {zone.id!r}.crop.start", str(first), vi, en))
    return found + [remark for zone in village.zones.values() for remark in _of_plan(zone, today)]


def _of_plan(zone: Zone, today: date) -> Iterator[Remark]:
    """A plan whose season is over, or whose phase is said to begin in the future."""
    phases, last_day = phases_of(zone.plan), last_day_of(zone.plan)
    since = EPOCH + timedelta(days=phases.since_day) if phases else today
    if since > today:
        vi, en = f"ngày này chưa tới, hôm nay mới {today}", f"this day is yet to come, today is {today}"
        yield Remark(f"zone {zone.id!r}.plan.since", str(since), vi, en)
    last = EPOCH + timedelta(days=last_day) if last_day is not None else today
    if last < today:
        key, value = ("plan.since", str(since)) if phases else ("plan.season.to", str(last))
        vi = f"vụ này hết từ {last}, trước hôm nay {today}; hãy ghi vụ mới"
        en = f"the season was over on {last}, before today {today}; write the new one"
        yield Remark(f"zone {zone.id!r}.{key}", value, vi, en)
