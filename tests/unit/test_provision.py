"""The home of a gateway: complete, secret where it must be, the same when made again, following its registry."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import certificates, secrets
from gateway.certificates import CertificateError
from gateway.home import Home
from gateway.mqtt import broker_files
from gateway.provision import ProvisionError, broker_address, provision
from gateway.registry import RegistryError
from gateway.secrets import NodeSecret, Secrets, SecretsError
from gateway.store.control import ControlReader
from gateway.store.data import DataReader
from tests.support import village

GOOD = "abcdefghijklmnopqrstuvwxyz012345"
KEY = bytes(range(32))
MQTT = {user: f"{user.removeprefix('gateway.')}-{GOOD}" for user in secrets.PROCESSES}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "nhà của hội quán")
    home.root.mkdir()
    home.registry.write_text(village.TEXT, encoding="utf-8")
    provision(home)
    return home


def content(home: Home) -> dict[str, bytes]:
    return {str(p.relative_to(home.root)): p.read_bytes() for p in sorted(home.root.rglob("*")) if p.is_file()}


def test_made_again_it_is_the_same_to_the_byte(home: Home) -> None:
    before = content(home)
    provision(home)
    assert content(home) == before
    assert {"tls/ca.crt", "mosquitto/passwd", "nodes/van-1.json", "data.db", "uplink.db"} <= set(before)


def test_a_node_is_told_an_address_and_no_name(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.registry.write_text(village.TEXT.replace('"127.0.0.1"', '"localhost"', 1), encoding="utf-8")
    provision(home)
    assert json.loads((home.nodes / "van-1.json").read_bytes())["broker"]["host"] == "127.0.0.1"
    assert broker_address("192.168.1.10") == "192.168.1.10"
    with pytest.raises(ProvisionError, match=r"'no-such-host\.invalid': not found .*write the IPv4 address there"):
        broker_address("no-such-host.invalid")

    def resolver(*addresses: str) -> None:
        answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answers)

    resolver("10.0.0.2", "10.0.0.2")
    assert broker_address("gateway.lan") == "10.0.0.2"
    for addresses in (("127.0.1.1",), ("10.0.0.2", "10.0.0.3")):  # Debian's own name; a name of two machines
        resolver(*addresses)
        with pytest.raises(ProvisionError, match=f"gives {', '.join(addresses)}; write the one address"):
            broker_address("gateway.lan")


def test_only_the_owner_reads_what_is_secret(home: Home) -> None:  # P14
    public = {"village.toml", "mosquitto.conf", "ca.crt", "server.crt"}
    for path in home.root.rglob("*"):
        if path.is_file() and path.name not in public:
            assert path.stat().st_mode & 0o077 == 0, path
    secret = secrets.load(home.secrets, ["dat-1"]).nodes["dat-1"]
    for name, found in content(home).items():
        if name not in ("secrets.json", "nodes/dat-1.json"):
            assert secret.password.encode() not in found and secret.key.hex().encode() not in found, name
    assert secret.password not in repr(secret) and secret.password not in repr(secrets.read(home.secrets))


def test_two_homes_share_no_secret(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.root.mkdir()
    other.registry.write_text(village.TEXT, encoding="utf-8")
    provision(other)
    one, two = (secrets.load(h.secrets, village.village().nodes) for h in (home, other))
    assert not {s.password for s in one.nodes.values()} & {s.password for s in two.nodes.values()}
    assert not set(one.keys.values()) & set(two.keys.values()) and not set(one.mqtt.values()) & set(two.mqtt.values())


def test_a_node_config_holds_what_a_node_has_to_know(home: Home) -> None:
    found = json.loads((home.nodes / "van-1.json").read_text(encoding="utf-8"))
    assert (found["village"], found["node"], found["model"], found["name"]) == ("thu", "van-1", "valve", "Trạm bơm")
    assert found["sensors"] == [{"field": 6, "channel": 0, "every_s": 300}]
    assert found["outputs"][0] == {"index": 0, "kind": "pump", "hard_max_s": 3600, "min_rest_s": 60}
    assert found["broker"]["server_name"] == "hoiquan-gateway" and found["broker"]["user"] == "van-1"
    ssl.create_default_context(cadata=found["broker"]["ca_pem"])


def test_a_new_node_gets_secrets_and_one_that_is_gone_loses_them(home: Home) -> None:
    before = secrets.load(home.secrets, village.village().nodes)
    text = village.TEXT.replace('"dat-2"', '"dat-3"')
    home.registry.write_text(text, encoding="utf-8")
    provision(home)
    after = secrets.read(home.secrets)
    assert after is not None and set(after.nodes) == {"dat-1", "dat-3", "kinh-1", "van-1"}
    assert after.nodes["dat-1"] == before.nodes["dat-1"] and after.mqtt == before.mqtt
    assert sorted(p.stem for p in home.nodes.iterdir()) == ["dat-1", "dat-3", "kinh-1", "van-1"]
    for name in ("acl", "passwd"):
        assert "dat-2" not in (home.mosquitto / name).read_text() and "dat-3" in (home.mosquitto / name).read_text()


def test_the_certificate_is_good_from_2000_to_2049_for_its_names(home: Home) -> None:
    authority = x509.load_pem_x509_certificate(home.ca.read_bytes())
    server = x509.load_pem_x509_certificate((home.tls / "server.crt").read_bytes())
    server.verify_directly_issued_by(authority)
    for certificate in (authority, server):
        assert certificate.not_valid_before_utc == datetime(2000, 1, 1, tzinfo=UTC)
        assert certificate.not_valid_after_utc.year == 2049
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hoiquan-gateway", "localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_another_host_gets_another_certificate_of_the_same_authority(home: Home) -> None:
    authority = home.ca.read_bytes()
    for host in ("192.168.1.10", "gateway.lan"):
        certificates.ensure(home.tls, host)
        shown = x509.load_pem_x509_certificate((home.tls / "server.crt").read_bytes())
        assert host in str(shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    assert home.ca.read_bytes() == authority
    (home.tls / "server.key").write_bytes(b"half a fi")
    certificates.ensure(home.tls, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home.tls / "server.crt", home.tls / "server.key")


def test_without_the_key_of_the_authority_all_goes_on_until_something_must_be_signed(home: Home) -> None:
    provision(home)
    before = content(home)
    (home.tls / "ca.key").unlink()
    provision(home)
    after = content(home)
    assert after == {name: text for name, text in before.items() if not name.endswith("ca.key")}
    (home.tls / "server.crt").unlink()
    for _ in range(2):
        with pytest.raises(CertificateError, match=r"ca.key is missing and a new server certificate must be signed"):
            provision(home)
    assert (home.tls / "ca.crt").read_bytes() == before["tls/ca.crt"]


def test_half_an_authority_is_never_replaced_by_a_new_one(home: Home, tmp_path: Path) -> None:
    provision(home)
    ca_crt, ca_key = home.tls / "ca.crt", home.tls / "ca.key"
    own = ca_key.read_bytes()
    certificate = ca_crt.read_bytes()
    ca_crt.unlink()
    with pytest.raises(CertificateError, match=r"ca.crt is missing: put its copy back"):
        provision(home)
    assert ca_key.read_bytes() == own
    other = tmp_path / "other"
    certificates.ensure(other, "10.0.0.1")
    ca_crt.write_bytes((other / "ca.crt").read_bytes())  # the server's certificate is of another authority now
    with pytest.raises(CertificateError, match=r"ca.key is not the key of ca.crt"):
        provision(home)
    ca_crt.write_bytes(certificate)
    provision(home)


def test_no_name_can_smuggle_a_line_into_a_file_of_the_broker(home: Home) -> None:
    """Holes 13 and 14 of other systems: ids with a line break, quote, wildcard or slash."""
    for name in ("a\\nuser x", "a b", '\\"', "#", "+", "a/b", "../x", "A", "ấ", "", "a" * 33, "gateway.ingest"):
        home.registry.write_text(village.TEXT.replace('"dat-2"', f'"{name}"'), encoding="utf-8")
        with pytest.raises(RegistryError, match="id"):
            provision(home)
    with pytest.raises(ProvisionError, match="control characters"):
        provision(Home(home.root / "a\nlistener 1883"))


def test_free_text_reaches_json_only(home: Home) -> None:
    odd = "'\\\"#+/$ {x} <b>"
    home.registry.write_text(village.TEXT.replace("Trạm bơm", odd.replace("\\", "\\\\").replace('"', '\\"')))
    provision(home)
    assert json.loads((home.nodes / "van-1.json").read_text(encoding="utf-8"))["name"] == odd
    assert all(odd not in (home.mosquitto / n).read_text() for n in ("acl", "passwd", "mosquitto.conf"))


def test_the_databases_are_there_for_every_reader_and_are_not_touched_again(home: Home) -> None:
    with DataReader(home.data) as data, ControlReader(home.control) as control:
        assert data.last_id() == 0 and control.state() is None
        provision(home)


def test_passwords_are_as_mosquitto_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text(broker_files.password_file({"n1": GOOD}))
    user, hashed = file.read_text().strip().split(":")
    assert user == "n1" and hashed.startswith("$7$101$") and GOOD not in hashed
    assert broker_files.password_file({"n1": GOOD}) == file.read_text()
    assert broker_files.password_file({"n1": GOOD + "x"}) != file.read_text()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"mqtt": {**MQTT, "gateway.listen": ""}}, "the password of gateway.listen is empty or weak"),
        ({"mqtt": {**MQTT, "gateway.control": "changethis"}}, "the password of gateway.control is empty or weak"),
        ({"mqtt": {**MQTT, "gateway.ingest": "a" * 32}}, "the password of gateway.ingest is empty or weak"),
        ({"mqtt": {**MQTT, "gateway.ingest": GOOD + ":x\n"}}, "the password of gateway.ingest is empty or weak"),
        ({"mqtt": dict.fromkeys(MQTT, GOOD[::-1])}, "two secrets are the same"),
        ({"mqtt": {"gateway.ingest": MQTT["gateway.ingest"]}}, "not every process has its own password"),
        ({"mqtt": []}, "not a file of secrets"),
        ({"mqtt_password": GOOD[::-1]}, "not every process has its own password"),
        ({"nodes": {"n1": {"key": "00" * 32, "password": GOOD}}}, "the key of node n1 is empty or weak"),
        ({"nodes": {"n1": {"key": KEY[:16].hex(), "password": GOOD}}}, "the key of node n1 is empty or weak"),
        ({"nodes": {"n1": {"key": KEY.hex(), "password": "secret"}}}, "the password of node n1 is empty or weak"),
        ({"nodes": {"n1": {"key": KEY.hex(), "password": MQTT["gateway.control"]}}}, "two secrets are the same"),
        ({"nodes": {"n1": {"key": KEY.hex()}}}, "not a file of secrets"),
        ({"nodes": []}, "not a file of secrets"),
        ({"cloud_token": "x"}, "cloud_token is empty or weak"),
        ({"nodes": {}}, "node n1 has no secret"),
    ],
)
def test_a_weak_or_broken_secret_is_refused_without_showing_it(
    tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    path = tmp_path / "secrets.json"
    good: dict[str, object] = {
        "nodes": {"n1": {"key": KEY.hex(), "password": GOOD}},
        "mqtt": MQTT,
    }
    path.write_text(json.dumps(good))
    path.chmod(0o600)
    assert secrets.load(path, ["n1"]) == Secrets({"n1": NodeSecret(KEY, GOOD)}, MQTT)
    path.write_text(json.dumps({**good, **change}))
    with pytest.raises(SecretsError, match=expected) as caught:
        secrets.load(path, ["n1"])
    assert "\n" not in str(caught.value) and GOOD not in str(caught.value) and KEY.hex() not in str(caught.value)


def test_one_password_of_all_processes_becomes_one_of_each(home: Home) -> None:
    """The file of an earlier program: its one password is worth nothing afterwards."""
    old = json.loads(home.secrets.read_text(encoding="utf-8"))
    del old["mqtt"]
    home.secrets.write_text(json.dumps({**old, "mqtt_password": GOOD}))
    with pytest.raises(SecretsError, match="run `python -m gateway provision`"):
        secrets.load(home.secrets, village.village().nodes)
    provision(home)
    made = secrets.load(home.secrets, village.village().nodes)
    assert len(set(made.mqtt.values())) == len(secrets.PROCESSES) and GOOD not in made.mqtt.values()
    assert {node: secret.password for node, secret in made.nodes.items()} == {
        node: secret["password"] for node, secret in old["nodes"].items()
    }
    lines = (home.mosquitto / "passwd").read_text().splitlines()
    assert len({line.split("$")[-1] for line in lines}) == len(lines) == 4 + len(secrets.PROCESSES)


def test_secrets_that_others_may_read_or_that_are_not_there_are_refused(home: Home) -> None:
    home.secrets.chmod(0o640)
    with pytest.raises(SecretsError, match="chmod 600"):
        secrets.load(home.secrets, [])
    home.secrets.unlink()
    with pytest.raises(SecretsError, match="gateway provision"):
        secrets.load(home.secrets, [])


def gateway(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_command_line_answers_in_one_line(home: Home) -> None:
    missing = gateway("provision", "--home", str(home.root / "nowhere"))
    assert missing.returncode == 1 and len(missing.stderr.splitlines()) == 1 and "not found" in missing.stderr
    token = "token-0123456789-abcdef"
    done = gateway("provision", "--home", str(home.root), "--cloud-token", "-", stdin=token + "\n")
    assert done.returncode == 0 and token not in done.stdout + done.stderr
    found = secrets.read(home.secrets)
    assert found is not None and found.cloud_token == token
    provision(home)
    assert secrets.read(home.secrets) == found
    bad = gateway("provision", "--home", str(home.root), "--cloud-token", "-", stdin="x\n")
    assert bad.returncode == 1 and "cloud token must be one word" in bad.stderr
    home.secrets.unlink()
    for process in ("ingest", "run"):
        refused = gateway(process, "--home", str(home.root))
        assert refused.returncode == 1 and "run `python -m gateway provision`" in refused.stderr.splitlines()[-1]
        assert "Traceback" not in refused.stderr
    assert gateway("provision", "--hme").returncode == 2
