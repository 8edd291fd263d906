"""S1 to S12 and D1 to D7, each by its name and twice: with a link that is well, so that the core alone is tried by what
the world and people do, and with the lease code of the nodes behind a link that loses, doubles, delays and reorders,
with nodes and gateway that die, and with a clock that is set. See tests/support/judges.py and docs/proof.md.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from firmware.node.lease import Output
from gateway.core.rules import Rule
from gateway.core.types import Alarm
from tests.support.judges import JUDGES
from tests.support.witness import Script, play
from wire import commands

NAMES = (*(f"S{number}" for number in range(1, 13)), *(f"D{number}" for number in range(1, 8)))
DOC = Path(__file__).resolve().parents[2] / "docs" / "proof.md"

WORLD = st.one_of(
    st.sampled_from(["soil xoai 24 24 24", "soil rau 24 24 24", "soil quyt 24 24 24", "soil rau 25 25 25"] * 2),
    st.sampled_from(
        ["soil xoai 35 35 35", "soil rau 33 33 33", "soil quyt - 24 x", "soil xoai - - -", "soil quyt 20 30 45"]
    ),
    st.sampled_from(["level 700", "level 500", "salt 400", "salt 1600", "salt -", "level -"]),
    st.sampled_from(["flow 0", "flow 0", "flow 1", "leak 5", "leak 0"]),
    st.sampled_from(["rain 1", "rain 1", "rain 7", "rain 20", "outlook 60 90", "outlook 0 0", "outlook -"]),
    st.sampled_from(
        ["water xoai 10", "water rau 3", "stop xoai", "stop rau", "stop quyt", "unlock xoai", "late water rau 5"]
    ),
    st.sampled_from(["try xoai", "try rau", "try quyt", "water xoai 5", "water rau 8", "late try xoai"]),
)
MACHINES = st.one_of(
    st.sampled_from([f"link {node} {how}" for node in ("van", "van-2") for how in ("deaf", "cut", "up", "up")]),
    st.sampled_from(["slow van 6000", "slow van 12000", "slow van 100", "reboot van", "reboot van-2"]),
    st.sampled_from(["gateway kill", "gateway start", "gateway start", "clock 86400", "clock -86400", "clock -3600"]),
    st.sampled_from(["mess 1", "mess 2", "mess 3", "mess off"]),
)


def scripts(*events: st.SearchStrategy[str]) -> st.SearchStrategy[Script]:
    moment = st.tuples(st.integers(0, 3_300), st.one_of(*events))
    return st.lists(moment, max_size=14).map(lambda found: tuple(sorted(found)))


@pytest.mark.parametrize("name", NAMES)
@run_with(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(script=scripts(WORLD))
def test_the_core(name: str, script: Script) -> None:
    """S1 to S12, D1 to D7: the same plays for all names, so that each is played once."""
    JUDGES[name](script, play(script))


@pytest.mark.parametrize("name", NAMES)
@run_with(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(script=scripts(WORLD, MACHINES, MACHINES))
def test_the_system(name: str, script: Script) -> None:
    """S1 to S12, D1 to D7 over gateway, link and nodes."""
    JUDGES[name](script, play(script))


# What each property has to be tried by, so that none of them is empty.
TELLING: dict[str, Script] = {
    "S2": ((100, "reboot van"), (2_000, "reboot van-2")),
    "S3": ((0, "mess 1"), (2_000, "mess 2")),
    "S4": ((300, "clock 86400"), (900, "clock -90000"), (2_000, "clock 7200")),
    "S5": ((300, "salt 1600"), (1_500, "salt 400"), (2_400, "level -")),
    "S6": ((200, "flow 0"), (1_200, "soil rau 24 24 24")),
    "S8": ((0, "mess 3"),),  # answers of one millisecond come twice, the older one last
    "S9": ((100, "link van deaf"), (2_500, "link van up")),
    "S10": ((200, "leak 5"), (400, "soil rau 33 33 33")),
    "S11": ((100, "link van cut"), (1_200, "link van up"), (1_500, "gateway kill"), (2_400, "gateway start")),
    "S12": ((60, "soil xoai - - -"), (60, "soil rau 10 30 60")),
    "D1": ((900, "soil rau 25 25 25"), (1_500, "soil rau 33 33 33")),
    "D2": ((10, "rain 1"), (600, "rain 7"), (600, "rain 7"), (900, "rain 20")),
    "D3": ((0, "outlook 60 90"), (1_500, "outlook -")),
    "D4": ((200, "gateway kill"), (260, "gateway start"), (1_400, "gateway kill"), (2_000, "gateway start")),
    "D7": ((200, "stop xoai"), (300, "stop quyt")),
}


@pytest.mark.parametrize("name", TELLING)
def test_a_script_that_is_made_for_it(name: str) -> None:
    JUDGES[name](TELLING[name], play(TELLING[name]))


def test_the_scripts_are_not_too_tame() -> None:
    told = {name: {decision.rule for decision in play(script).decisions} for name, script in TELLING.items()}
    wanted = {
        "S2": Rule.NODE_RESTARTED, "S5": Rule.SOURCE_SALT, "S6": Rule.DRY_RUN, "S9": Rule.NO_ANSWER,
        "D4": Rule.GATEWAY_RESTARTED, "D7": Rule.MANUAL_STOP, "S12": Rule.PROBES_UNSURE,
    }  # fmt: skip
    for name, rule in wanted.items():
        assert rule in told[name], (name, told[name])
    assert any(done.receipt.status == commands.REPLAYED for done in play(TELLING["S3"]).executed)
    assert any(effect.rule is Rule.LEAK for effect in play(TELLING["S10"]).effects if isinstance(effect, Alarm))


@pytest.mark.parametrize(
    ("name", "longer_ms"), [("S1", 10_000), ("S1", 1_500_000), ("S11", 120_000), ("S11", 1_500_000)]
)
def test_a_node_that_overruns_its_leases_is_found(name: str, longer_ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that lets an overrun pass would be no judge. S11 counts from the cut, the lease from its last renewal."""
    end_ms = Output.end_ms
    monkeypatch.setattr(Output, "end_ms", lambda output: end_ms(output) + longer_ms)
    with pytest.raises(AssertionError):
        JUDGES[name](TELLING["S11"], play.__wrapped__(TELLING["S11"]))


def test_every_property_has_a_judge_and_a_line_in_the_document() -> None:
    """The house rule of this suite: a name without a judge, or a judge without its name and its line, is a failure."""
    assert tuple(JUDGES) == NAMES
    text = DOC.read_text(encoding="utf-8")
    for name, judge in JUDGES.items():
        assert judge.__doc__ is not None and judge.__doc__.startswith(f"{name}. "), name
        (line,) = re.findall(rf"^\| {name} \|.*$", text, re.MULTILINE)
        assert len(line.split("|")) == 6, line
        for path in re.findall(r"`(tests/[^`: ]+\.(?:py|toml))`", line):
            assert (DOC.parents[1] / path).is_file(), (name, path)
