"""``python -m gateway card NODE…``: prints the cards with which a technician sets up new nodes."""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path

from gateway import registry, secrets
from gateway.core.village import Village
from gateway.enrol.cards import Card, places, sheet
from gateway.enrol.codes import Codes
from gateway.home import Home, home_from
from gateway.process import ProcessError, no_such_node
from gateway.provision import broker_address
from kit.clock import Clock, clock_from_environment
from kit.files import PRIVATE, write_atomic
from wire import enrol

DAY_MS = 86_400_000
DAYS = 7
MAX_DAYS = 60
MAX_SSID_BYTES = 32


def card(arguments: argparse.Namespace) -> int:
    """Make the codes and the sheet; prints where it is."""
    home = home_from(arguments.home)
    out = Path(arguments.out).absolute() if arguments.out else home.root / "cards.html"
    page = make(home, arguments.node, clock_from_environment(), arguments.days, arguments.ssid)
    try:
        write_atomic(out, page, mode=PRIVATE)
    except OSError as error:
        raise ProcessError(f"{out}: cannot be written: {error.strerror or error}") from error
    print(f"{out}: mở bằng trình duyệt, in ra giấy A4, dùng trong {arguments.days} ngày")
    print(f"  open it in a browser, print it on A4, good for {arguments.days} days")
    return 0


def make(home: Home, nodes: list[str], clock: Clock, days: int = DAYS, ssid: str = "") -> str:
    """The sheet for these nodes, with new codes. Raises RegistryError, SecretsError or ProcessError."""
    village = registry.load(home.registry)
    codes = Codes(home.enrol)
    _check(home, village, codes, nodes, days, ssid)
    pin = enrol.pin_of(ssl.PEM_cert_to_DER_cert(home.ca.read_text(encoding="ascii")))
    gateway = f"{broker_address(village.broker.host)}:{village.broker.enrol_port}"
    now_ms, lasts_ms = clock.now_ms(), days * DAY_MS
    cards = []
    for node in (village.nodes[name] for name in dict.fromkeys(nodes)):
        code = codes.issue(node.id, now_ms, lasts_ms)
        where = places(village, node)
        cards.append(Card(node.id, node.name, node.model, where, code, pin, gateway, ssid, now_ms + lasts_ms))
    return sheet(village, cards)


def _check(home: Home, village: Village, codes: Codes, nodes: list[str], days: int, ssid: str) -> None:
    if not 1 <= days <= MAX_DAYS:
        raise ProcessError(f"--days {days}: phải từ 1 tới {MAX_DAYS} / must be 1 to {MAX_DAYS}")
    if len(ssid.encode()) > MAX_SSID_BYTES or any(ord(character) < 32 for character in ssid):
        raise ProcessError(f"--ssid {ssid!r}: nhiều nhất {MAX_SSID_BYTES} byte chữ / "
                           f"must be at most {MAX_SSID_BYTES} bytes of plain text")  # fmt: skip
    kept = secrets.load(home.secrets, village.nodes.keys() & set(nodes))
    for node in nodes:
        if node not in village.nodes:
            raise no_such_node(node, home.registry, village.nodes)
        if node in kept.revoked or codes.handed_over(node):
            shut = node in kept.revoked
            vi = "đã bị chặn" if shut else "đã cài cho một hộp rồi"
            why = "is shut out" if shut else "has given its secrets to a board already"
            again = f"`./hoiquan gateway provision --rotate {node}`"
            raise ProcessError(f"{node} {vi}: {again} làm khóa mới và chặn hộp cũ / "
                               f"{node} {why}: {again} makes new ones, and shuts that board out")  # fmt: skip
        if not (home.nodes / f"{node}.json").exists():
            raise ProcessError(
                f"{home.nodes / node}.json không có, hãy chạy / is not there: run `./hoiquan gateway provision`"
            )
