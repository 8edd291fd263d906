"""What each step was decided from, line by line, so that it can be decided again (D6).

Rules
1. A line is JSON. The first of a part is a ``Mark``: the whole state, and what the settings were made from. Each line
   behind it is a step: when, its inputs, which rows its effects became, a digest of the effects and the state after it.
2. Only what differs is written: inputs that have their default are left out, links and outlook when they are those of
   the line before. So a part can only be read from its mark on. Readings and links, which are nearly all of it, are
   lists in the order of their fields, which are numbers and texts.
3. ``again`` knows nothing of what was decided: it runs ``step`` on the inputs. What comes of it is for the reader to
   hold against digest and rows.
4. The digest finds what was changed by accident or by hand in one place. It is no seal: who can write the file can
   write it too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, get_type_hints

from gateway.core.jsons import ShapeError, filled, from_plain, to_plain
from gateway.core.state import State
from gateway.core.step import step
from gateway.core.types import Effect, Inputs, Limits, Link, Reading, SensorRef, Settings
from gateway.core.weather import Outlook

VERSION = 1
DIGEST_BYTES = 8
APART = ("settings", "links", "outlook", "readings")  # inputs that are not written as they are


_OF_READING = tuple(f.name for f in fields(Reading))[1:]  # behind its sensor
_OF_LINK = tuple(f.name for f in fields(Link))
_sensor = lru_cache(maxsize=4_096)(SensorRef)


class JournalError(Exception):
    """A line that cannot be read; one line that says why."""


@dataclass(frozen=True)
class Mark:
    """Where a part begins. ``core`` names the program, ``registry`` is the text of the village in force, ``speed`` that
    of the clock: together they give the settings. ``lost`` steps before it could not be kept."""

    at_ms: int
    core: str
    registry: str
    speed: float
    limits: Limits
    state: str
    lost: int = 0

    def line(self) -> str:
        plain = to_plain(self)
        lost = plain.pop("lost")
        return _json({"v": VERSION, "mark": plain} | ({"lost": lost} if lost else {}))


@dataclass(frozen=True)
class Step:
    """``rows`` are the rows of the effects, in their order; ``intents_from`` the id that intents began anew from."""

    number: int
    now_ms: int
    inputs: Inputs
    rows: tuple[int, ...]
    digest: str
    intents_from: int | None


@dataclass(frozen=True)
class Base:
    """What the next line is written against."""

    number: int = 0
    links: Mapping[str, Link] | None = None
    outlook: Outlook | None = None


def digest(state_json: str, effects: Iterable[Effect]) -> str:
    """What came of a step, in a few letters."""
    told = _json([[type(effect).__name__, to_plain(effect)] for effect in effects])
    return blake2b((told + "\n" + state_json).encode(), digest_size=DIGEST_BYTES).hexdigest()


def line(
    base: Base, now_ms: int, inputs: Inputs, rows: Iterable[int], came_of_it: str, intents_from: int | None
) -> tuple[str, Base]:
    """The line of a step, and what the next one is written against."""
    links = {link.node: link for link in sorted(inputs.links, key=lambda link: link.node)}
    plain: dict[str, Any] = {
        f.name: to_plain(value)
        for f in fields(Inputs)
        if f.name not in APART and (value := getattr(inputs, f.name)) != f.default
    }
    if inputs.readings:
        plain["readings"] = [_flat_reading(reading) for reading in inputs.readings]
    changed = _changed(base.links or {}, links)
    if changed:
        plain["links"] = changed
    if inputs.outlook != base.outlook:
        plain["outlook"] = to_plain(inputs.outlook)
    found = {"n": base.number + 1, "t": now_ms, "i": plain, "d": came_of_it}
    if made := list(rows):
        found["r"] = made
    if intents_from is not None:
        found["from"] = intents_from
    return _json(found), Base(base.number + 1, links, inputs.outlook)


def _changed(before: Mapping[str, Link], after: Mapping[str, Link]) -> dict[str, Any]:
    gone: dict[str, Any] = {node: None for node in before if node not in after}
    return gone | {node: _flat_link(link) for node, link in after.items() if before.get(node) != link}


def _flat_reading(reading: Reading) -> list[Any]:
    sensor = reading.sensor
    return [sensor.node, sensor.field, sensor.channel, *(getattr(reading, name) for name in _OF_READING)]


def _flat_link(link: Link) -> list[Any]:
    return [to_plain(getattr(link, f.name)) for f in fields(Link)]


# ---- back


def read(lines: Iterable[str], settings: Settings | None = None) -> Iterator[Mark | Step]:
    """The lines of a part. ``settings`` are put into the inputs. Raises JournalError."""
    base = Base()
    for text in lines:
        try:
            found = json.loads(text)
            if "mark" in found:
                base = Base()
                yield _mark(found)
            else:
                one = _step(found, base, settings or Settings())
                base = Base(one.number, {link.node: link for link in one.inputs.links}, one.inputs.outlook)
                yield one
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ShapeError) as error:
            raise JournalError(f"a line of the journal cannot be read: {type(error).__name__}: {error}") from error


def _mark(found: dict[str, Any]) -> Mark:
    if found["v"] != VERSION:
        raise JournalError(f"a journal of version {found['v']!r}; this program knows version {VERSION}")
    # Limits that came with a later program have their default: the part is then of another program, and can be read.
    mark: Mark = from_plain(Mark, filled(Mark, found["mark"]) | {"lost": found.get("lost", 0)}, "mark")
    return mark


def _step(found: dict[str, Any], base: Base, settings: Settings) -> Step:
    if found["n"] != base.number + 1:
        raise JournalError(f"step {found['n']} follows step {base.number}: steps are missing")
    plain, hints = dict(found["i"]), _hints()
    links = dict(base.links or {})
    for node, told in plain.pop("links", {}).items():
        if told is None:
            links.pop(node, None)
        else:
            links[node] = _link(told)
    outlook = base.outlook
    if "outlook" in plain:
        outlook = from_plain(hints["outlook"], plain.pop("outlook"), "outlook")
    readings = tuple(Reading(_sensor(*told[:3]), *told[3:]) for told in plain.pop("readings", ()))
    given = {name: from_plain(hints[name], filled(hints[name], value), name) for name, value in plain.items()}
    in_order = tuple(links[node] for node in sorted(links))
    inputs = Inputs(settings=settings, readings=readings, links=in_order, outlook=outlook, **given)
    return Step(found["n"], found["t"], inputs, tuple(found.get("r", ())), found["d"], found.get("from"))


def _link(told: list[Any]) -> Link:
    if len(told) > len(_OF_LINK):
        raise JournalError(f"a link of {len(told)} values; this program knows {len(_OF_LINK)}")
    given = dict(zip(_OF_LINK, told, strict=False))  # an older program wrote fewer
    return Link(**{**given, "nonce": bytes.fromhex(given["nonce"])})


def again(state: State, one: Step, settings: Settings, limits: Limits) -> tuple[State, tuple[Effect, ...]]:
    """What a step comes to."""
    before = state if one.intents_from is None else replace(state, last_intent=one.intents_from)
    return step(before, one.now_ms, replace(one.inputs, settings=settings), limits)


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Inputs)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
