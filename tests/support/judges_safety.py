"""The judges of S1 to S12: what keeps the irrigation safe. See judges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from gateway.core.probes import Trust, vote
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Phase
from gateway.core.types import Alarm, Decide, OutputRef, RunStarted, Send
from tests.support.irrigation import HARD_MAX_S, MAIN, PUMP, START_MS, VALVES
from tests.support.witness import (
    LATEST_HOP_MS,
    LIMITS,
    PIPE,
    PUMP_SETTINGS,
    SETTINGS,
    ZONES,
    Script,
    Step,
    Witnessed,
    effects,
    is_on,
    play,
)
from wire import commands, fields

SLACK_MS = 2_000
HOUR_MS = 3_600_000
DRY_RUN_MS = 15_000
LEAK_MS = 30_000
BY_ITSELF = frozenset({Rule.SOIL_DRY, Rule.DEPLETED, Rule.MODEL_DRY, Rule.BALANCE_DRY})
OUTPUTS = tuple(sorted(SETTINGS.refs, key=lambda ref: ref.key))


def s1(_: Script, village: Witnessed) -> None:
    """S1. No output is on longer than its lease, from the last command that its node took, or than its hard maximum."""
    for seen, sent in effects(village, Send):
        if sent.action == commands.OPEN:
            assert 0 < sent.duration_ms <= LIMITS.lease_ms, (seen.at_ms, sent)
    for output in OUTPUTS:
        granted = list(_grants(village, output))
        for on_ms, off_ms in village.on_times(output):
            assert off_ms - on_ms <= HARD_MAX_S * 1000 + SLACK_MS, (output, on_ms)
            end_ms = on_ms
            for at_ms, until_ms in (grant for grant in granted if on_ms <= grant[0] <= off_ms):
                assert at_ms <= end_ms + SLACK_MS, (output, on_ms, at_ms)
                end_ms = until_ms
            assert off_ms <= end_ms + SLACK_MS, (output, on_ms, off_ms)


def _grants(village: Witnessed, output: OutputRef) -> Iterator[tuple[int, int]]:
    """(when, until when) of each lease that a node gave; a copy of a command gives none."""
    given: set[tuple[int, int]] = set()
    for done in village.executed:
        if (done.send.node, done.send.output, done.send.action) != (output.node, output.output, commands.OPEN):
            continue
        if done.receipt.status == commands.ACCEPTED and (done.boot, done.send.counter) not in given:
            given.add((done.boot, done.send.counter))
            yield done.at_ms, done.at_ms + done.send.duration_ms


def s2(_: Script, village: Witnessed) -> None:
    """S2. With the power of a node all its outputs go off, and stay off until a command for its new boot."""
    for at_ms, words in village.events:
        if words[0] != "reboot":
            continue
        for output in (ref for ref in OUTPUTS if ref.node == words[1]):
            assert not is_on(village, output, at_ms), (output, at_ms)
            later = [on_ms for on_ms, _ in village.on_times(output) if on_ms > at_ms]
            taken = [done for done in village.executed if done.at_ms > at_ms and done.send.node == output.node]
            if later:
                assert any(
                    done.at_ms <= later[0] and done.send.boot == done.boot and done.send.action == commands.OPEN
                    for done in taken
                ), (output, later[0])


def s3(_: Script, village: Witnessed) -> None:
    """S3. Counters rise; what comes twice, late or out of order is executed at most once, with the same answer."""
    given: dict[str, int] = {}
    for _seen, sent in effects(village, Send):
        assert sent.counter > given.get(sent.node, 0), sent
        given[sent.node] = sent.counter
    last: dict[tuple[str, int], tuple[int, commands.Receipt]] = {}
    for done in village.executed:
        if done.receipt.status != commands.ACCEPTED:
            continue
        assert done.send.boot == done.boot, done
        before = last.get((done.send.node, done.boot))
        if before is not None and before[0] == done.send.counter:
            assert done.receipt == before[1], done
        else:
            assert before is None or done.send.counter > before[0], done
            assert done.uptime_ms <= done.send.expires_uptime_ms, done
        last[(done.send.node, done.boot)] = (done.send.counter, done.receipt)


def s4(script: Script, village: Witnessed) -> None:
    """S4. Setting the gateway's clock changes no time at which water runs: the same script with a clock that is set
    by nothing switches the same at the same time."""
    unset = tuple((at_s, "clock 0" if event.startswith("clock") else event) for at_s, event in script)
    assert play(unset).switched == village.switched


def s5(_: Script, village: Witnessed) -> None:
    """S5. A pump goes on behind an open path only; and a run does not outlive the step in which its source is bad."""
    for on_ms, _off in village.on_times(PUMP):
        assert is_on(village, MAIN, on_ms) and any(is_on(village, VALVES[z], on_ms) for z in ("xoai", "rau")), on_ms
    for seen in village.trace:
        if _source_is_good(seen):
            continue
        for zone in ZONES:
            run = seen.after.zones[zone.id].run
            assert run is None or run.stop is not None, (seen.at_ms, zone.id)
        assert not any(isinstance(e, Send) and e.action == commands.OPEN for e in seen.effects), seen.at_ms


def _source_is_good(seen: Step) -> bool:
    source = SETTINGS.sources[0]
    for ref, least, most in (
        (source.level, source.min_level_mm, 9_999),
        (source.conductivity[0], 1, source.limit_us_cm - 1),
    ):
        known = seen.after.latest.get(ref.key)
        if known is None or known.value is None or known.quality not in (fields.GOOD, fields.NOT_EVALUATED):
            return False
        if seen.wall_ms - known.measured_at_ms > source.max_age_ms or not least <= known.value <= most:
            return False
    return True


def _spans(village: Witnessed, what: str, bad: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """From when to when the world was bad in one way."""
    since_ms: int | None = None
    for at_ms, words in [*village.events, (village.now_ms, [what, "1" if what == "flow" else "0"])]:
        if words[0] != what:
            continue
        if bad(words[1]) and since_ms is None:
            since_ms = at_ms
        elif not bad(words[1]) and since_ms is not None:
            yield since_ms, at_ms
            since_ms = None


def s6(_: Script, village: Witnessed) -> None:
    """S6. A pump that gets no water is off within 15 s after its prime time, where gateway and way are well; and one
    that is locked is not started before a person has looked."""
    for dry_ms, well_ms in _spans(village, "flow", lambda part: float(part) == 0.0):
        for on_ms, off_ms in village.on_times(PUMP):
            from_ms = max(dry_ms, on_ms + PUMP_SETTINGS.prime_ms)
            to_ms = from_ms + DRY_RUN_MS + SLACK_MS
            if from_ms >= min(off_ms, well_ms) or to_ms > well_ms or not village.is_calm(on_ms, to_ms):
                continue
            if _alone_on_pipe(village, from_ms - PUMP_SETTINGS.prime_ms, to_ms):
                assert off_ms <= to_ms, (dry_ms - START_MS, on_ms - START_MS, off_ms - START_MS)
    for seen, told in effects(village, RunStarted):
        zone = SETTINGS.zone_by_id[told.zone]
        if zone.pump and zone.pump.key in seen.before.locks and zone.pump.key in seen.after.locks:
            raise AssertionError(f"{zone.id} began on a locked pump at {seen.at_ms}")


def _alone_on_pipe(village: Witnessed, from_ms: int, to_ms: int) -> bool:
    """Whether the pump is not handed over meanwhile: then one flow is that of two gardens."""
    changes = [s.at_ms for s in village.switched if s.output in (VALVES["xoai"], VALVES["rau"])]
    return not any(from_ms < at_ms < to_ms for at_ms in changes)


def s7(_: Script, village: Witnessed) -> None:
    """S7. A pump rests before it starts again, starts not too often, and is not started for less than its least run."""
    times = village.on_times(PUMP)
    for one, other in itertools.pairwise(times):
        assert other[0] - one[1] >= PUMP_SETTINGS.min_rest_ms, other
    for number, (on_ms, _off) in enumerate(times):
        recent = [other for other, _ in times[: number + 1] if on_ms - other < HOUR_MS]
        assert len(recent) <= PUMP_SETTINGS.starts_an_hour + 1, recent  # the node counts from when it hears of it
    for seen in village.trace:
        for zone in ZONES:
            run = seen.after.zones[zone.id].run
            fresh = run is not None and (zone.id not in seen.before.zones or seen.before.zones[zone.id].run is None)
            if run and fresh and zone.pump == PUMP and run.why is not Rule.MANUAL_WATER:
                assert run.ends_at_ms - run.asked_at_ms >= PUMP_SETTINGS.min_run_ms, (seen.at_ms, run)


def s8(_: Script, village: Witnessed) -> None:
    """S8. Valves open before their pump and close after it; a node that loses its power closes all at once."""
    reboots = {at_ms for at_ms, words in village.events if words[0] == "reboot"}
    on: dict[object, int] = {}
    for switched in village.switched:
        if switched.on:
            on[switched.output] = switched.at_ms
            if switched.output == PUMP:
                assert switched.at_ms - on[MAIN] >= PUMP_SETTINGS.lead_ms, switched
            continue
        del on[switched.output]
        if PUMP in on and switched.at_ms not in reboots:
            assert switched.output != MAIN and PIPE - {MAIN} & on.keys(), switched


def s9(_: Script, village: Witnessed) -> None:
    """S9. A command without an answer leaves its output unknown after 10 s, closed again and again, then quarantined;
    it is never taken for open, and what is quarantined is not used."""
    for seen in village.trace:
        for key, output in seen.after.outputs.items():
            if output.asked_at_ms is not None:
                assert seen.wall_ms - output.asked_at_ms < LIMITS.answer_ms, (seen.at_ms, key, output)
            assert output.closes <= LIMITS.close_retries + 1, (seen.at_ms, key, output)
            before = seen.before.outputs.get(key)
            if output.phase is Phase.OPEN and before is not None and before.phase is not Phase.OPEN:
                node = key.rpartition("/")[0]
                assert any(receipt.node == node for receipt in seen.inputs.receipts), (seen.at_ms, key)
            if output.phase is Phase.QUARANTINED and before is not None and before.phase is Phase.QUARANTINED:
                opened = [e for e in seen.effects if isinstance(e, Send) and f"{e.node}/{e.output}" == key]
                assert all(e.action != commands.OPEN for e in opened), (seen.at_ms, key)


def s10(_: Script, village: Witnessed) -> None:
    """S10. Water that flows when all has been off for 10 s is told, and its pump locked, within 30 s, where gateway and
    way are well. (No flow and a burst: see docs/proof.md.)"""
    alarms = [seen.at_ms for seen, told in effects(village, Alarm) if told.rule is Rule.LEAK and told.on]
    for leak_ms, well_ms in _spans(village, "leak", lambda litres: float(litres) > 1.0):
        for _on, off_ms in village.on_times(PUMP):
            valves = [end for ref in PIPE for _, end in village.on_times(ref) if off_ms <= end <= off_ms + 30_000]
            from_ms = max([off_ms, *valves])
            to_ms = from_ms + LEAK_MS
            still = any(is_on(village, ref, at_ms) for ref in PIPE for at_ms in range(from_ms + 100, to_ms, 1_000))
            if leak_ms > off_ms or to_ms > well_ms or still or not village.is_calm(off_ms, to_ms):
                continue
            assert any(leak_ms <= at_ms <= to_ms for at_ms in alarms), (leak_ms - START_MS, off_ms - START_MS)


def s11(_: Script, village: Witnessed) -> None:
    """S11. A node that cannot be reached, or whose gateway is dead, lets its water run no longer than one lease."""
    for node in village.nodes:
        for from_ms, to_ms in _unreachable(village, node):
            latest_ms = from_ms + LATEST_HOP_MS + LIMITS.answer_ms + LIMITS.lease_ms + SLACK_MS
            for output in (ref for ref in OUTPUTS if ref.node == node):
                lease_ms = LIMITS.pump_lease_ms if output == PUMP else LIMITS.lease_ms
                last_ms = latest_ms - LIMITS.lease_ms + lease_ms
                for on_ms, off_ms in village.on_times(output):
                    assert not on_ms < last_ms < min(off_ms, to_ms), (output, from_ms - START_MS)


def _unreachable(village: Witnessed, node: str) -> Iterable[tuple[int, int]]:
    since_ms: int | None = None
    cut, dead = False, False
    for at_ms, words in [
        *village.events,
        (village.now_ms, ["link", node, "up"]),
        (village.now_ms, ["gateway", "start"]),
    ]:
        if words[:2] == ["link", node]:
            cut = words[2] != "up"
        elif words[0] == "gateway":
            dead = words[1] == "kill"
        if (cut or dead) and since_ms is None:
            since_ms = at_ms
        elif not (cut or dead) and since_ms is not None:
            yield since_ms, at_ms
            since_ms = None


def s12(_: Script, village: Witnessed) -> None:
    """S12. Nothing begins by itself on bad, stale or missing data; what lives on the weather gets no more than the crop
    has used since the last watering."""
    for seen, told in effects(village, Decide):
        if told.verdict is not Verdict.START or told.rule not in BY_ITSELF:
            continue
        ballot = vote(SETTINGS.zone_by_id[told.zone], seen.after.latest, seen.wall_ms, LIMITS)
        if told.rule is Rule.MODEL_DRY:
            dose_um, asked_um = told.inputs["dose_um"], told.inputs["asked_um"]
            assert isinstance(dose_um, int) and isinstance(asked_um, int) and dose_um <= asked_um, told
        elif told.rule is not Rule.BALANCE_DRY or told.inputs["dose_um"] > told.inputs["asked_um"]:  # type: ignore[operator]
            assert ballot.trust is Trust.SURE, (seen.at_ms, told, ballot)
