"""Runs a node, and turns a failure into a safe state.

Rules
1. The one place that catches everything: outputs off first, then the hal is told why, and resets. On a board the
   watchdog stands behind this.
2. However the loop ends, outputs are off.
3. Heap is dear: what is needed only until the node is built is let go of then (2 kB of 112), and what proves that a
   program is healthy (update/probation.py) once it has.
"""

import gc
import sys

_ONCE = ("setup", "volume", "boots", "broker", "opening", "greeting", "lastgood")


def _by_config(hal):
    if hal.config().get("life") == "wake":
        from . import wake

        wake.run(hal, hal.config())  # ends in deep sleep
    from . import setup

    return setup.build(hal)


def _build(hal):
    portal = hal.enrolling()
    if portal is not None:
        from enrol import session

        session.run(hal, portal)  # ends in a new start
    hal.config()
    try:
        node = _by_config(hal)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, ImportError) as error:
        if hal.config_refused():
            hal.trace("config refused: %r" % error)
            hal.restart()
        raise
    hal.config_proved()
    package = sys.modules[__name__.rsplit(".", 1)[0]]
    for name in _ONCE:
        if sys.modules.pop("%s.%s" % (package.__name__, name), None) is not None:
            delattr(package, name)
    return node


def run(hal) -> None:
    """Build the node and turn its loop until the hal says stop."""
    try:
        node = _build(hal)
        gc.collect()
        hal.trace("ready %d %d" % (node.boot_id, gc.mem_alloc()))
        proof = None
        if hal.briefing is not None:
            from update import probation

            proof = probation.Probation(hal, node)
        while not hal.stopping():
            node.step()
            if proof is not None and proof.step():
                proof = None
            if node.wants_restart():
                hal.restart()
    except Exception as error:  # noqa: BLE001 - rule 1
        hal.outputs_off()
        hal.trace("error %s" % repr(error)[:100])
        hal.reset(repr(error))
    finally:
        hal.outputs_off()
