"""What is really lost is said: after a cut that was longer than the history, and after a restart of the kernel."""

from __future__ import annotations

from tests.e2e.feeds import (
    BEHIND_A_PROXY,
    CHANNEL,
    END,
    LISTENED,
    PAGE,
    VIEW,
    aim,
    in_python,
    page_stats,
    record,
    views,
    wait_for_views,
)
from tests.e2e.rig.cutting_proxy import CuttingProxy

SMALL_CHANNEL = CHANNEL.replace('"prices"', '"prices", history=100')
GAPS = """
gaps = []
feed.on("gap", gaps.append)
"""
ROWS = f"""
[...document.querySelectorAll("{VIEW} .sse-widget-gap, {VIEW} .sse-widget-row")].map((row) =>
    row.querySelector(".sse-widget-json")?.textContent ?? `gap of ${{row.dataset.lost}}`)
"""


def test_after_a_cut_longer_than_the_history_the_view_and_python_tell_the_gap_and_go_on(open_notebook):
    with CuttingProxy(seed=6) as proxy:
        notebook = open_notebook(SMALL_CHANNEL, BEHIND_A_PROXY.format(url=proxy.url), GAPS)
        notebook.run(0)
        aim(proxy, notebook)
        notebook.run(1)
        notebook.run(2)
        wait_for_views(notebook)
        recorder = record(notebook)
        notebook.kernel.run("prices.push_many(range(10))")
        notebook.kernel.wait_for("len(seen) == 10")

        proxy.refuse()
        wait_for_views(notebook, state="reconnecting")
        notebook.kernel.run("prices.push_many(range(10, 1010))")
        proxy.accept()
        wait_for_views(notebook)
        notebook.kernel.run(f"prices.push(1010); {END}")
        recorder.wait_for_end()
        notebook.kernel.wait_for("seen[-1].type == 'end'")

        after = [[n + 1, "message", n] for n in range(910, 1011)] + [[1012, "end", "end"]]
        before = [[n + 1, "message", n] for n in range(10)]
        assert recorder.records == [*before, ["gap", 900], *after]
        assert in_python(notebook, "seen") == before + after
        assert notebook.kernel.value("[feed.lost, feed.count, len(gaps), gaps[0].data]") == [900, 112, 1, {"lost": 900}]
        notebook.wait(f"document.querySelector('{VIEW}').dataset.lost === '900'", "the view to count the loss")
        shown = [*map(str, range(10)), "gap of 900", *map(str, range(910, 1011)), '"end"']
        notebook.wait(f"String({ROWS}) === {','.join(shown)!r}", "the rows, with the gap in its place")
        gap = notebook.page.locator(f"{VIEW} .sse-widget-gap")
        gap.scroll_into_view_if_needed()
        assert "900 events lost" in gap.inner_text()


# Runs in the page: when the kernel began to restart, and when the views had said so.
CLOCK = """
([path, view]) => {
	const times = (globalThis.times = {});
	const look = () => {
		const states = [...document.querySelectorAll(view)].map((each) => each.dataset.state);
		if (rig.status(path).kernel === "restarting") times.restarting ??= performance.now();
		const failed = states.filter((state) => state === "failed").length;
		if (times.restarting && failed === 2) times.said = performance.now();
		else setTimeout(look, 10);
	};
	look();
}
"""


def test_after_a_restart_of_the_kernel_old_views_say_so_and_stop_and_the_cells_run_again_work(open_notebook):
    notebook = open_notebook(CHANNEL, LISTENED, "feed", END)
    notebook.run_all()
    wait_for_views(notebook, 2)
    notebook.kernel.wait_for("seen and seen[-1].type == 'end'")
    (old,) = page_stats(notebook)["connections"]
    requests = []
    notebook.page.on("request", lambda request: requests.append(request.url))
    notebook.page.evaluate(CLOCK, [notebook.file.name, VIEW])

    notebook.restart_kernel()
    notebook.wait("globalThis.times.said", "the old views to say that the kernel is gone")
    times = notebook.page.evaluate("globalThis.times")
    assert times["said"] - times["restarting"] < 3000
    notice = notebook.page.locator(f"{VIEW} .sse-widget-notice").first
    notebook.page.wait_for_function("(notice) => notice.checkVisibility()", arg=notice.element_handle())
    assert notice.inner_text() == "The kernel has restarted or stopped. Run this cell again to go on."
    assert page_stats(notebook)["connections"] == []
    n_requests = len(requests)

    for cell in (0, 1):  # the second view stays: it is one of the old kernel's
        notebook.run(cell)
    notebook.wait(f"{PAGE}.stats().connections[0]?.state === 'open'", "the new view's connection to be open", 5)
    notebook.run(3)
    notebook.kernel.wait_for("seen and seen[-1].type == 'end'")
    assert [(view["state"], view["count"]) for view in views(notebook)] == [("open", "1"), ("failed", "1")]
    assert [url for url in requests[n_requests:] if url.startswith(old["url"])] == []
    assert [each["url"] != old["url"] for each in page_stats(notebook)["connections"]] == [True]
