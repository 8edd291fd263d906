"""A real Mosquitto for one test: TLS, users and an ACL, on a free loopback port, in the test's own folder.

    with Broker(tmp_path, users={"n1": "secret"}, acl={"n1": [("write", "hq/1/v/n1/up/#")]}) as broker:
        broker.port, broker.authority.pem, broker.kill(), broker.start(), broker.freeze(), broker.thaw()

Rules: no anonymous client; the user name is the client id, as on the gateway; the port survives kill() and start();
leaving the `with` block always ends the process, also a frozen one.
"""

import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGCONT, SIGHUP, SIGSTOP
from types import TracebackType

from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.certificates import SERVER_NAME, Authority
from tests.support.ports import free_port

HOST = "127.0.0.1"
START_S = 10.0
Acl = Mapping[str, Sequence[tuple[str, str]]]  # user -> (("read" | "write" | "readwrite", topic filter), …)


class Broker:
    """One mosquitto process and the files it was started from."""

    def __init__(
        self,
        directory: Path,
        users: Mapping[str, str],
        acl: Acl,
        *,
        authority: Authority | None = None,
        certificate: tuple[bytes, bytes] | None = None,
        username_as_clientid: bool = True,
        extra_config: str = "",
    ) -> None:
        self.directory = directory
        self.users = dict(users)
        self.authority = authority or Authority.create()
        self.host = HOST
        self.port = free_port()
        self.server_name = SERVER_NAME
        self.log_file = directory / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.present(certificate or self.authority.issue())
        (directory / "ca.crt").write_bytes(self.authority.pem)
        _write_passwords(directory / "passwd", users)
        (directory / "acl").write_text(_acl_text(acl))
        clientid = "use_username_as_clientid true\n" if username_as_clientid else ""
        (directory / "mosquitto.conf").write_text(_config(directory, self.port) + clientid + extra_config)

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker is not running"
        return self._process.pid

    def present(self, certificate: tuple[bytes, bytes]) -> None:
        """Choose the server certificate (certificate PEM, key PEM) that the next start() shows."""
        (self.directory / "server.crt").write_bytes(certificate[0])
        (self.directory / "server.key").write_bytes(certificate[1])

    def set_users(self, users: Mapping[str, str]) -> None:
        """Change the passwords of a running broker."""
        self.users = dict(users)
        _write_passwords(self.directory / "passwd", users)
        if self._process is not None:
            self._process.send_signal(SIGHUP)

    def start(self) -> "Broker":
        assert self._process is None, "the broker is running"
        with self.log_file.open("ab") as log:
            command = ["mosquitto", "-c", str(self.directory / "mosquitto.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while f"port {self.port}" not in self.log() or not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"mosquitto did not start:\n{self.log()}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def stop(self) -> None:
        """End it as systemd would: SIGTERM, and SIGKILL when that does not help."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            self._process = None

    def freeze(self) -> None:
        """Leave every socket open and answer nothing: a half-open link."""
        assert self._process is not None, "the broker is not running"
        self._process.send_signal(SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None, "the broker is not running"
        self._process.send_signal(SIGCONT)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def client(self, user: str, *, clean_session: bool = True, manual_ack: bool = False) -> PahoClient:
        """A paho client for this broker, with TLS and password set; the test connects it and ends its loop."""
        client = PahoClient(
            CallbackAPIVersion.VERSION2, client_id=user, clean_session=clean_session, protocol=MQTTv311,
            manual_ack=manual_ack,
        )
        client.username_pw_set(user, self.users[user])
        context = ssl.create_default_context(cadata=self.authority.pem.decode())
        context.check_hostname = False  # paho dials the address; the name in the certificate is the gateway's
        client.tls_set_context(context)
        return client

    def _accepts(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=0.2).close()
        except OSError:
            return False
        return True

    def __enter__(self) -> "Broker":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def _config(directory: Path, port: int) -> str:
    return f"""\
listener {port} {HOST}
cafile {directory}/ca.crt
certfile {directory}/server.crt
keyfile {directory}/server.key
user root
allow_anonymous false
password_file {directory}/passwd
acl_file {directory}/acl
persistence false
log_type all
log_timestamp true
connection_messages true
"""


def _write_passwords(file: Path, users: Mapping[str, str]) -> None:
    file.write_text("".join(f"{user}:{password}\n" for user, password in users.items()))
    file.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(file)], check=True, capture_output=True)


def _acl_text(acl: Acl) -> str:
    blocks = [
        f"user {user}\n" + "".join(f"topic {access} {topic_filter}\n" for access, topic_filter in rules)
        for user, rules in acl.items()
    ]
    return "\n".join(blocks)
