"""From a hal to a node that is ready to run. Needed once; start.py lets go of this module and of what only it uses.

Rules
1. What is wrong with the config shows before the flash is touched.
2. A volume that cannot be mounted does not stop a node: it works on in RAM (ramstore.py) and says so. One that was made
   new is told as well. So is a config that was refused (lastgood.py).
"""

import gc

from wire import fields, frames, topics
from wire.seal import Sealer

from . import broker, core, journal, lease, sampler

PAUSE_MS = 100


def build(hal) -> core.Node:
    """A node over this hal, its volume mounted and its boot counted."""
    config = hal.config()
    lease.outputs_of(config)
    sampler.Sampler(config, hal.read_raw)
    store = _store(hal)
    news = hal.config_news()
    if news is not None:
        stored = store.append([(hal.ticks_ms(), fields.CONFIG, 0, fields.GOOD, fields.FAULT_NONE, news)])
        if stored is not None:
            hal.trace("stored %d %d %d" % (store.boot_id, stored[0], stored[1]))
    connection = _link(hal, config, _gone(config, store.boot_id))
    config["broker"].clear()  # the link has its own copy of all of it, and a node better uses for 2 kB of heap
    kind = core.Node
    if config.get("local"):
        from . import local

        kind = local.Cabinet
    return kind(config, hal, store, connection)


def _link(hal, config: dict, will: bytes):
    """Over Wi-Fi; over the air to a bridge; or over Wi-Fi for others too."""
    if config.get("bridge"):
        from relay.leaf_link import LeafLink

        return LeafLink(hal, config, will)
    if config.get("relays"):
        from relay.bridge_link import BridgeLink

        return BridgeLink(hal, config, will)
    from .link import Link

    return Link(hal, config, will, window=2, sizes=broker.LEAN)


def _store(hal):
    """The journal of this boot, or what stands in for it."""
    drawn = int.from_bytes(hal.random_bytes(2), "big")
    try:
        from . import volume

        blocks, made = volume.mount(hal.block_device(), lambda: hal.wait(None, PAUSE_MS))
        store = journal.Journal(volume.MOUNT_POINT, blocks, drawn)
        if made:
            store.volume = fields.VOLUME_MADE
    except OSError as error:
        from .ramstore import RamStore

        hal.trace("no volume: %r" % error)
        gc.collect()
        store = RamStore(drawn)
    return store


def _gone(config: dict, boot_id: int) -> bytes:
    """The sealed last will of this boot."""
    topic = topics.topic(config["village"], config["node"], topics.UP, topics.GONE)
    return Sealer(bytes.fromhex(config["key"])).seal(topic, frames.encode_gone(boot_id))
