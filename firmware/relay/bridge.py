"""A bridge's side of the air: the sessions of its leaves. Pure: packets and time in, packets and frames out.

Rules
1. A leaf is whoever can make the tag of the hop that follows from the bridge's key and the id it says (air.py). At most
   wire.relay.MAX_LEAVES at once; a leaf that was silent for ``gone_ms`` is dropped, and its last will published for it.
2. A JOIN opens a session beside the present one; only a good packet in it, which nobody can make who repeats an old
   JOIN, ends the present one. As long as nothing followed, the same JOIN gets the same answer: whichever comes is good.
3. A whole message waits here until the broker's link has room for it (``ready``, ``accept``), one for each leaf: until
   then the leaf is told BUSY. What came down for a leaf waits too, MAX_DOWN frames for each; what finds no room is
   dropped: the gateway says it again.
4. The bridge reads of a frame only its kind. It can keep a frame back, as a broken cable can; it cannot change one.
"""

from wire import relay
from wire.seal import Sealer

from . import air
from .parts import MAX_NUMBER, Receiver, Sender

MAX_DOWN = 3
_GONE = air.KINDS.index("gone")


class Peer:
    """One leaf and its present session."""

    def __init__(self, leaf: str, hop: Sealer, now_ms: int) -> None:
        self.leaf = leaf
        self.hop = hop
        self.name = ""  # the session
        self.mac = b""
        self.wanted = None  # (session, MAC) of a JOIN that nothing has followed yet
        self.heard_ms = now_ms
        self.will = None
        self.down = []  # (kind, payload)
        self.sender = Sender()
        self.receiver = Receiver()


class Bridge:
    def __init__(self, key: bytes, random, gone_ms: int = 30_000) -> None:
        self._key = key
        self._random = random
        self._gone_ms = gone_ms
        self._peers = {}  # address -> Peer
        self.online = False
        self.out = []  # (MAC, packet)
        self.wills = []  # (leaf, payload) of leaves that are gone
        self.joined = []  # ids of leaves that came

    @property
    def leaves(self) -> list[str]:
        """Who has a session."""
        return [peer.leaf for peer in self._peers.values() if peer.name]

    def heard(self, mac: bytes, data: bytes, now_ms: int) -> None:
        """Take in a packet, whatever it is."""
        found = air.split(data)
        if found is None:
            return
        kind, address, body = found
        if kind == air.JOIN:
            self._join(bytes(mac), address, data, body, now_ms)
            return
        peer = self._peers.get(address)
        if peer is None or kind not in (air.UP, air.DOWN_ACK) or not self._proved(peer, data):
            return
        peer.heard_ms = now_ms
        if kind == air.UP:
            said = peer.receiver.take(body)
            if peer.receiver.ready is not None and peer.receiver.ready[0] == _GONE:
                peer.will = peer.receiver.ready[1]
                said = peer.receiver.accept()
            if said is not None:
                self._answer(address, peer, said)
            return
        acked = air.split_ack(body)
        if acked is not None and peer.sender.acked(acked[0], acked[1], acked[2], now_ms) and peer.down:
            peer.down.pop(0)

    def step(self, now_ms: int) -> None:
        """Move time on."""
        for address, peer in list(self._peers.items()):
            if now_ms - peer.heard_ms >= self._gone_ms or peer.sender.number >= MAX_NUMBER:
                del self._peers[address]
                if peer.will is not None:
                    self.wills.append((peer.leaf, peer.will))
                continue
            if peer.down and not peer.sender.busy:
                peer.sender.start(peer.down[0][0], peer.down[0][1], now_ms)
            for body in peer.sender.due(now_ms):
                self._say(address, peer, air.DOWN, body)
            if peer.sender.failed:
                number = peer.sender.number
                peer.down.pop(0)  # the gateway says it again
                peer.sender = Sender()
                peer.sender.number = number

    def wait_ms(self, now_ms: int) -> int:
        """How long ``step`` has nothing to do if nothing is heard."""
        due = [peer.sender.due_ms(now_ms) for peer in self._peers.values() if peer.sender.busy]
        if any(peer.down and not peer.sender.busy for peer in self._peers.values()):
            return 0
        return min(due) if due else 1_000

    def ready(self) -> tuple[str, str, bytes] | None:
        """(leaf, kind, frame) of a message that is to be published."""
        for peer in self._peers.values():
            if peer.receiver.ready is not None:
                return peer.leaf, air.KINDS[peer.receiver.ready[0]], peer.receiver.ready[1]
        return None

    def accept(self, leaf: str) -> None:
        """The message of this leaf that was ready is published."""
        address = relay.address(leaf)
        peer = self._peers[address]
        self._answer(address, peer, peer.receiver.accept())

    def send(self, leaf: str, kind: str, payload: bytes) -> bool:
        """A frame for a leaf; False: it is not there, or has no room."""
        peer = self._peers.get(relay.address(leaf))
        if peer is None or not peer.name or len(peer.down) >= MAX_DOWN or kind not in air.KINDS:
            return False
        if len(payload) > air.MAX_PARTS * air.MAX_CHUNK:
            return False
        peer.down.append((air.KINDS.index(kind), bytes(payload)))
        return True

    def _join(self, mac: bytes, address: bytes, data: bytes, body: bytes, now_ms: int) -> None:
        nonce, name = body[: air.NONCE_BYTES], body[air.NONCE_BYTES :]
        try:
            leaf = name.decode()
        except UnicodeError:
            return
        if not leaf or len(nonce) < air.NONCE_BYTES or relay.address(leaf) != address:
            return
        peer = self._peers.get(address)
        if peer is None and len(self._peers) >= relay.MAX_LEAVES:
            return
        hop = peer.hop if peer else Sealer(relay.hop_key(self._key, leaf))
        if not air.tagged(hop, "", data):
            return
        if peer is None:
            peer = self._peers[address] = Peer(leaf, hop, now_ms)
        begun = air.session(nonce, b"")
        if peer.wanted is not None and peer.wanted[0].startswith(begun):
            own = bytes.fromhex(peer.wanted[0][len(begun) :])  # the answer before may be on its way
        else:
            own = self._random(air.NONCE_BYTES)
            peer.wanted = air.session(nonce, own), mac
        flags = air.ONLINE if self.online else 0
        self.out.append((mac, air.packet(hop, "", air.WELCOME, address, nonce + own + bytes((flags,)))))

    def _proved(self, peer: Peer, data: bytes) -> bool:
        """Whether the packet belongs to a session; the first of a new one begins it."""
        if peer.name and air.tagged(peer.hop, peer.name, data):
            return True
        if peer.wanted is None or not air.tagged(peer.hop, peer.wanted[0], data):
            return False
        peer.name, peer.mac = peer.wanted
        peer.wanted = None
        peer.sender, peer.receiver = Sender(), Receiver()
        self.joined.append(peer.leaf)
        return True

    def _answer(self, address: bytes, peer: Peer, said: tuple[int, int, int]) -> None:
        body = air.ack(said[0], said[1], said[2], air.ONLINE if self.online else 0)
        self._say(address, peer, air.UP_ACK, body)

    def _say(self, address: bytes, peer: Peer, kind: int, body: bytes) -> None:
        self.out.append((peer.mac, air.packet(peer.hop, peer.name, kind, address, body)))
