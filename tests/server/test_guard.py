"""The judgements of the guard, without a server and without a clock of its own."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from sse_widget.server.guard import MAX_ORIGINS, MAX_TICKETS, TICKET_S, Guard

ORIGIN = "http://localhost:8888"
NONCE = "0123456789abcdef" * 2
CHANNELS = frozenset({"a", "b"})


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    made = Guard(clock)
    made.listen_on(4711)
    return made


def mac(guard: Guard, text: str) -> str:
    """What docs/protocol.md calls HMAC(text)."""
    return hmac.new(bytes.fromhex(guard.key), text.encode(), hashlib.sha256).hexdigest()


def admit(guard: Guard, origin: str) -> bool:
    return guard.admit(origin, NONCE, mac(guard, f"page|{origin}|{NONCE}"))


# Secrets


def test_secrets_have_256_bits_and_are_those_of_this_guard_alone(guard: Guard) -> None:
    other = Guard()
    assert len(bytes.fromhex(guard.bearer)) == len(bytes.fromhex(guard.key)) == 32
    assert len({guard.bearer, guard.key, other.bearer, other.key}) == 4
    assert guard.server_id != other.server_id


def test_no_repr_shows_a_secret(guard: Guard) -> None:
    guard.issue("p", CHANNELS)
    shown = f"{guard!r} {guard} {{}} {vars(guard)!r}".replace(next(iter(guard._tickets)), "")
    assert guard.bearer not in shown
    assert guard.key not in shown
    assert repr(guard.bearer) == repr(guard.key) == "<secret>"
    assert f"Bearer {guard.bearer}" == "Bearer " + str.__str__(guard.bearer)


# Tickets


def test_a_ticket_is_good_once(guard: Guard) -> None:
    ticket = guard.issue("p", CHANNELS)
    assert guard.redeem(ticket, "p", CHANNELS)
    assert not guard.redeem(ticket, "p", CHANNELS)


def test_a_ticket_has_128_bits_and_each_is_another(guard: Guard) -> None:
    tickets = {guard.issue("p", CHANNELS) for _ in range(100)}
    assert len(tickets) == 100
    assert all(len(bytes.fromhex(ticket)) == 16 for ticket in tickets)


@pytest.mark.parametrize(("age_s", "good"), [(0, True), (TICKET_S - 0.001, True), (TICKET_S, False), (3600, False)])
def test_a_ticket_expires(guard: Guard, clock: Clock, age_s: float, good: bool) -> None:
    ticket = guard.issue("p", CHANNELS)
    clock.now += age_s
    assert guard.redeem(ticket, "p", CHANNELS) is good


@pytest.mark.parametrize(
    ("client", "channels"),
    [
        ("q", CHANNELS),
        ("", CHANNELS),
        ("P", CHANNELS),
        ("p", frozenset({"a"})),
        ("p", frozenset({"a", "b", "c"})),
        ("p", frozenset({"a", "c"})),
        ("p", frozenset()),
    ],
)
def test_a_ticket_is_good_for_its_client_and_its_channels_only_and_is_used_up_by_trying(
    guard: Guard, client: str, channels: frozenset[str]
) -> None:
    ticket = guard.issue("p", CHANNELS)
    assert not guard.redeem(ticket, client, channels)
    assert not guard.redeem(ticket, "p", CHANNELS)


@pytest.mark.parametrize("text", ["", "x", "0" * 32])
def test_what_was_never_issued_opens_nothing(guard: Guard, text: str) -> None:
    guard.issue("p", CHANNELS)
    assert not guard.redeem(text, "p", CHANNELS)


def test_a_part_of_a_ticket_opens_nothing(guard: Guard) -> None:
    ticket = guard.issue("p", CHANNELS)
    for text in (ticket[:-1], ticket + "0", ticket.upper() + " ", f" {ticket}"):
        assert not guard.redeem(text, "p", CHANNELS)
    assert guard.redeem(ticket, "p", CHANNELS)


def test_tickets_are_bounded_and_the_oldest_go_first(guard: Guard) -> None:
    tickets = [guard.issue("p", CHANNELS) for _ in range(MAX_TICKETS + 10)]
    assert len(guard._tickets) == MAX_TICKETS
    assert not guard.redeem(tickets[9], "p", CHANNELS)
    assert guard.redeem(tickets[10], "p", CHANNELS)
    assert guard.redeem(tickets[-1], "p", CHANNELS)


def test_expired_tickets_are_forgotten_with_the_next_one(guard: Guard, clock: Clock) -> None:
    for _ in range(5):
        guard.issue("p", CHANNELS)
    clock.now += TICKET_S
    guard.issue("p", CHANNELS)
    assert len(guard._tickets) == 1


# Bearer


def test_the_bearer_is_compared_as_a_whole(guard: Guard) -> None:
    right = f"Bearer {guard.bearer}"
    assert guard.bearer_is_right(right)
    wrong = [
        None,
        "",
        "Bearer",
        "Bearer ",
        guard.bearer,
        f"bearer {guard.bearer}",
        f"Basic {guard.bearer}",
        f"Bearer  {guard.bearer}",
        f"{right} ",
        right[:-1],
        right + "0",
        right.upper(),
        f"Bearer {guard.key}",
        f"Bearer {Guard().bearer}",
        f"{right}, {right}",
        "Bearer \xff",
    ]
    assert [header for header in wrong if guard.bearer_is_right(header)] == []


# Hosts


@pytest.mark.parametrize("host", ["127.0.0.1:4711", "localhost:4711", "[::1]:4711"])
def test_the_machines_own_names_are_its_hosts(guard: Guard, host: str) -> None:
    assert guard.host_is_ours(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:471",
        "127.0.0.1:47110",
        "127.0.0.1:4712",
        "127.0.0.1:4711.evil.example",
        "127.0.0.1.evil.example:4711",
        "evil127.0.0.1:4711",
        "localhost:4711@evil.example",
        "localhost.:4711",
        "xlocalhost:4711",
        "0.0.0.0:4711",
        "127.1:4711",
        "[::]:4711",
        "[::ffff:127.0.0.1]:4711",
        "::1:4711",
        "evil.example:4711",
    ],
)
def test_no_other_name_is(guard: Guard, host: str) -> None:
    assert not guard.host_is_ours(host)


def test_a_host_that_the_user_names_is_one_more_and_exactly_that(guard: Guard) -> None:
    guard.also_reached_as("hub.example")
    assert guard.host_is_ours("hub.example")
    assert guard.host_is_ours("127.0.0.1:4711")
    assert not guard.host_is_ours("hub.example:4711")
    assert not guard.host_is_ours("sub.hub.example")


def test_nobody_is_let_in_before_the_port_is_known() -> None:
    assert not Guard().host_is_ours("127.0.0.1:0")


# Origins


def test_a_page_that_knows_the_key_is_admitted_with_its_origin_alone(guard: Guard) -> None:
    assert not guard.origin_is_known(ORIGIN)
    assert admit(guard, ORIGIN)
    assert guard.origin_is_known(ORIGIN)
    look_alikes = [
        "",
        "null",
        "*",
        "http://localhost",
        "http://localhost:888",
        "http://localhost:88888",
        "http://localhost:8888/",
        "http://localhost:8888.evil.example",
        "http://localhost:8888@evil.example",
        "http://xlocalhost:8888",
        "https://localhost:8888",
        "HTTP://LOCALHOST:8888",
        "http://127.0.0.1:8888",
        f"{ORIGIN} http://evil.example",
        f"{ORIGIN},{ORIGIN}",
    ]
    assert [origin for origin in look_alikes if guard.origin_is_known(origin)] == []


def test_programs_that_are_no_browser_have_no_origin(guard: Guard) -> None:
    assert guard.origin_is_known(None)


@pytest.mark.parametrize("text", ["page|http://evil.example|{n}", "page|{o}|", "server|{n}", "{o}|{n}", "page|{o}{n}"])
def test_a_mac_of_anything_else_admits_nobody(guard: Guard, text: str) -> None:
    assert not guard.admit(ORIGIN, NONCE, mac(guard, text.format(o=ORIGIN, n=NONCE)))
    assert not guard.origin_is_known(ORIGIN)


def test_a_mac_under_another_key_admits_nobody(guard: Guard) -> None:
    assert not guard.admit(ORIGIN, NONCE, mac(Guard(), f"page|{ORIGIN}|{NONCE}"))


@pytest.mark.parametrize("nonce", ["", NONCE[:-1], NONCE + "0", NONCE.upper(), NONCE[:-1] + "\n", "٣" * 32, "g" * 32])
def test_a_nonce_is_32_lower_case_hexadecimal_digits(guard: Guard, nonce: str) -> None:
    assert not guard.admit(ORIGIN, nonce, mac(guard, f"page|{ORIGIN}|{nonce}"))
    assert guard.prove(nonce) is None


@pytest.mark.parametrize("origin", ["null", ""])
def test_an_origin_that_is_none_is_refused_even_with_a_right_mac(guard: Guard, origin: str) -> None:
    assert not admit(guard, origin)
    assert not guard.origin_is_known(origin)


def test_origins_are_bounded_and_those_that_come_again_stay(guard: Guard) -> None:
    origins = [f"http://localhost:{port}" for port in range(1, MAX_ORIGINS + 2)]
    for origin in origins:
        assert admit(guard, origin)
        assert admit(guard, origins[0])
    assert guard.origin_is_known(origins[0])
    assert not guard.origin_is_known(origins[1])
    assert all(guard.origin_is_known(origin) for origin in origins[2:])
    assert len(guard._origins) == MAX_ORIGINS


def test_the_kernels_proof_is_the_mac_of_the_nonce_and_no_page_can_use_it_as_its_own(guard: Guard) -> None:
    proof = guard.prove(NONCE)
    assert proof == mac(guard, f"server|{NONCE}")
    assert not guard.admit(ORIGIN, NONCE, proof)
