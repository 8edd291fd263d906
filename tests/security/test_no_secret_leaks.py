"""A village runs with its real secrets, from nodes to cloud; afterwards they stand nowhere but where they belong.

Everything is the real thing: broker, nodes in MicroPython, the gateway's processes, the cloud. People log in, and
mistype; water is asked for; the broker and the cloud die and come back. Then every file that the run left behind, every
log, every address that was asked for and every command line is searched for every secret of the run.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gateway.provision import provision
from tests.support.cloud import ROOT, CloudProcess, run_cloud
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome, wait_for
from tests.support.node_process import NodeProcess
from wire import fields

ACCESS_LOG = ("-m", "tests.support.access_log")
PERIOD = {"from": "2024-01-01", "to": "2100-01-01"}
FARMER = "Bà Tư"
# where a secret belongs; all of these are for their owner alone
KEPT = re.compile(r"home/(secrets\.json|nodes/[\w-]+\.json|tls/\w+\.key)|nodes/[\w-]+/(node\.json|flash\.config\.[ab])")
OWN_MODE = 0o600


@dataclass
class Run:
    """What a run has left, and the secrets that were in it, by what they are."""

    root: Path
    secrets: dict[str, bytes] = field(default_factory=dict)
    command_lines: bytes = b""

    def files(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.root.rglob("*")):
            if path.is_file():
                yield path.relative_to(self.root).as_posix(), path

    def found_in(self, content: bytes) -> set[str]:
        return {name for name, secret in self.secrets.items() if _stands_in(secret, content)}


def _stands_in(secret: bytes, content: bytes) -> bool:
    if secret.isdigit():  # a PIN within a longer number is chance
        return re.search(rb"(?<!\d)" + secret + rb"(?!\d)", content) is not None
    return secret in content


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("run")
    made = Run(root)
    with ExitStack() as stack:
        (root / "cloud").mkdir()
        cloud = stack.enter_context(
            CloudProcess(f"sqlite:///{root}/cloud/ledger.db", (*ACCESS_LOG, "cloud"), root / "cloud" / "log")
        )
        gateway = stack.enter_context(GatewayHome(root / "home"))
        world = stack.enter_context(FieldServer())
        _set_up(made, cloud, gateway)
        _start(stack, root, gateway, world)
        with gateway.reader() as reader:
            wait_for(lambda: reader.last_id() >= 12 and len(reader.current_boots()) == 2)
        _at_the_gateway(made, gateway)
        _at_the_cloud(made, cloud, gateway)
        _disturb(cloud, gateway)
        made.command_lines = b"\n".join(_command_lines())
    return made


def _set_up(made: Run, cloud: CloudProcess, gateway: GatewayHome) -> None:
    """Provision with a real token, make people, and note every secret that came of it."""
    village, home = gateway.village.id, gateway.home
    token = cloud.tenant(village)
    home.registry.write_text(f'{home.registry.read_text()}\n[cloud]\nurl = "{cloud.url}"\n')
    provision(home, token)
    added = run_cloud(cloud.database, "user", "add", village, FARMER, "--generate")
    printed = subprocess.run(
        [sys.executable, "-m", "gateway", "user", "add", "--home", str(home.root), FARMER],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    pin = printed.split("password: ")[1].strip()
    made.secrets |= {
        "cloud token": token.encode(),
        "reader token": cloud.reader(village).encode(),
        "cloud password": added.stdout.strip().encode(),
        "PIN as printed": pin.encode(),
        "PIN as typed": pin.replace(" ", "").encode(),
    }
    kept = json.loads(home.secrets.read_text(encoding="utf-8"))
    made.secrets |= {f"{user}: password": password.encode() for user, password in kept["mqtt"].items()}
    for node, secrets in kept["nodes"].items():
        key = bytes.fromhex(secrets["key"])
        made.secrets |= {
            f"{node}: password": secrets["password"].encode(),
            f"{node}: key": secrets["key"].encode(),
            f"{node}: key, upper case": secrets["key"].upper().encode(),
            f"{node}: key, bytes": key,
            f"{node}: key, base64": base64.b64encode(key)[:-1],
        }
    for path in home.tls.glob("*.key"):
        made.secrets[path.name] = path.read_bytes().splitlines()[2]


def _start(stack: ExitStack, root: Path, gateway: GatewayHome, world: FieldServer) -> None:
    world.raw.update({(fields.SOIL_MOISTURE, 0): 2_600_000, (fields.SOIL_MOISTURE, 1): 2_600_000, (fields.FLOW, 0): 0})
    gateway.start_ingest()
    for process in ("control", "uplink", "update"):
        gateway.start(process)
    with (gateway.home.root / "web.log").open("ab") as log:
        command = [sys.executable, *ACCESS_LOG, "gateway", "web", "--home", str(gateway.home.root)]
        web = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
        stack.callback(web.terminate)
    for node in ("dat-1", "van-1"):
        config = json.loads((gateway.home.nodes / f"{node}.json").read_text(encoding="utf-8"))
        for sensor in config["sensors"]:
            sensor.update(every_s=1, reads=1)
        program = NodeProcess(root / "nodes" / node, config, world.port)
        (root / "nodes" / node / "node.json").chmod(OWN_MODE)  # what else it keeps is its owner's from the first byte
        stack.enter_context(program)


def _cookie(made: Run, name: str, client: httpx.Client) -> None:
    (cookie,) = (value for key, value in client.cookies.items() if "language" not in key)
    made.secrets[name] = cookie.encode()


def _at_the_gateway(made: Run, gateway: GatewayHome) -> None:
    url = f"http://127.0.0.1:{gateway.web_port}"
    pin = made.secrets["PIN as printed"].decode()
    with httpx.Client(base_url=url, headers={"origin": url}, follow_redirects=True) as phone:
        wait_for(lambda: _answers(phone, "/login"))
        for name, password in ((pin, FARMER), (FARMER, pin + "0"), (FARMER, "")):  # mixed up, mistyped, forgotten
            assert phone.post("/login", data={"name": name, "password": password}).status_code in (400, 401)
        phone.post("/login", data={"name": FARMER, "password": pin})
        _cookie(made, "gateway session", phone)
        assert "Vườn xoài" in phone.get("/").text
        form = phone.get("/water", params={"zone": "xoai"}).text
        words = dict(re.findall(r'name="(csrf|form)" value="([\w-]+)"', form))
        made.secrets["gateway form"] = words["csrf"].encode()
        assert phone.post("/water", data={**words, "zone": "xoai", "minutes": "5"}).status_code == 200
        assert phone.get("/state.json").status_code == 200
        assert phone.post("/stop", data={**words, "zone": "xoai"}).status_code == 200
        assert phone.get("/khong-co").status_code == 404
        phone.post("/logout", data=words)


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


def _at_the_cloud(made: Run, cloud: CloudProcess, gateway: GatewayHome) -> None:
    village = gateway.village.id
    token, reader = made.secrets["cloud token"].decode(), made.secrets["reader token"].decode()
    wait_for(lambda: len(cloud.csv(village)) >= 12, 30)
    for odd in (token[:-1], reader, f"{token} {token}"):
        assert cloud.post("/api/v1/ingest", odd, b"").status_code in (401, 403)
    assert cloud.post("/api/v1/ingest", token, b"no frame").status_code == 400
    assert cloud.post("/api/v1/snapshot", token, b"{}", **{"content-encoding": "identity"}).status_code == 422
    answer = httpx.get(f"{cloud.url}/api/v1/readings.csv", params=PERIOD, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403 and token not in answer.text
    password = made.secrets["cloud password"].decode()
    with httpx.Client(base_url=cloud.url, headers={"origin": cloud.url}, follow_redirects=True) as phone:
        for name, tried in ((password, FARMER), (FARMER, password + "0")):
            assert phone.post("/login", data={"village": village, "name": name, "password": tried}).status_code == 401
        phone.post("/login", data={"village": village, "name": FARMER, "password": password})
        _cookie(made, "cloud session", phone)
        shown = wait_for(lambda: re.search(r'name="csrf" value="(\w+)"', phone.get("/").text))
        made.secrets["cloud form"] = shown[1].encode()
        assert phone.get("/api/v1/readings.csv", params=PERIOD).status_code == 200
        phone.post("/logout", data={"csrf": shown[1]})


def _disturb(cloud: CloudProcess, gateway: GatewayHome) -> None:
    """What goes wrong makes the longest logs: broker and cloud die and come back, strangers try the broker."""
    before = gateway.log("ingest").count("broker link up")
    cloud.kill()
    wait_for(lambda: "the cloud did not take a batch" in gateway.log("uplink"), 30)
    cloud.start()
    gateway.kill("broker")
    wait_for(lambda: "broker link down" in gateway.log("ingest"))
    gateway.start_broker()
    wait_for(lambda: gateway.log("ingest").count("broker link up") > before, 30)
    for user in ("dat-1", "stranger"):
        assert gateway.peer(user, password="wrong", client_id="stranger").refused
    gateway.close_peers()


def _command_lines() -> Iterator[bytes]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (entry / "cmdline").read_bytes()
            except OSError:
                continue


def test_the_search_finds_each_secret_where_it_belongs(run: Run) -> None:  # P14
    kept = b"\n".join(path.read_bytes() for name, path in run.files() if KEPT.fullmatch(name))
    found = run.found_in(kept)
    generated = (": key", ": password", ".key", "cloud token")
    ours = {name for name in run.secrets if name.endswith(generated)}
    assert ours <= found and len(ours) == 2 * 4 + 4 + 2 + 1  # nodes, processes, keys of certificates, token
    assert {path.stat().st_mode & 0o777 for name, path in run.files() if KEPT.fullmatch(name)} == {OWN_MODE}


def test_the_search_sees_every_log_and_address(run: Run) -> None:  # P14
    logs = {name: path.read_text(errors="replace") for name, path in run.files()}
    for process in ("broker", "ingest", "control", "uplink", "update", "web"):
        assert len(logs[f"home/{process}.log"]) > 100, process
    assert '"POST /login HTTP/1.1" 401' in logs["home/web.log"]
    assert '"POST /water HTTP/1.1" 303' in logs["home/web.log"]
    assert '"POST /api/v1/ingest?lane=live HTTP/1.1" 200' in logs["cloud/log"]
    assert "/api/v1/readings.csv?from=" in logs["cloud/log"]


def test_no_secret_is_in_a_log_an_address_or_another_file(run: Run) -> None:  # P14
    found = {name: run.found_in(path.read_bytes()) for name, path in run.files() if not KEPT.fullmatch(name)}
    assert {name: secrets for name, secrets in found.items() if secrets} == {}
    assert len(found) > 20


def test_no_secret_is_on_a_command_line(run: Run) -> None:  # P14
    assert b"gateway" in run.command_lines
    assert run.found_in(run.command_lines) == set()
