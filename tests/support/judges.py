"""The properties S1 to S12 and D1 to D7 of the irrigation, each a judge of a witnessed script.

A judge raises AssertionError with what it saw. docs/proof.md tells by which other tests each of them is held. Times of
the judges are those of the truth, never of the gateway's clock.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support.judges_decide import d1, d2, d3, d4, d5, d6, d7
from tests.support.judges_safety import s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12
from tests.support.witness import Script, Witnessed

Judge = Callable[[Script, Witnessed], None]
JUDGES: dict[str, Judge] = {
    judge.__name__.upper(): judge
    for judge in (s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, d1, d2, d3, d4, d5, d6, d7)
}
