"""Who may come in: guessing is slowed, names are not given away, secrets are not kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import login
from kit.forms import FormError, from_own_page, parse_form
from kit.login import ACCOUNT, ADDRESS, HOUR_MS, MINUTE_MS, PAIR, Backoff, Door, Refused, password_fits

PASSWORD = "xoai chín cây"
HASH = login.hash_password(PASSWORD)


def _knock(door: Door, account: str, password: str, address: str = "10.0.0.2", mono_ms: int = 0) -> str | Refused:
    kept = HASH if account == "bà tư" else None
    return door.knock(account, password, address, mono_ms, lambda: "in" if password_fits(password, kept) else None)


def test_a_wrong_name_and_a_wrong_password_are_the_same() -> None:
    door = Door()
    assert _knock(door, "bà tư", PASSWORD) == "in"
    assert _knock(door, "bà tư", "sai rồi sai rồi") == Refused("wrong")
    assert _knock(door, "không ai", "sai rồi sai rồi") == Refused("wrong")
    assert _knock(door, "bà tư", " ") == _knock(door, "", PASSWORD) == Refused("empty")


@pytest.mark.parametrize("account", ["bà tư\0", "\0", "làng\x7f/bà tư", "bà\x1btư", "bà\u202etư", "\ud800"])
def test_a_name_that_nobody_can_have_is_refused_like_a_wrong_password(account: str) -> None:
    door = Door()
    refused = [door.knock(account, PASSWORD, "10.0.0.2", 0, lambda: pytest.fail("looked at")) for _ in range(6)]
    assert refused == [Refused("wrong")] * 5 + [Refused("locked", MINUTE_MS)]


def test_an_unknown_name_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    verify = login._hasher.verify

    def counted(kept: str, given: str) -> bool:
        hashed.append(kept)
        return verify(kept, given)

    monkeypatch.setattr(
        login, "_hasher", type("Counting", (), {"verify": staticmethod(counted), "hash": login._hasher.hash})
    )
    assert not login.password_fits("x" * 9, None)
    assert not login.password_fits("x" * 9, HASH)
    parameters = {kept.rsplit("$", 2)[0] for kept in hashed}
    assert len(hashed) == 2 and len(parameters) == 1


@pytest.mark.parametrize("account", ["bà tư", "không ai"])
def test_the_sixth_guess_is_not_looked_at(account: str) -> None:
    door = Door()
    for _ in range(PAIR.free):
        assert _knock(door, account, "sai rồi sai rồi") == Refused("wrong")
    refused = door.knock(account, PASSWORD, "10.0.0.2", 0, lambda: pytest.fail("looked at"))
    assert refused == Refused("locked", MINUTE_MS) and refused.wait_minutes == 1
    assert _knock(door, "bà tư", PASSWORD, mono_ms=MINUTE_MS) == "in"


def test_a_neighbour_who_guesses_does_not_lock_the_owner_out() -> None:
    door = Door()
    outcomes = [_knock(door, "bà tư", "sai rồi sai rồi", "10.0.0.9") for _ in range(ADDRESS.free)]
    assert outcomes.count(Refused("wrong")) == PAIR.free
    assert _knock(door, "bà tư", PASSWORD) == "in"
    assert isinstance(_knock(door, "bà tư", PASSWORD, "10.0.0.9"), Refused)


@pytest.mark.parametrize("account", ["bà tư", "không ai"])
def test_guesses_from_many_addresses_lock_the_account_everywhere(account: str) -> None:
    door = Door()
    outcomes = [_knock(door, account, "sai rồi sai rồi", f"10.0.1.{n // 4}") for n in range(ACCOUNT.free + 9)]
    assert outcomes == [Refused("wrong")] * ACCOUNT.free + [Refused("locked", MINUTE_MS)] * 9
    refused = door.knock(account, PASSWORD, "10.0.0.2", 0, lambda: pytest.fail("looked at"))
    assert refused == Refused("locked", MINUTE_MS)


def test_a_lock_ends_and_the_next_one_is_longer() -> None:
    backoff = Backoff(PAIR)
    now = 0
    waits = []
    for _ in range(12):
        backoff.failed("a", now)
        waits.append(backoff.wait_ms("a", now))
        now += waits[-1]
        assert backoff.wait_ms("a", now) == 0
    assert waits == [0] * 4 + [n * MINUTE_MS for n in (1, 2, 4, 8, 15, 15, 15, 15)]


def test_ten_thousand_guesses_get_few_looks_in_a_day() -> None:
    """P: a PIN of eight digits is not found by trying: under 200 looks a day."""
    backoff = Backoff(ACCOUNT)
    looks = 0
    for now in range(0, 24 * HOUR_MS, 24 * HOUR_MS // 10_000):
        if backoff.wait_ms("a", now) == 0:
            looks += 1
            backoff.failed("a", now)
    assert ACCOUNT.free < looks < 200


def test_failures_are_forgotten_after_their_time() -> None:
    backoff = Backoff(ADDRESS)
    for _ in range(ADDRESS.free - 1):
        backoff.failed("a", 0)
    backoff.failed("a", ADDRESS.forget_ms + 1)
    assert backoff.wait_ms("a", ADDRESS.forget_ms + 1) == 0


def test_locks_last_real_time_in_a_sped_up_village() -> None:
    backoff = Backoff(PAIR, stretch=60.0)
    for _ in range(PAIR.free):
        backoff.failed("a", 0)
    assert backoff.wait_ms("a", 0) == MINUTE_MS
    assert backoff.wait_ms("a", 59 * MINUTE_MS) > 0
    assert backoff.wait_ms("a", 60 * MINUTE_MS) == 0


def test_many_addresses_cannot_fill_the_memory_and_one_address_not_the_table() -> None:
    backoff = Backoff(ADDRESS, max_keys=100)
    for n in range(10_000):
        backoff.failed(f"10.0.{n // 256}.{n % 256}", n)
    assert len(backoff) == 100
    door = Door()
    outcomes = [_knock(door, f"tên {n}", "sai", "10.0.0.9") for n in range(ADDRESS.free + 5)]
    assert outcomes[ADDRESS.free :] == [Refused("locked", MINUTE_MS)] * 5


def test_a_household_that_logs_in_often_is_not_locked_out() -> None:
    door = Door()
    for _ in range(8):
        assert _knock(door, "bà tư", PASSWORD) == "in"
    assert len(door._addresses) == len(door._accounts) == len(door._pairs) == 0


@pytest.mark.parametrize(
    "wrong", ["", " ", PASSWORD[:-1], PASSWORD + "x", PASSWORD.upper(), "x" * 5000, "\0", "\ud800"]
)
def test_prefixes_longer_empty_and_other_case_do_not_fit(wrong: str) -> None:
    assert isinstance(_knock(Door(), "bà tư", wrong), Refused)


def test_a_pin_may_be_typed_with_or_without_its_space() -> None:
    pin = login.new_pin()
    kept = login.hash_password(pin)
    assert len(pin) == 9
    assert login.password_fits(pin.replace(" ", ""), kept) and login.password_fits(f" {pin} ", kept)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("1234", "short"),
        ("12 34 56", "short"),
        ("x" * 129, "long"),
        ("1234 5678", "common"),
        ("MatKhau123", "common"),
        ("11111111", "common"),
        ("abcdefgh", "common"),
        ("ba tu vuon", "common"),
        ("4729 1836", None),
        (PASSWORD, None),
    ],
)
def test_empty_short_and_common_passwords_are_refused(password: str, problem: str | None) -> None:
    assert login.password_problem(password, "Ba Tu Vuon") == problem


def test_names_have_one_spelling() -> None:
    assert login.tidy_name("  Bà   TƯ ") == "bà tư"
    assert login.tidy_name("Ba\u0300 Tư") == "bà tư"
    assert login.name_is_fit("bà tư") and not login.name_is_fit("") and not login.name_is_fit("a\nb")
    assert not login.name_is_fit("<b>") and not login.name_is_fit("x" * 41)


def test_addresses_of_one_customer_are_one() -> None:
    assert login.address_key("2001:db8:1:2::1") == login.address_key("2001:db8:1:2:ffff::9")
    assert login.address_key("::ffff:10.0.0.2") == login.address_key("10.0.0.2")
    assert login.address_key("testclient") == "unknown"


def test_the_word_of_a_form_belongs_to_its_session() -> None:
    token = login.new_token()
    assert login.csrf_fits(token, login.csrf_token(token))
    for wrong in ("", login.csrf_token(login.new_token()), login.csrf_token(token)[:-1], "\ud800"):
        assert not login.csrf_fits(token, wrong)


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"host": "10.0.0.1:8080", "origin": "http://10.0.0.1:8080"}, True),
        ({"host": "10.0.0.1:8080", "origin": "http://10.0.0.1:8080", "sec-fetch-site": "same-origin"}, True),
        ({"host": "10.0.0.1:8080", "sec-fetch-site": "same-origin"}, True),
        ({"host": "10.0.0.1:8080", "origin": "http://evil.example"}, False),
        ({"host": "10.0.0.1:8080", "origin": "http://10.0.0.1:8081"}, False),
        ({"host": "10.0.0.1:8080", "origin": "null"}, False),
        ({"host": "10.0.0.1:8080", "origin": "http://10.0.0.1:8080", "sec-fetch-site": "cross-site"}, False),
        ({"host": "10.0.0.1:8080", "sec-fetch-site": "none"}, False),
        ({"host": "10.0.0.1:8080"}, False),
        ({"origin": "http://"}, False),
        ({"host": "x", "origin": "http://[bad"}, False),
    ],
)
def test_only_our_own_page_may_change_something(headers: dict[str, str], own: bool) -> None:
    assert from_own_page(headers) is own


FORM = "application/x-www-form-urlencoded"


def test_a_form_has_each_field_once() -> None:
    form = parse_form(FORM + "; charset=utf-8", b"zone=xoai&name=B%C3%A0+T%C6%B0&zone=rau")
    assert form.one("name") == "Bà Tư" and form.one("nothing") == "" and form.all("zone") == ["xoai", "rau"]
    with pytest.raises(FormError):
        form.one("zone")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("", b"a=1", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        (FORM, b"a=" + b"x" * 5000, 413),
        (FORM, b"a=%ff", 400),
        (FORM, b"\xff=1", 400),
        (FORM, b"&".join(b"a=1" for _ in range(100)), 400),
    ],
)
def test_what_is_no_small_form_is_refused(content_type: str, body: bytes, status: int) -> None:
    with pytest.raises(FormError) as refused:
        parse_form(content_type, body)
    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_any_body_is_a_form_or_a_form_error(body: bytes) -> None:
    """The invariant: parse_form raises FormError and nothing else."""
    with suppress(FormError):
        parse_form(FORM, body)


def test_guesses_at_once_are_looked_at_one_after_the_other() -> None:
    door = Door()
    looked: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda n: door.knock("bà tư", "x" * 8, "10.0.0.2", 0, lambda: looked.append(n)), range(20))
        )
    assert len(looked) == PAIR.free
    assert [outcome.problem for outcome in outcomes if isinstance(outcome, Refused)].count("locked") == 15
