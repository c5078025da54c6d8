"""The hosts themselves, with a plain anywidget: messages both ways, and a reload."""

from __future__ import annotations

import re

import pytest

from tests.e2e.hosts.conftest import KINDS
from tests.e2e.hosts.programs import Echo, Plain

LISTEN = """
import socket
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
port
"""
FETCH = """
async (url) => {
    try { return (await fetch(url)).status; } catch (error) { return String(error); }
}
"""
PROTOCOLS = "[...new Set(performance.getEntriesByType('resource').map((each) => each.nextHopProtocol))]"


def in_hosts(*names):
    return pytest.mark.parametrize("host", names or tuple(KINDS), indirect=True)


def says(tab, text):
    tab.page.locator("button.echo", has_text=re.compile(text)).wait_for()


@in_hosts()
def test_a_plain_anywidget_talks_both_ways(stage):
    tab = stage.show(Echo())
    button = tab.page.locator("button.echo")
    says(tab, "waiting")
    tab.go()
    says(tab, "pushed by a cell")
    button.click()
    says(tab, "heard hello 1")

    tab.reload()
    says(tab, ".")
    button.click()
    says(tab, "heard hello [12]")


@in_hosts("isolated")
def test_the_isolated_page_comes_over_http2_and_finds_a_stranger_where_the_kernels_port_would_be(stage, stranger_at):
    server = Plain(first=(LISTEN,), then="port")
    tab = stage.show(server)
    port = int(tab.notebook.result(0))
    assert "Failed to fetch" in tab.page.evaluate(FETCH, f"http://127.0.0.1:{port}/")
    stranger = stranger_at(port)
    # Loopback is "potentially trustworthy", so only the browser's own rules stand between the page and the stranger.
    near = stage.show(server, hostname="localhost")
    assert near.page.evaluate(FETCH, f"http://127.0.0.1:{port}/") == 200
    assert len(stranger.heard) == 1
    assert near.page.evaluate(PROTOCOLS) == ["h2"]


@in_hosts("no-extension")
def test_without_the_extension_there_is_none(stage):
    tab = stage.show(Echo())
    assert tab.page.evaluate(FETCH, f"/sse-widget/{tab.kernel_id}/whoami?n={'0' * 32}") == 404


@in_hosts("public")
def test_the_public_page_is_denied_what_the_browser_would_ask_for(stage, stranger_at):
    stranger = stranger_at(0)
    tab = stage.show(Echo())
    assert "Failed to fetch" in tab.page.evaluate(FETCH, f"http://127.0.0.1:{stranger.port}/")
    assert not stranger.heard
    assert tab.asked_for_permission()


@in_hosts("hub")
def test_two_users_of_the_hub_are_two_people(stage):
    hub = stage.host.host
    alice, bob = stage.person(), stage.person()
    tabs = {name: stage.show(Echo(), person, name=name) for name, person in (("alice", alice), ("bob", bob))}
    for name, tab in tabs.items():
        assert tab.page.evaluate(FETCH, f"{hub.url}/user/{name}/api/kernels") == 200
    assert tabs["bob"].page.evaluate(FETCH, f"{hub.url}/user/alice/api/kernels") != 200
