"""The widget in every host: 20,000 events of a busy cell, in the page and in Python; a reload; how it got there."""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.e2e.feeds import NO_FAULTS, faults
from tests.e2e.hosts.conftest import KINDS
from tests.e2e.hosts.programs import THREADS, Burst, Plain

FIRST_VISIBLE_S = 1.0
LIVE_S = 40
JUPYTER_RETRIES_S = 90  # JupyterLab itself may let half a minute pass before it looks for its server again, twice
NONCE = "0" * 32
REFUSED = '" 413 '
# As the page itself would ask: with its login, its `_xsrf`, and no redirect followed.
ANSWER = """
async ([url, method]) => {
    const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? "";
    const answer = await fetch(url, {
        method,
        headers: { "X-XSRFToken": xsrf, "Content-Type": "application/json" },
        body: method === "GET" ? undefined : "{}",
        redirect: "manual",
        signal: AbortSignal.timeout(5000),
    });
    return answer.type === "opaqueredirect" ? answer.type : answer.status;
}
"""
DIRECT = [name for name, kind in KINDS.items() if kind.transport == "direct"]
STREAMING = [name for name, kind in KINDS.items() if kind.transport != "comm"]


def in_hosts(*names):
    return pytest.mark.parametrize("host", names or tuple(KINDS), indirect=True)


def show_live(stage, program, person=None, **how):
    """Show a program, wait until its page is connected as is expected of this host, and record what it takes."""
    tab = stage.show(program, person, **how)
    tab.wait_for_view(LIVE_S, state="open", transport=stage.host.kind.transport)
    tab.record()
    return tab


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def streams(tab):
    """Count the tab's streams that bring events."""
    return sum(each["streams"] for each in tab.stats()["connections"] if each["state"] == "open")


def look_again_until(condition, *tabs):
    """Tell tabs that the network is back: each looks by itself, too, but less and less often."""
    deadline = time.monotonic() + 2 * LIVE_S
    while not condition():
        assert time.monotonic() < deadline, "no tab takes the better rung"
        for tab in tabs:
            tab.page.evaluate("globalThis.dispatchEvent(new Event('online'))")
        time.sleep(0.5)


def check(tab, program, bursts=1):
    """Every event of so many bursts is in the page and in Python, once and in order."""
    pushed = program.pushed(bursts)
    view = tab.wait_for_view(LIVE_S, count=str(len(pushed)))
    facts = program.wait_for(lambda facts: len(facts["seen"]) >= len(pushed), "the last event in Python", LIVE_S)
    assert faults(facts["seen"], pushed) == NO_FAULTS
    assert (facts["count"], facts["lost"], view["lost"]) == (len(pushed), 0, "0")
    came = tab.records()
    assert len(came) > program.events  # of the time before the page, it has only as much as it shows
    assert faults(came, pushed[-len(came) :]) == NO_FAULTS
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
    first = stage.burst(events=2_000, busy_s=0.2)
    one = show_live(stage, first)
    pid, port = first.facts["pid"], first.facts["port"]
    two = stage.keep(one.again(stage.person()))
    two.wait_for_view(LIVE_S, state="open", count="0")
    assert first.wait_for(lambda facts: facts["port"] != port, "the second session's own server")["pid"] == pid
    two.record()
    one.go()
    check(one, first)
    assert (two.view() or {})["count"] == "0"
    two.go()
    two.wait_for_view(LIVE_S, count="2001", lost="0")
    assert faults(two.records(), first.pushed()) == NO_FAULTS
    assert (one.view() or {})["count"] == "2001"
    assert len(one.records()) == 2001


@in_hosts("marimo-run")
def test_a_session_of_marimo_that_ends_takes_its_server_along_and_leaves_that_of_the_others(stage):
    program = stage.burst(events=10)
    one = show_live(stage, program)
    ports = [program.facts["port"]]
    two = stage.keep(one.again(stage.person()))
    two.wait_for_view(LIVE_S, state="open", count="0")
    ports.append(program.wait_for(lambda facts: facts["port"] != ports[0], "the second session's own server")["port"])
    two.page.close()
    deadline = time.monotonic() + LIVE_S
    while listens(ports[1]):
        assert time.monotonic() < deadline, "the server of a visitor who has gone still listens"
        time.sleep(0.1)
    assert listens(ports[0])
    one.go()
    one.wait_for_view(LIVE_S, state="open", count="11")


@in_hosts("marimo-run")
def test_a_plain_thread_in_a_marimo_process_gets_nobodys_session(stage):
    said = stage.folder / "said.json"
    stage.show(Plain(first=(THREADS.format(file=str(said)),), then="pass"))
    deadline = time.monotonic() + LIVE_S
    while not said.exists():
        assert time.monotonic() < deadline, "the cell has not run"
        time.sleep(0.1)
    heard = json.loads(said.read_text())
    assert heard["plain"].startswith("expected a thread of marimo's, which runs one process for all visitors of an app")
    assert heard["of marimo"] is True
    assert heard["pushed"] == ["by a plain thread"]


@in_hosts(*DIRECT)
def test_a_direct_page_keeps_jupyters_own_connections_free(stage):
    program = stage.burst(events=10)
    tab = show_live(stage, program)
    names = tab.page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert not [name for name in names if "sse-widget/" in name]


@in_hosts("hub")
def test_two_users_of_the_hub_cannot_read_push_or_probe_each_others_channels(stage):
    hub = stage.host.host
    alices, bobs = stage.burst(events=2_000, busy_s=0.2), Burst(stage.folder / "bob.json", events=2_000)
    alice = show_live(stage, alices, stage.person(), name="alice")
    bob = show_live(stage, bobs, stage.person(), name="bob")
    alice.go()
    check(alice, alices)
    assert (bob.view() or {})["count"] == "0"

    own = f"{hub.url}/user/alice/sse-widget/{alice.kernel_id}"
    assert alice.page.evaluate(ANSWER, [f"{own}/whoami?n={NONCE}", "GET"]) == 200
    for prefix in (own, f"{hub.url}/user/bob/sse-widget/{alice.kernel_id}"):
        for path in (f"whoami?n={NONCE}", "events?channel=prices&after=", "channels/prices?after=", "received"):
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
                answer = bob.page.evaluate(ANSWER, [f"{prefix}/{path}", method])
                assert answer in {"opaqueredirect", 401, 403, 404, 405}, (prefix, path, method)
    assert (alice.view() or {})["count"] == "2001"


@in_hosts("isolated", "public")
def test_large_events_go_back_to_python_through_an_nginx_that_nobody_has_tuned(stage):
    refused = stage.host.host.nginx.log.count(REFUSED)  # by another test's events
    program = stage.burst(events=20, busy_s=0.2, padding=400_000)
    tab = show_live(stage, program)
    tab.go()
    check(tab, program)
    tab.wait_for_view(LIVE_S, state="open", transport="jupyter")
    assert stage.host.host.nginx.log.count(REFUSED) == refused


@in_hosts("public")
def test_an_event_that_nginx_lets_through_in_no_way_goes_back_over_the_comm(stage):
    refused = stage.host.host.nginx.log.count(REFUSED)
    program = stage.burst(events=2, busy_s=0.2, padding=1_048_500)
    tab = show_live(stage, program)
    tab.go()
    check(tab, program)
    assert stage.host.host.nginx.log.count(REFUSED) == refused + 1
    look_again_until(lambda: tab.view()["transport"] == "jupyter", tab)


@in_hosts("public")
def test_of_the_tabs_of_a_browser_two_stream_through_jupyter_and_when_one_goes_another_takes_its_place(stage):
    person = stage.person()
    programs, tabs = [], []
    for transport in ("jupyter", "jupyter", "comm", "comm"):
        programs.append(stage.burst(events=500, busy_s=0.2))
        tabs.append(stage.show(programs[-1], person))
        tabs[-1].wait_for_view(LIVE_S, state="open", transport=transport)
        tabs[-1].record()
    assert [streams(tab) for tab in tabs] == [1, 1, 0, 0]
    for tab, program in zip(tabs, programs, strict=True):
        tab.go()
        facts = check(tab, program)
        told = "Other tabs of this browser use Jupyter's connections already." in facts["transport_log"]
        assert told == (facts["transport"] == "comm")
    tabs[0].page.close()
    one, *waiting = tabs[1:]
    look_again_until(lambda: sum(map(streams, waiting)) > 0, *waiting)
    assert [streams(one), sum(map(streams, waiting))] == [1, 1]
    for tab, program in zip(tabs[1:], programs[1:], strict=True):
        tab.go()
        check(tab, program, bursts=2)


@in_hosts(*STREAMING)
def test_when_its_connections_are_cut_in_mid_stream_nothing_is_lost(stage):
    program = stage.burst(cuts=4)
    tab = show_live(stage, program)
    tab.go()
    facts = check(tab, program)
    assert facts["cut"] >= 1
    tab.wait_for_view(LIVE_S, state="open", transport=stage.host.kind.transport)


@in_hosts(*STREAMING)
def test_when_the_browser_cannot_reach_its_rung_any_more_the_next_takes_over_and_gives_it_back(stage):
    program = stage.burst(busy_s=6, cuts=9)
    tab = show_live(stage, program)
    kind = stage.host.kind.transport
    browser = tab.page.context.new_cdp_session(tab.page)
    browser.send("Network.enable")
    tab.go()
    tab.wait("Number(watch.view().count) > 1000")
    where = f"*127.0.0.1:{program.facts['port']}/*" if kind == "direct" else "*/sse-widget/*"
    browser.send("Network.setBlockedURLs", {"urls": [where]})  # for what is asked from now on; the kernel cuts the rest
    check(tab, program)
    tab.wait(f"watch.view().state === 'open' && watch.view().transport !== '{kind}'", LIVE_S)
    browser.send("Network.setBlockedURLs", {"urls": []})
    look_again_until(lambda: (tab.view() or {})["transport"] == kind, tab)
    tab.go()
    check(tab, program, bursts=2)


@in_hosts("public")
def test_when_the_path_is_cut_in_mid_stream_nothing_is_lost(stage):
    program = stage.burst(busy_s=6)
    tab = show_live(stage, program)
    tab.go()
    tab.wait("Number(watch.view().count) > 1000")
    stage.host.host.nginx.cut()
    facts = check(tab, program)
    assert facts["ended"] - facts["began"] > 5
    tab.wait_for_view(LIVE_S, state="open", transport="jupyter")


@in_hosts("public")
def test_when_the_rung_is_killed_in_mid_stream_the_comm_takes_over_without_loss_and_gives_it_back(stage):
    program = stage.burst(busy_s=6)
    tab = show_live(stage, program)
    tab.go()
    tab.wait("Number(watch.view().count) > 1000")
    stage.host.host.nginx.cut(refuse="sse-widget")
    try:
        check(tab, program)
        tab.wait_for_view(LIVE_S, state="open", transport="comm")
    finally:
        stage.host.host.nginx.cut()
    tab.page.evaluate("globalThis.dispatchEvent(new Event('online'))")
    tab.wait_for_view(LIVE_S, state="open", transport="jupyter")
    tab.notebook.wait_idle(JUPYTER_RETRIES_S)
    tab.go()
    check(tab, program, bursts=2)


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
    assert bool(heard) == (hostname == "localhost")  # there, and only there, the page may try


@in_hosts("public")
def test_a_page_of_the_public_internet_asks_for_no_permission(stage):
    program = stage.burst(events=2_000, busy_s=0.2)
    tab = show_live(stage, program)
    tab.go()
    facts = check(tab, program)
    assert not tab.asked_for_permission()
    assert not [line for line in tab.console if f":{facts['port']}" in line]
