"""pyfao56, the program that the water balance is measured against: never a part of this project, only a peer.

Rules
1. It is used where this Python has it; else pip puts the release ``WANTED`` with all that it needs into a folder of its
   own under ``build``, once, and says so. Nothing of it is on the path of anything but the measuring process.
2. Where that cannot be done the measurement is left out and told why. It is no fault of ours.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = "pyfao56==1.4.3"
FOLDER = ROOT / "build" / "peer"
INSTALL_S = 600.0


class NoPeerError(Exception):
    """It is not there, and could not be had; the text says why in one line."""


def search_path(*, offline: bool = False) -> str:
    """What PYTHONPATH must be for a process that imports both this project and pyfao56. Raises NoPeerError."""
    own = [str(ROOT)]
    if importlib.util.find_spec("pyfao56") is not None:
        return os.pathsep.join(own)
    if not (FOLDER / "pyfao56").is_dir():
        if offline:
            raise NoPeerError(f"{WANTED} is not here")
        _install()
    return os.pathsep.join([*own, str(FOLDER)])


def _install() -> None:
    print(f"peer     pip puts {WANTED} into {FOLDER.relative_to(ROOT)}, once", file=sys.stderr, flush=True)
    begun = FOLDER.with_name(f"{FOLDER.name}-{os.getpid()}")
    order = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"]
    try:
        subprocess.run([*order, "--target", str(begun), WANTED], check=True, capture_output=True, timeout=INSTALL_S)
        begun.rename(FOLDER)  # whole, or not at all
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPeerError(f"pip could not install {WANTED}: {_last_line(error)}") from error


def _last_line(error: Exception) -> str:
    told = getattr(error, "stderr", None)
    text = told.decode(errors="replace") if isinstance(told, bytes) else ""
    lines = [line for line in text.splitlines() if line.strip()] or [str(error)]
    return lines[-1].strip()
