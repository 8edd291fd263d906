"""A throw-away PostgreSQL cluster, started once for a test session, with a fresh database for each test.

PostgreSQL refuses to run as root, so its programs run as the user ``postgres`` that Debian's package makes. The
project's own toolchain finds or installs them; where that cannot be, the test is skipped with a line that says why.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from kit import toolchain
from tests.support.ports import free_port

USER = "postgres"
_FAST = "-c fsync=on -c full_page_writes=off -c autovacuum=off -c shared_buffers=16MB -c max_connections=40"


def _programs() -> Path:
    try:
        return toolchain.postgresql()
    except toolchain.ToolMissing as error:
        pytest.skip(str(error))


class Postgres:
    """One cluster in a folder of its own."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="hoiquan-pg-"))
        self._as_root = os.geteuid() == 0
        if self._as_root:
            owner = pwd.getpwnam(USER)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self.port = free_port()
        self._databases = 0
        self._data = str(self._folder / "data")
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, cwd="/",
            user=USER if self._as_root else None, group=USER if self._as_root else None,
            extra_groups=[] if self._as_root else None,
        )  # fmt: skip

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"ledger{self._databases}"
        with psycopg.connect(f"postgresql://{USER}@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {_FAST}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "30", "-l", log, "-o", options, "start")

    def kill(self) -> None:
        """End the server as a crash would; ``start`` recovers what was committed."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
