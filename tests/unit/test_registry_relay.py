"""What a registry may say of nodes out of Wi-Fi reach, and what follows of it for each of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway import registry, registry_relay, rotate, secrets
from gateway.core.village import Village
from gateway.mqtt import users
from gateway.strict import RegistryError
from tests.support import village as villages
from wire import relay


def text(**via: str) -> str:
    found = villages.TEXT
    for node, bridge in via.items():
        name = node.replace("_", "-")
        found = found.replace(f'id = "{name}"\n', f'id = "{name}"\nvia = "{bridge}"\n', 1)
    return found


def village(**via: str) -> Village:
    return registry.parse(text(**via))


def test_one_node_speaks_for_several() -> None:
    found = village(van_1="kinh-1", dat_1="kinh-1")
    assert registry_relay.leaves(found.nodes, "kinh-1") == ["dat-1", "van-1"]
    access = users.access(found)
    assert access["van-1"] == access["dat-1"] == []
    mine = {topic for _, topic in access["kinh-1"]}
    assert {topic.split("/")[3] for topic in mine} == {"kinh-1", "van-1", "dat-1"}
    shut = {topic for _, topic in users.access(found, {"van-1"})["kinh-1"]}
    assert {topic.split("/")[3] for topic in shut} == {"kinh-1", "dat-1"}
    assert users.access(village())["kinh-1"] == [e for e in access["kinh-1"] if "/kinh-1/" in e[1]]


def test_configs_say_who_speaks_for_whom() -> None:
    found = village(van_1="kinh-1")
    secret = secrets.complete(None, found.nodes)
    leaf = registry_relay.config(found, found.nodes["van-1"], secret)
    hop = relay.hop_key(secret.nodes["kinh-1"].key, "van-1")
    assert leaf == {"broker": {}, "bridge": {"node": "kinh-1", "hop": hop.hex()}}
    assert registry_relay.config(found, found.nodes["kinh-1"], secret) == {"relays": {"gone_s": 30}}
    assert registry_relay.config(found, found.nodes["dat-1"], secret) == {}


def test_new_secrets_of_a_bridge_name_who_must_be_set_up_again() -> None:
    """Their hop's key follows from its key: they would just fall silent."""
    found = village(van_1="kinh-1", dat_1="kinh-1")
    (line,) = rotate.cut_off(found, ["kinh-1", "dat-2"])
    assert "--rotate dat-1 --rotate van-1" in line and "nói qua kinh-1" in line
    assert rotate.cut_off(found, ["kinh-1", "dat-1", "van-1"]) == rotate.cut_off(found, ["dat-1"]) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: text(van_1="ai-do"), "another node of this file"),
        (lambda: text(van_1="van-1"), "another node of this file"),
        (lambda: text(van_1="kinh-1", kinh_1="dat-1"), "in reach of the Wi-Fi itself"),
        (lambda: text(van_1="kinh-1").replace('id = "kinh-1"\n', 'id = "kinh-1"\nsend_s = 1800\n', 1), "not sleep"),
        (lambda: text(van_1="Kinh 1"), "id"),
    ],
)
def test_what_cannot_be_is_refused(wrong: Callable[[], str], said: str) -> None:
    with pytest.raises(RegistryError, match=said) as refused:
        registry.parse(wrong())
    assert "via" in str(refused.value) and refused.value.vietnamese != str(refused.value)


def test_a_bridge_speaks_for_so_many_and_no_more() -> None:
    node = '\n[[node]]\nid = "{id}"\nmodel = "soil"\nname = "Xa"\nsample_s = 300\nvia = "kinh-1"\n'
    head, zones = villages.TEXT.split("[[source]]", 1)

    def with_leaves(count: int) -> str:
        return head + "".join(node.format(id=f"xa-{n}") for n in range(count)) + "\n[[source]]" + zones

    assert len(registry_relay.leaves(registry.parse(with_leaves(relay.MAX_LEAVES)).nodes, "kinh-1")) == relay.MAX_LEAVES
    with pytest.raises(RegistryError, match="at most 8 others"):
        registry.parse(with_leaves(relay.MAX_LEAVES + 1))
