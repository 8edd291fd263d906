"""From a hal to a running node, and from a failure to a safe one.

Rules
1. What is wrong with the config shows before the flash is touched.
2. The one place that catches everything: outputs off first, then the reason is told, then a reset. On a board the
   watchdog stands behind this.
3. However the loop ends, outputs are off.
"""

import gc

from . import core, journal, lease, sampler, volume
from .link import Link


def build(hal) -> core.Node:
    """A node over this hal, its volume mounted and its boot counted."""
    config = hal.config()
    lease.outputs_of(config)
    sampler.Sampler(config, hal.read_raw)
    blocks, made = volume.mount(hal.block_device())
    if made:
        hal.trace("volume made")
    store = journal.Journal(volume.MOUNT_POINT, blocks, int.from_bytes(hal.random_bytes(2), "big"))
    connection = Link(hal, config, core.gone_frame(config, store.boot_id))
    # TLS has its own copy of the certificate now; a node has better uses for 1.5 kB of heap.
    for name in ("ca_pem", "ca_der_hex"):
        config["broker"].pop(name, None)
    node = core.Node(config, hal, store, connection)
    gc.collect()
    hal.trace("ready %d %d" % (store.boot_id, gc.mem_alloc()))
    return node


def run(hal) -> None:
    """Build the node and turn its loop until the hal says stop."""
    try:
        node = build(hal)
        while not hal.stopping():
            node.step()
    except Exception as error:  # noqa: BLE001 - rule 2
        hal.outputs_off()
        hal.trace("error %s" % repr(error)[:100])
        hal.reset()
    finally:
        hal.outputs_off()
