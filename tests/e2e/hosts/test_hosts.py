"""The widget in every host: 20,000 events of a busy cell, all in the page and all in Python; a reload; how it got there."""

from __future__ import annotations

import json

import pytest

from tests.e2e.feeds import NO_FAULTS, faults
from tests.e2e.hosts.conftest import KINDS

FIRST_VISIBLE_S = 1.0
LIVE_S = 40
DIRECT = [name for name, kind in KINDS.items() if kind.transport == "direct"]


def in_hosts(*names):
    return pytest.mark.parametrize("host", names or tuple(KINDS), indirect=True)


def show_live(stage, program, person=None, **how):
    """Show a program, wait until it has come to the way that is expected of this host, and record what its page takes."""
    tab = stage.show(program, person, **how)
    tab.wait_for_view(LIVE_S, state="open", transport=stage.host.kind.transport)
    tab.record()
    return tab


def check(tab, program, bursts=1):
    """Every event of so many bursts is in the page and in Python, once and in order."""
    pushed = program.pushed(bursts)
    view = tab.wait_for_view(LIVE_S, count=str(len(pushed)))
    facts = program.wait_for(lambda facts: len(facts["seen"]) >= len(pushed), "the last event in Python", LIVE_S)
    assert faults(facts["seen"], pushed) == NO_FAULTS
    assert (facts["count"], facts["lost"], view["lost"]) == (len(pushed), 0, "0")
    assert faults(tab.records(), pushed) == NO_FAULTS
    return facts


@in_hosts()
def test_20_000_events_of_a_busy_cell_are_in_the_page_and_in_python_once_and_in_order(stage):
    program = stage.burst()
    tab = show_live(stage, program)
    tab.go()
    facts = check(tab, program)
    first = next(when for when, count in tab.samples() if count >= 1)
    assert first - facts["began"] < FIRST_VISIBLE_S
    assert first < facts["ended"]
    assert facts["transport"] == stage.host.kind.transport, facts["transport_log"]
    assert (tab.view() or {})["transport"] == stage.host.kind.transport


@in_hosts()
def test_after_a_reload_it_is_live_again(stage):
    program = stage.burst(events=2_000, busy_s=0.5)
    tab = show_live(stage, program)
    tab.go()
    check(tab, program)
    tab.reload()
    had = 2_001 if tab.keeps_state else 0
    tab.wait_for_view(LIVE_S, state="open", transport=stage.host.kind.transport, count=str(had))
    tab.record()
    tab.go()
    check(tab, program, bursts=2 if tab.keeps_state else 1)


@in_hosts("voila", "voila-extension")
def test_voila_shows_what_came_before_the_page_within_a_second_of_it(stage):
    program = stage.burst(busy_s=0.2, before=1)
    tab = stage.show(program)
    tab.wait_for_view(LIVE_S, state="open", count="20001")
    samples = tab.samples()
    assert samples[-1][0] - samples[0][0] < FIRST_VISIBLE_S
    tab.record()
    tab.go()
    check(tab, program, bursts=2)


@in_hosts("marimo-run")
def test_two_sessions_of_one_marimo_process_share_nothing(stage):
    program = stage.burst(events=2_000, busy_s=0.2)
    one = show_live(stage, program)
    two = stage.keep(one.again(stage.person()))
    two.wait_for_view(LIVE_S, state="open", count="0")
    one.go()
    check(one, program)
    assert (two.view() or {})["count"] == "0"
    two.go()
    two.wait_for_view(LIVE_S, count="2001", lost="0")
    assert (one.view() or {})["count"] == "2001"


@in_hosts(*DIRECT)
def test_a_direct_page_keeps_jupyters_own_connections_free(stage):
    program = stage.burst(events=10)
    tab = show_live(stage, program)
    names = tab.page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert not [name for name in names if "sse-widget/" in name]


@in_hosts("isolated")
@pytest.mark.parametrize("hostname", ["hub.test", "localhost"])
def test_a_stranger_on_the_kernels_port_never_hears_a_secret(stage, stranger_at, hostname):
    program = stage.burst(events=2_000, busy_s=0.2, secrets=True)
    tab = stage.show(program, hostname=hostname, cells=1)
    kernel = json.loads(program.secrets.read_text())
    stranger = stranger_at(kernel["port"])
    tab.run_rest(1)
    tab.wait_for_view(LIVE_S, state="open", transport="jupyter")
    tab.record()
    tab.go()
    check(tab, program)
    heard = "\n".join(stranger.heard)
    assert not [name for name in ("bearer", "key") if kernel[name] in heard]
    assert "ticket" not in heard
    assert "authorization:" not in heard.lower()
    assert hostname == "localhost" or not heard


@in_hosts("public")
def test_a_page_of_the_public_internet_asks_for_no_permission(stage):
    program = stage.burst(events=2_000, busy_s=0.2)
    tab = show_live(stage, program)
    tab.go()
    facts = check(tab, program)
    assert not [line for line in tab.console if str(facts["port"]) in line or "local network" in line.lower()]
    assert not [line for line in tab.console if "loopback" in line.lower()]
