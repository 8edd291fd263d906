"""``hoiquan balance``: the daily soil water balance by FAO-56 of one scenario.

Rules
1. The result has one row a day with the columns that docs/interfaces.md names; what a single crop coefficient does not
   tell apart stays empty.
2. The season's totals are for people: on the screen, beside the table when that goes to the screen too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cli import scenario, tables
from cli.arguments import Parser
from cli.refusal import deliver, input_file, note, output_file, run
from cli.scenario import Scenario
from cli.tables import figure
from gateway.core.fao56 import season
from gateway.core.fao56.balance import Result

NAME = "balance"
DECIMALS = 3
COLUMNS = (
    "et0_mm", "kcb", "ke", "kc", "ks", "etc_mm", "eta_mm", "evaporation_mm", "transpiration_mm", "percolation_mm",
    "runoff_mm", "de_mm", "dr_mm", "taw_mm", "raw_mm", "irrigation_mm", "rain_mm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Total:
    """A line of the totals."""

    column: str
    vi: str
    en: str


TOTALS = (
    Total("et0_mm", "bốc thoát hơi chuẩn", "reference evapotranspiration"),
    Total("etc_mm", "cây cần", "crop demand"),
    Total("eta_mm", "cây và đất đã dùng", "actual evapotranspiration"),
    Total("evaporation_mm", "bốc hơi từ đất", "evaporation from the soil"),
    Total("transpiration_mm", "cây thoát hơi", "transpiration"),
    Total("rain_mm", "mưa", "rain"),
    Total("irrigation_mm", "tưới", "irrigation"),
    Total("loss_mm", "hao khi tưới", "irrigation that did not reach the soil"),
    Total("runoff_mm", "chảy tràn", "runoff"),
    Total("percolation_mm", "thấm sâu", "deep percolation"),
)


def main(argv: list[str]) -> int:
    """Read the scenario, run it, write the table, show the totals."""
    parser = Parser(prog="hoiquan balance", description="Daily soil water balance by FAO-56 of a scenario.",
                    epilog="The scenario's keys are described in docs/interfaces.md.")  # fmt: skip
    parser.add_argument("input", metavar="SCENARIO.toml", type=input_file)
    parser.add_argument("-o", dest="output", metavar="OUT.csv", type=output_file, help="default: the screen")
    args = parser.parse_args(argv)
    return run(NAME, lambda: _work(args))


def _work(args: argparse.Namespace) -> int:
    plan = scenario.read(args.input)
    _, result = season.run(
        plan.field, plan.state, plan.weather, events=plan.events, rule=plan.rule, observed=plan.observed
    )
    _tell(plan)
    deliver(_text(plan, result), args.output, args.input, *plan.files)
    print("\n".join(_totals(plan, result)), file=sys.stdout if args.output else sys.stderr)
    return 0


def _tell(plan: Scenario) -> None:
    """Notes about what is unusual."""
    if plan.ignored_events:
        count = plan.ignored_events
        note(
            NAME,
            f"{count} lần tưới nằm ngoài vụ, không tính",
            f"{count} irrigations lie outside of the run, not counted",
        )
    extra = len(plan.days) - plan.season_days
    if extra > 0:
        note(NAME, f"chạy thêm {extra} ngày sau giai đoạn cuối; ghi crop.end để dừng sớm hơn",
             f"the run goes on {extra} days after the last stage; name crop.end to stop earlier")  # fmt: skip
    if extra < 0:
        note(
            NAME,
            f"dừng {-extra} ngày trước khi hết giai đoạn cuối",
            f"the run ends {-extra} days before the last stage does",
        )


def _text(plan: Scenario, result: Result) -> str:
    columns = [getattr(result, name)[:, 0].tolist() for name in COLUMNS]
    rows = (
        [day.isoformat(), *(figure(value, DECIMALS) for value in values)]
        for day, *values in zip(plan.days, *columns, strict=True)
    )
    return tables.written(("date", *COLUMNS), rows)


def _totals(plan: Scenario, result: Result) -> Iterator[str]:
    yield f"{plan.days[0]} .. {plan.days[-1]}, {len(plan.days)} ngày / days"
    for total in TOTALS:
        amount = float(getattr(result, total.column).sum())
        if not np.isnan(amount):
            yield f"  {total.column:18}{amount:10.1f} mm  {total.vi} / {total.en}"
    ks = result.ks[:, 0]
    yield f"  {'dr_mm':18}{result.dr_mm[-1, 0]:10.1f} mm  thiếu nước cuối vụ / depletion at the end"
    stressed = int((ks < 1.0).sum())
    yield f"  {'ks':18}{ks.mean():10.3f}     trung bình / mean; {stressed} ngày thiếu nước / days of stress"
