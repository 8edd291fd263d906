"""Runs in a process of its own: builds circuits in SKiDL from JSON on stdin, and tells on stdout what its ERC says.

It needs no library of KiCad: every kind of part is defined here from its pins. The nets that SKiDL has built go back as
well, so that they can be compared with ours.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import sys
from typing import Any

with contextlib.redirect_stderr(io.StringIO()):  # it complains about every version of KiCad that is not there
    import skidl  # type: ignore[import-not-found]

TYPES = {
    "passive": "PASSIVE", "in": "INPUT", "out": "OUTPUT", "bidir": "BIDIR", "power_in": "PWRIN", "power_out": "PWROUT",
    "gnd": "PWRIN", "nc": "NOCONNECT",
}
OPEN = "NC"


def check(parts: list[dict[str, Any]], rails: list[str]) -> dict[str, Any]:
    """Build one circuit, run the ERC, and tell its counts and the nets."""
    skidl.reset()
    nets: dict[str, Any] = {}
    for described in parts:
        pins = [
            skidl.Pin(num=number, name=name, func=getattr(skidl.Pin.types, TYPES[kind]))
            for number, name, kind, _ in described["pins"]
        ]
        part = skidl.Part(
            name=described["part"], tool=skidl.SKIDL, dest=skidl.NETLIST, pins=pins, ref=described["ref"],
            ref_prefix=described["ref"].rstrip("0123456789"), value=described["value"],
            footprint=described["footprint"], tag=described["ref"],
        )
        for number, _, _, net in described["pins"]:
            if net == OPEN:
                part[number] += vars(builtins)[OPEN]  # SKiDL puts its NC there
                continue
            if net not in nets:
                nets[net] = skidl.Net(net)
                if net in rails or net == "GND":
                    nets[net].drive = skidl.POWER
            part[number] += nets[net]
    skidl.ERC()
    built = {name: sorted(f"{pin.part.ref}.{pin.num}" for pin in net.pins) for name, net in nets.items()}
    log = skidl.erc_logger
    return {"errors": log.error.count, "warnings": log.warning.count, "nets": built}


def main() -> None:
    told = json.load(sys.stdin)
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        heard = {name: check(parts, told["rails"]) for name, parts in told["circuits"].items()}
    json.dump(heard, out)


if __name__ == "__main__":
    main()
