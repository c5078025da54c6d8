"""What the views draw, in JupyterLab: looked at as a reader does, in texts, rows and pixels."""

from __future__ import annotations

from tests.e2e.feeds import CHANNEL, page_stats

VIEWS = """
import ipywidgets
log = sse.Log(prices, height="120px")
price = sse.Metric(prices, "quote.price", unit="USD", thresholds={"good": 0, "bad": 5000})
text = sse.Text(prices, "word", height="120px")
bars = sse.Progress(prices, by="symbol", value="n", total=6000)
table = sse.Table(prices, ["symbol", "quote.price"], key="symbol", sort="-quote.price", height="140px")
chart = sse.LineChart(prices, x="n", y="quote.price", by="symbol", height="200px")
state = sse.State(prices)
shown = [log, price, text, bars, table, state]
tab = ipywidgets.Tab([ipywidgets.VBox(shown), chart], titles=["many", "chart"])
tab
"""
PUSH = """
prices.push_many([
    {"n": n, "symbol": "AB"[n % 2], "quote": {"price": n + 0.5}, "word": f"w{n} "} for n in range(3000)
])
"""


def of(view: str, part: str) -> str:
    return f"document.querySelector('.sse-widget-{view} .sse-widget-{part}')"


# How many pixels of the chart have the colour of a line, and how far they reach, in parts of its width.
PIXELS = """
((line) => {
	const canvas = document.querySelector(".sse-widget-chart canvas");
	if (canvas === null || canvas.width < 100) return { count: 0, from: 1, to: 0 };
	const probe = document.createElement("canvas").getContext("2d");
	probe.fillStyle = getComputedStyle(canvas.closest(".sse-widget-chart")).getPropertyValue(`--sse-chart-${line}`);
	probe.fillRect(0, 0, 1, 1);
	const wanted = probe.getImageData(0, 0, 1, 1).data;
	const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
	const columns = [];
	for (let at = 0; at < data.length; at += 4) {
		const near = [0, 1, 2].every((part) => Math.abs(data[at + part] - wanted[part]) < 40);
		if (near && data[at + 3] > 128) columns.push((at / 4) % canvas.width);
	}
	columns.sort((a, b) => a - b);
	return { count: columns.length, from: columns[0] / canvas.width, to: columns.at(-1) / canvas.width };
})
"""
FIRST, SECOND = f"{PIXELS}(0)", f"{PIXELS}(1)"


def wait_for_all(notebook, count):
    notebook.wait(
        f"[...document.querySelectorAll('.sse-widget-view')].map((view) => view.dataset.count)"
        f".join() === Array(7).fill('{count}').join()",
        f"seven views with {count} events",
        40,
    )


def wait_for_what_is_drawn(notebook, last):
    """Look at each view of the first tab, until it shows the event number `last`, an odd one, and all before it."""
    tracks = "[...document.querySelectorAll('.sse-widget-task-track')].map((bar) => bar.getAttribute('aria-valuenow'))"
    rows = "[...document.querySelectorAll('.sse-widget-table-row')].map((row) => row.textContent)"
    share = last * 100 // 6000
    for view, condition in [
        ("metric", f"{of('metric', 'metric-value')}.textContent === '{last:,}.5'"),
        ("metric", "document.querySelector('.sse-widget-metric').dataset.level === 'good'"),
        ("text", f"{of('text', 'text-line')}.textContent.endsWith('w{last} ')"),
        ("text", f"{of('text', 'text-line')}.textContent.startsWith('w0 w1 ')"),
        ("progress", f"{tracks}.join() === '{share},{share}'"),
        ("table-view", f"{rows}.join() === 'B{last}.5,A{last - 1}.5'"),
        ("badge", f"{of('badge', 'state-word')}.textContent === 'Live'"),
    ]:
        notebook.page.locator(f".sse-widget-{view}").scroll_into_view_if_needed()
        notebook.wait(condition, f"the {view} to be drawn")


def test_views_draw_what_comes_in_one_connection_and_a_hidden_tab_is_complete_when_it_is_shown(open_notebook):
    notebook = open_notebook(CHANNEL, VIEWS)
    notebook.run_all()
    notebook.kernel.run(PUSH)
    wait_for_all(notebook, 3000)
    wait_for_what_is_drawn(notebook, 2999)
    assert len(page_stats(notebook)["connections"]) == 1

    assert notebook.page.evaluate(SECOND)["count"] == 0  # nobody looks at it
    notebook.page.get_by_role("tab", name="chart", exact=True).click()
    notebook.wait(f"{SECOND}.count > 200", "the line that lies on the other")
    pixels = notebook.page.evaluate(SECOND)
    assert pixels["from"] < 0.2, "the line begins at the left"
    assert pixels["to"] > 0.9, "the line ends at the right"
    legend = "[...document.querySelectorAll('.sse-widget-legend-item')].map((item) => item.textContent).join()"
    notebook.wait(f"{legend} === 'A2,998.5,B2,999.5'", "the legend")

    notebook.page.locator(".sse-widget-legend-item").last.click()
    notebook.wait(f"{SECOND}.count === 0 && {FIRST}.count > 200", "the upper line to go, and the lower one to be seen")


def test_after_a_reload_the_views_are_as_complete_as_before(open_notebook):
    notebook = open_notebook(CHANNEL, VIEWS)
    notebook.run_all()
    notebook.kernel.run(PUSH)
    wait_for_all(notebook, 3000)
    notebook.kernel.wait_for("min(view.count for view in [*shown, chart]) == 3000")
    notebook.save()
    notebook.reload()
    wait_for_all(notebook, 3000)
    wait_for_what_is_drawn(notebook, 2999)
    assert notebook.kernel.value("[(view.count, view.lost) for view in [*shown, chart]]") == [[3000, 0]] * 7


ROW = """
import ipywidgets
first, second = sse.Metric(prices, "n"), sse.Table(prices, ["n", "word"])
ipywidgets.HBox([first, second])
"""


def test_views_in_a_row_share_its_width(open_notebook):
    notebook = open_notebook(CHANNEL, ROW)
    notebook.run_all()
    widths = "[...document.querySelectorAll('.sse-widget-view')].map((view) => view.getBoundingClientRect().width)"
    notebook.wait(f"{widths}.length === 2 && {widths}.every((width) => width > 250)", "two views side by side")
