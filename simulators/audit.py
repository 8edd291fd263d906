"""The audit of a run: what the field saw, held against what gateway and cloud have kept.

Rules of this module:
- Nothing is believed that a part says about itself if the witness can tell it: identities come from the nodes'
  flash writes, switching and water from the field. It reads files only, when every process has ended.
- Readings are compared as sets of identities (node, boot, seq), never by count.
- Every failure is one English line that names the first cases. An empty list of failures is the only pass.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.core.rules import Rule, Verdict
from wire import commands

Identity = tuple[str, int, int]  # node, boot, seq
OutputKey = tuple[str, int]  # node, output

TOLERANCE_VILLAGE_MS = 2_000
TOLERANCE_REAL_MS = 200
NAMED = 5  # how many cases a failure line names
SOURCE_RULES = (Rule.SOURCE_SALT, Rule.SOURCE_LOW)
DRY_RULES = (Rule.SOIL_DRY, Rule.DEPLETED)
ENOUGH_RULES = (Rule.TARGET_REACHED, Rule.DOSE_GIVEN)
MEMORY_LIMITS_MB = {"control": 80.0, "web": 120.0, "cloud": 150.0}


@dataclass(frozen=True)
class Evidence:
    """Where the files of a run are, and how fast it ran."""

    witness: Path  # witness.jsonl
    data: Path
    control: Path
    cloud: Path  # SQLite file of the ledger
    tenant: str
    speed: float
    hard_max_ms: Mapping[OutputKey, int]  # by the registry
    peak_memory_mb: Mapping[str, float]

    @property
    def tolerance_ms(self) -> float:
        """How late an output may go off: 2 s of node time, or 0.2 s of real time, whichever is longer."""
        return max(TOLERANCE_VILLAGE_MS, TOLERANCE_REAL_MS * self.speed)


@dataclass
class Report:
    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failures

    def require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.failures.append(otherwise)


def audit(evidence: Evidence) -> Report:
    report = Report()
    events = list(read_lines(evidence.witness))
    readings(report, events, evidence)
    outputs(report, events, evidence)
    irrigation(report, evidence)
    water(report, events, evidence)
    resources(report, events, evidence.peak_memory_mb)
    return report


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The witness's lines; a torn last line is left out, as it never happened."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def measured(events: Iterable[Mapping[str, Any]]) -> set[Identity]:
    """The identities that nodes had on their flash, by the witness."""
    return {
        (event["node"], event["boot"], seq)
        for event in events
        if event["kind"] == "stored"
        for seq in range(event["first"], event["last"] + 1)
    }


def rows(path: Path, query: str, values: Sequence[object] = ()) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(query, values).fetchall()


def gateway_identities(data: Path) -> list[Identity]:
    return rows(data, "SELECT node, boot, seq FROM readings")


def cloud_identities(cloud: Path, tenant: str) -> list[Identity]:
    return rows(cloud, "SELECT node, boot, seq FROM readings WHERE tenant = ?", (tenant,))


def readings(report: Report, events: list[dict[str, Any]], evidence: Evidence) -> None:
    """Measured = in the gateway = in the cloud, by identity."""
    truth = measured(events)
    at_gateway = gateway_identities(evidence.data)
    at_cloud = cloud_identities(evidence.cloud, evidence.tenant)
    gateway, cloud = set(at_gateway), set(at_cloud)
    lost = (truth - gateway) | (truth - cloud)
    foreign = (gateway | cloud) - truth
    duplicated = (len(at_gateway) - len(gateway)) + (len(at_cloud) - len(cloud))
    conflicts = rows(evidence.cloud, "SELECT count(*) FROM conflicts WHERE tenant = ?", (evidence.tenant,))[0][0]
    quarantined = dict(rows(evidence.data, "SELECT reason, count(*) FROM quarantine GROUP BY reason"))
    report.figures["readings"] = {
        "measured": len(truth),
        "gateway": len(gateway),
        "cloud": len(cloud),
        "lost": len(lost),
        "duplicated": duplicated,
        "conflicts": conflicts,
        "not_measured": len(foreign),
        "quarantined": quarantined,
        "sent_again_and_suppressed": _counter(evidence.data, "readings_same"),
    }
    report.require(bool(truth), "no reading was measured")
    report.require(not truth - gateway, f"lost before the gateway: {_some(truth - gateway)}")
    report.require(not truth - cloud, f"lost before the cloud: {_some(truth - cloud)}")
    report.require(not foreign, f"stored but never measured: {_some(foreign)}")
    report.require(duplicated == 0, f"{duplicated} reading(s) stored twice")
    report.require(conflicts == 0, f"{conflicts} reading(s) reached the cloud with two contents")


@dataclass(frozen=True)
class OnTime:
    """One time that an output was on, with the ends of the leases accepted for it."""

    output: OutputKey
    on_ms: int
    off_ms: int | None
    leases: tuple[tuple[int, int], ...]  # (accepted at, until)

    @property
    def overrun_ms(self) -> float:
        """The longest that it was on with no lease in force, before it went off or was renewed too late.

        Endless without a lease or without an end.
        """
        if self.off_ms is None or not self.leases:
            return float("inf")
        covered_ms, overrun_ms = self.on_ms, 0
        for at_ms, until_ms in (*sorted(self.leases), (self.off_ms, self.off_ms)):
            overrun_ms = max(overrun_ms, at_ms - covered_ms)
            covered_ms = max(covered_ms, until_ms)
        return overrun_ms


def on_times(events: Iterable[Mapping[str, Any]]) -> list[OnTime]:
    """Every time an output was on. A lease belongs to the time that its line stands in or just before."""
    since: dict[OutputKey, int] = {}
    leases: dict[OutputKey, list[tuple[int, int]]] = {}
    found: list[OnTime] = []
    for event in events:
        if event["kind"] not in ("lease", "output"):
            continue
        key = (event["node"], event["output"])
        if event["kind"] == "lease":
            leases.setdefault(key, []).append((event["at_ms"], event["until_ms"]))
        elif event["on"]:
            since[key] = event["at_ms"]
        elif key in since:
            found.append(OnTime(key, since.pop(key), event["at_ms"], tuple(leases.pop(key, ()))))
    found += [OnTime(key, on_ms, None, tuple(leases.get(key, ()))) for key, on_ms in since.items()]
    return found


def outputs(report: Report, events: list[dict[str, Any]], evidence: Evidence) -> None:
    """No output was on past its lease, and no lease was given that the gateway had not committed."""
    times = on_times(events)
    late = [time for time in times if time.overrun_ms > evidence.tolerance_ms]
    longest = [time for time in times if time.off_ms is not None and _beyond_hard_max_ms(time, evidence) > 0]
    committed: dict[OutputKey, list[int]] = {}
    query = "SELECT node, output, duration_ms FROM commands WHERE action = ?"
    for node, output, duration_ms in rows(evidence.control, query, (commands.OPEN,)):
        committed.setdefault((node, output), []).append(duration_ms)
    accepted: dict[OutputKey, list[int]] = {}
    for node, output, until_ms, at_ms in _leases(events):
        accepted.setdefault((node, output), []).append(until_ms - at_ms)
    unasked = [
        key
        for key, lengths in accepted.items()
        if len(lengths) > len(committed.get(key, ()))
        or max(lengths) > max(committed.get(key, (0,))) + evidence.tolerance_ms
    ]
    report.figures["outputs"] = {
        "times_on": len(times),
        "leases_accepted": sum(len(lengths) for lengths in accepted.values()),
        "opens_committed": sum(len(lengths) for lengths in committed.values()),
        "longest_overrun_ms": max((time.overrun_ms for time in times if time not in late), default=0),
        "tolerance_ms": evidence.tolerance_ms,
        "beyond_lease": len(late),
        "beyond_hard_maximum": len(longest),
    }
    report.require(not longest, f"on beyond the hard maximum: {_some((t.output, t.on_ms, t.off_ms) for t in longest)}")
    report.require(not late, f"on beyond the lease: {_some((t.output, t.on_ms, t.off_ms) for t in late)}")
    report.require(not unasked, f"leases that no committed command explains: {_some(unasked)}")


def _beyond_hard_max_ms(time: OnTime, evidence: Evidence) -> float:
    """How much longer than its hard maximum (and the tolerance) it was on; an unknown output may not be on at all."""
    return (time.off_ms or 0) - time.on_ms - evidence.hard_max_ms.get(time.output, 0) - evidence.tolerance_ms


def _leases(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int, int, int]]:
    """Each lease once, as (node, output, until, first told at): a node may tell one twice when its line broke."""
    told = set()
    for event in events:
        if event["kind"] == "lease":
            lease = (event["node"], event["output"], event["until_ms"])
            if lease not in told:
                told.add(lease)
                yield (*lease, event["at_ms"])


def irrigation(report: Report, evidence: Evidence) -> None:
    """A dry garden was watered up to its target; a watering was refused; every decision has a reason."""
    runs = rows(evidence.control, "SELECT zone, started_ms, ended_ms, why_start, why_stop FROM runs ORDER BY id")
    whole = [run for run in runs if run[3] in DRY_RULES and run[4] in ENOUGH_RULES]
    decisions = rows(evidence.control, "SELECT id, verdict, rule, text_vi FROM decisions")
    refused = dict.fromkeys(SOURCE_RULES, 0)
    for _id, verdict, rule, _text in decisions:
        if verdict == Verdict.REFUSED and rule in refused:
            refused[Rule(rule)] += 1
    silent = [number for number, _verdict, rule, text in decisions if not rule.strip() or not text.strip()]
    open_runs = [(run[0], run[1]) for run in runs if run[2] is not None and not (run[4] or "").strip()]
    report.figures["irrigation"] = {
        "runs": len(runs),
        "dry_to_target": len(whole),
        "stopped_by": _tally(run[4] or "not ended" for run in runs),
        "refused_salt": refused[Rule.SOURCE_SALT],
        "refused_low": refused[Rule.SOURCE_LOW],
        "decisions": len(decisions),
        "decisions_by_rule": _tally(f"{verdict}/{rule}" for _id, verdict, rule, _text in decisions),
        "decisions_without_reason": len(silent),
    }
    report.require(bool(whole), "no garden was watered because it was dry and stopped at its target")
    report.require(sum(refused.values()) > 0, "no watering was refused, and no filling, for salt or low water")
    report.require(bool(decisions), "there is no decision")
    report.require(not silent, f"decisions without a reason: {_some(silent)}")
    report.require(not open_runs, f"runs that ended without a reason: {_some(open_runs)}")


def water(report: Report, events: Iterable[Mapping[str, Any]], evidence: Evidence) -> None:
    """What each garden got, by the field; and beside it what the gateway reckoned in its runs."""
    reckoned = dict(rows(evidence.control, "SELECT zone, sum(litres) FROM runs GROUP BY zone"))
    report.figures["water_by_zone"] = {
        event["zone"]: {
            "litres": round(event["litres"], 1),
            "mm": round(event["mm"], 2),
            "minutes": round(event["open_s"] / 60.0, 1),
            "litres_reckoned_by_gateway": round(reckoned.get(event["zone"], 0.0), 1),
        }
        for event in events
        if event["kind"] == "water"
    }
    total = sum(zone["litres"] for zone in report.figures["water_by_zone"].values())
    report.require(total > 0.0, "no water reached a garden")


def resources(report: Report, events: Iterable[Mapping[str, Any]], peak_memory_mb: Mapping[str, float]) -> None:
    """The nodes' lowest free heap and the processes' peak memory."""
    lowest: dict[str, int] = {}
    for event in events:
        if event["kind"] == "heap":
            lowest[event["node"]] = min(event["free"], lowest.get(event["node"], event["free"]))
    report.figures["lowest_free_heap_bytes"] = min(lowest.values(), default=None)
    report.figures["free_heap_by_node_bytes"] = lowest
    report.figures["peak_memory_mb"] = {name: round(mb, 1) for name, mb in sorted(peak_memory_mb.items())}
    report.require(bool(lowest), "no node told its free heap")
    for name, limit in MEMORY_LIMITS_MB.items():
        peak = peak_memory_mb.get(name)
        report.require(peak is not None, f"the memory of {name} was never seen")
        report.require(peak is None or peak <= limit, f"{name} took {peak} MB, its limit is {limit:g} MB")


def _counter(data: Path, name: str) -> int:
    found = rows(data, "SELECT n FROM counters WHERE name = ?", (name,))
    return int(found[0][0]) if found else 0


def _tally(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items()))


def _some(cases: Iterable[object]) -> str:
    found = sorted(cases, key=repr)
    return f"{len(found)}, such as {', '.join(map(repr, found[:NAMED]))}"
