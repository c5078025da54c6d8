"""What is pushed stays text in the page, and the kernel's secret stays out of everything that is kept or shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.feeds import VIEW, wait_for_views
from tools.kernels import JUPYTER_PATH, NEWEST

# 90 characters: an event's type may have 100.
EVIL = '</script><img src=x onerror="owned=1"><script>owned=1</script><svg onload=owned=1>${owned=1}'
CHANNEL = f"""
import sse_widget as sse
evil = {EVIL!r}
assert len(evil) <= 100
channel = sse.channel(evil)
for n in range(20):
    channel.push({{evil: [evil, {{"deep": evil, "n": n}}]}}, type=evil)
    channel.push(evil, type="text")
"""
SHOWN = """
feed = sse.SSEWidget(channel)
def fail(event):
    raise ValueError(evil)
feed.on("fail", fail)
feed
"""
TITLED = "sse.SSEWidget(channel, title=evil, height=evil)"
SNAPSHOT = """
from IPython.display import HTML
HTML(feed._repr_mimebundle_()[0]["text/html"])
"""
LIVE = """
for n in range(20):
    channel.push({evil: n}, type=evil)
channel.push(0, type="fail")
channel.push("end", type="end")
"""
OWNED = "typeof owned !== 'undefined'"
MARKUP = "img, script, iframe, object, embed, link, style, svg[onload], [onerror], [onload], [onclick], [src], [href]"

GUARD = "channel.host.server.guard"


def markup(notebook, root):
    """The elements in there that only markup could have made; the views' own icons are drawn without them."""
    found = f"[...document.querySelectorAll({json.dumps(root)})].flatMap((el) => [...el.querySelectorAll({MARKUP!r})])"
    return notebook.page.evaluate(f"{found}.map((el) => el.outerHTML)")


def test_markup_in_data_types_names_and_errors_is_text(open_notebook):
    notebook = open_notebook(CHANNEL, SHOWN, TITLED, SNAPSHOT, LIVE)
    notebook.run_all()
    wait_for_views(notebook, 2)
    for at in range(2):
        view = notebook.page.locator(VIEW).nth(at)
        notebook.wait(f"document.querySelectorAll('{VIEW}')[{at}].dataset.count === '62'", "all events in the view")
        line = view.locator(".sse-widget-line", has_text="deep").last
        assert EVIL in line.inner_text()
        line.click()
        detail = view.locator(".sse-widget-details-json")
        assert json.loads(detail.inner_text()) == {EVIL: [EVIL, {"deep": EVIL, "n": 19}]}
        assert EVIL in view.locator(".sse-widget-type").first.inner_text()
        assert view.locator(".sse-widget-title").inner_text() == EVIL
        view.locator("input").fill(EVIL)
        notebook.wait(
            f"document.querySelectorAll('{VIEW}')[{at}].querySelector('.sse-widget-matches').textContent !== ''",
            "the filter to have been applied",
        )
    problem = notebook.page.locator(f"{VIEW} .sse-widget-problem").first
    problem.locator("summary").click()
    assert EVIL in problem.inner_text()
    assert EVIL in notebook.output(3).inner_text()  # the snapshot, shown as the trusted HTML that it is
    assert markup(notebook, VIEW) == []
    assert markup(notebook, ".jp-RenderedHTML") == []
    assert notebook.page.evaluate(OWNED) is False


# Secrets

REPR = """
import json, traceback

def public(thing):
    return {name: value for name, value in getattr(thing, "__dict__", {}).items() if not name.startswith("_")}

def shown(thing):
    texts = [repr(thing), str(thing), format(thing), repr(public(thing)), repr(dir(thing))]
    for name in dir(thing):
        if not name.startswith("_"):
            try:
                texts.append(repr(getattr(thing, name)))
            except Exception as error:
                texts.append(repr(error))
    return texts

def failures():
    for with_variables, attempt in (
        (True, lambda: sse.SSEWidget(channel, max_rows="x")),
        (True, lambda: feed.wait(timeout=0)),
        (True, lambda: channel.push(object())),
        (False, lambda: sse.SSEWidget(channel, url_template=7)),
        (False, lambda: sse.SSEWidget(channel, nonsense=1)),
    ):
        try:
            attempt()
        except Exception as error:
            yield traceback.TracebackException.from_exception(error, capture_locals=with_variables)

with channel.subscribe(after="oldest") as reader:
    things = [
        channel, feed, reader, feed.event, sse.Gap.between(1, "c", feed._feed._receiver.cursor), channel.stats(),
        channel.host, channel.host.hub, channel.host.server, channel.host.server.guard, channel.host.server.limits,
        channel.host.server._state, feed._feed, feed._feed.status, feed._listeners, feed.comm, sse,
    ]
    texts = [text for thing in things for text in shown(thing)]
texts += [repr(feed.trait_values()), repr(feed.get_state()), repr(feed.keys), json.dumps(feed.get_state(), default=str)]
texts += [repr(feed._repr_mimebundle_()), repr(channel._repr_mimebundle_()), channel.url]
texts += [repr(vars(feed)), repr(vars(channel.host)), repr(feed._welcome)]  # what debuggers show
texts += ["".join(failure.format()) for failure in failures()]
texts += [repr(get_ipython().user_ns)]
"""
ERROR = "%xmode Verbose\nsse.SSEWidget(channel, max_rows='many')"
STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"
EXPORT = [sys.executable, "-m", "nbconvert", "--log-level=WARN", "--to", "html"]


def secrets(notebook):
    return dict(notebook.kernel.value(f"dict(bearer={GUARD}.bearer, key={GUARD}.key)"))


def leaks(texts, secrets):
    """Which secret is in which text."""
    return [(name, where) for where, text in texts.items() for name, secret in secrets.items() if secret in text]


def files_under(directory):
    """What is on disk there: notebooks, checkpoints, logs, workspaces, IPython's history, connection files."""
    paths = [path for path in Path(directory).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes().decode("latin-1") for path in paths}


def without_runtime_files(on_disk, lab):
    """Take out, and return, the files in which kernels tell Jupyter's server how to reach them."""
    found = [
        Path(path) for path in on_disk if Path(path).match("sse-widget-*.json") and Path(path).parent == lab.runtime
    ]
    for path in found:
        del on_disk[str(path)]
    return found


def exported(notebook_path):
    """Return the notebook as HTML, made by nbconvert."""
    env = os.environ | {"PYTHONWARNINGS": "ignore"}
    subprocess.run([*EXPORT, str(notebook_path)], check=True, capture_output=True, timeout=60, env=env)  # noqa: S603
    return notebook_path.with_suffix(".html").read_text()


class Traffic:
    """What pages ask for, and what they send over their websockets."""

    def __init__(self):
        self.requests = []
        self.frames = []

    def asks(self, request):
        self.requests.append(request)

    def opened(self, page):
        page.on("websocket", self._connects)

    def _connects(self, socket):
        socket.on("framesent", self._sends)

    def _sends(self, frame):
        self.frames.append(frame if isinstance(frame, str) else frame.decode("latin-1"))


@pytest.fixture
def traffic(browser):
    """All traffic of the pages that are opened after this."""
    made = Traffic()
    browser.context.on("request", made.asks)
    browser.context.on("page", made.opened)
    yield made
    browser.context.remove_listener("request", made.asks)
    browser.context.remove_listener("page", made.opened)


@pytest.fixture
def widget_state_is_saved(lab):
    """The setting "Save Widget State Automatically"."""
    file = lab.home / "settings" / "@jupyter-widgets" / "jupyterlab-manager" / "plugin.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"saveState": True}))
    yield
    file.unlink()


@pytest.mark.usefixtures("widget_state_is_saved")
def test_the_secret_is_in_nothing_that_is_saved_exported_logged_or_shown(traffic, open_notebook, lab, browser):
    notebook = open_notebook(CHANNEL, SHOWN, TITLED, "channel", LIVE, ERROR, "feed.event, feed, channel")
    notebook.run_all(check=False)
    wait_for_views(notebook, 3)
    assert "TraitError" in notebook.result(5, check=False)
    notebook.kernel.run(REPR)
    hidden = secrets(notebook)
    assert all(len(bytes.fromhex(secret)) == 32 for secret in hidden.values())

    # What Python shows. The secret is looked for there, so that it does not have to leave the kernel.
    assert notebook.kernel.value("len(texts)") > 200
    for name in hidden:
        assert notebook.kernel.value(f"[text[:200] for text in texts if str({GUARD}.{name}) in text]") == []

    # What the page keeps
    page = notebook.page
    kept = {
        "document": page.content(),
        "localStorage": page.evaluate("JSON.stringify(localStorage)"),
        "sessionStorage": page.evaluate("JSON.stringify(sessionStorage)"),
        "cookies": json.dumps(notebook.context.cookies()),
        "requests": page.evaluate("JSON.stringify(performance.getEntries())"),
        "its own figures": page.evaluate("JSON.stringify(globalThis[Symbol.for('sse_widget')]['1'].stats())"),
        "address": page.url,
        "console": "\n".join(notebook.console),
        "notebook": page.evaluate(f"JSON.stringify(rig.content({json.dumps(notebook.file.name)}))"),
    }
    assert leaks(kept, hidden) == []
    check_traffic(traffic, hidden, notebook.kernel.value("channel.host.server.url"), lab)

    # What is written down: with the widgets' states, and as HTML
    notebook.save()
    saved = notebook.file.saved()
    states = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    titles = [state["state"].get("title") for state in states.values()]
    assert titles.count(EVIL) >= 3, "the widgets' states were not saved, so this would prove nothing"
    html = exported(notebook.file.path)
    assert "application/vnd.jupyter.widget-state+json" in html
    on_disk = files_under(lab.home)
    assert {str(lab.log), str(notebook.file.path)} <= set(on_disk)
    assert len(on_disk) > 5
    for path in without_runtime_files(on_disk, lab):
        mode = path.stat().st_mode & 0o777
        assert mode == 0o600, f"{path} has the mode {mode:o}"
    assert leaks(on_disk | {"html": html, "saved": json.dumps(saved)}, hidden) == []
    check_export(browser, html)


def check_traffic(traffic, hidden, kernel_url, lab):
    """The bearer travels in one header to one server; the key not at all."""
    carried = []
    for request in traffic.requests:
        headers = request.all_headers()
        bearer = headers.pop("authorization", "")
        assert (
            leaks({"url": request.url, "body": request.post_data or "", "headers": json.dumps(headers)}, hidden) == []
        )
        if not request.url.startswith(kernel_url):
            assert leaks({request.url: bearer}, hidden) == []
            continue
        assert "cookie" not in headers
        assert (
            headers.pop("referer", f"{lab.url}/") == f"{lab.url}/"
        )  # an EventSource names where it comes from, no more
        assert lab.token not in json.dumps(headers) + request.url
        path = request.url.removeprefix(kernel_url).partition("?")[0]
        if path == "/whoami" and request.method == "POST":
            assert headers["origin"] == lab.url
        if bearer:
            assert bearer == f"Bearer {hidden['bearer']}"
            carried.append((request.method, path))
    assert set(carried) == {("POST", "/tickets"), ("POST", "/received")}
    assert traffic.frames
    assert leaks({"what was sent to Jupyter": "".join(traffic.frames)}, hidden) == []


def check_export(browser, html):
    """The exported page runs nothing that was pushed. It loads nothing here: there is no network."""
    page = browser.new_context().new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(html, wait_until="domcontentloaded")
    assert EVIL in page.locator("body").inner_text()
    assert page.evaluate(OWNED) is False
    assert page.evaluate("document.querySelectorAll('img[src=x], svg[onload]').length") == 0
    page.context.close()


HEADLESS = f"""
import pathlib
pathlib.Path(%r).write_text({GUARD}.bearer + " " + {GUARD}.key)
"""
EXECUTE = """
import pathlib, sys, nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
path, kernel, *cells = sys.argv[1:]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
NotebookClient(notebook, kernel_name=kernel, store_widget_state=True).execute()
nbformat.write(notebook, path)
pathlib.Path(path).with_suffix(".html").write_text(HTMLExporter().from_notebook_node(notebook)[0])
"""


def test_the_secret_is_in_no_notebook_that_was_executed_without_a_page(tmp_path):
    told, path = tmp_path / "told", tmp_path / "executed.ipynb"
    cells = [CHANNEL, SHOWN, TITLED, "channel", LIVE, HEADLESS % str(told), "feed.event, feed, channel"]
    ours = {"JUPYTER_PATH": str(JUPYTER_PATH), "PYTHONWARNINGS": "ignore", "IPYTHONDIR": str(tmp_path / "ipython")}
    command = [sys.executable, "-c", EXECUTE, str(path), NEWEST, *cells]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=os.environ | ours, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    bearer, key = told.read_text().split()
    told.unlink()
    executed = json.loads(path.read_text())
    states = executed["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert [state["state"].get("title") for state in states.values()].count(EVIL) >= 3
    on_disk = files_under(tmp_path)
    assert {Path(name).name for name in on_disk} >= {"executed.ipynb", "executed.html"}
    assert leaks(on_disk | {"output": done.stdout + done.stderr}, {"bearer": bearer, "key": key}) == []


# A page from elsewhere, in the same browser

ELSEWHERE = """<!doctype html><title>elsewhere</title><script>
const done = {};
const attempt = async (name, act) => {
    try { done[name] = await act(); } catch (error) { done[name] = error.name; }
};
const loads = (element, url) => new Promise((resolve) => {
    element.onload = () => resolve("loaded");
    element.onerror = () => resolve("refused");
    element.src = url;
    document.head.append(element);
});
const streams = (url) => new Promise((resolve) => {
    const source = new EventSource(url);
    source.onerror = () => { source.close(); resolve("refused"); };
    for (const name of ["open", "pack"]) source.addEventListener(name, (event) => resolve(event.data ?? name));
});
globalThis.attack = async (url, bearer, ticket, body) => {
    const headers = { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" };
    const read = (path, init) => async () => (await fetch(url + path, init)).text();
    await attempt("GET /healthz", read("/healthz"));
    await attempt("GET /whoami", read("/whoami?n=" + "0".repeat(32)));
    await attempt("GET with the bearer", read("/channels/c", { headers }));
    await attempt("POST with the bearer", read("/received", { method: "POST", headers, body }));
    await attempt("a stream with a ticket", () => streams(`${url}/events?channel=c&after=&client=p&ticket=${ticket}`));
    await attempt("an image", () => loads(new Image(), `${url}/healthz`));
    await attempt("a script", () => loads(document.createElement("script"), `${url}/healthz`));
    for (const type of ["text/plain", "application/json"]) {
        const init = { method: "POST", mode: "no-cors", headers: { "Content-Type": type }, body };
        await attempt(`blind, ${type}`, async () => (await fetch(`${url}/received`, init)).type);
    }
    return done;
};
</script>"""


class Elsewhere(BaseHTTPRequestHandler):
    """Another program's page on this machine: the nearest stranger there is."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(ELSEWHERE.encode())

    def log_message(self, *_arguments):
        pass


def test_a_page_from_elsewhere_reads_nothing_even_with_the_secret_and_changes_nothing(open_notebook, browser):
    """It is given all secrets, so that what refuses it is its origin alone."""
    notebook = open_notebook(
        "import sse_widget as sse\nchannel = sse.channel('c')\nchannel.push('inside')\nsse.SSEWidget(channel)"
    )
    notebook.run(0)
    wait_for_views(notebook)
    url = notebook.kernel.value("channel.host.server.url")
    bearer = notebook.kernel.value(f"{GUARD}.bearer")
    ticket = notebook.kernel.value(f"{GUARD}.issue('p', frozenset(['c']))")
    feed = notebook.kernel.value("next(iter(channel.host._feeds))")
    pack = {"channel": "c", "epoch": "forged", "first": 1, "events": [[1, "message", "forged"]], "gap": True}
    body = json.dumps({"page": "p", "feeds": {feed: {"state": "failed"}}, "wanted": [[feed]], "packs": [pack]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    page = browser.new_context().new_page()
    try:
        page.goto(f"http://localhost:{server.server_address[1]}/")
        done = page.evaluate("([...given]) => attack(...given)", [url, bearer, ticket, body])
    finally:
        page.context.close()
        server.shutdown()
        thread.join()
        server.server_close()
    assert done == {
        "GET /healthz": "TypeError",
        "GET /whoami": "TypeError",
        "GET with the bearer": "TypeError",
        "POST with the bearer": "TypeError",
        "a stream with a ticket": "refused",
        "an image": "refused",
        "a script": "refused",
        "blind, text/plain": "opaque",  # it was sent, as any page may; and refused, unread
        "blind, application/json": "opaque",
    }
    events = "[event.data for event in next(iter(channel.host._feeds.values())).log.after(0).items]"
    assert notebook.kernel.value(events) == ["inside"]
    notebook.execute("channel.push('still')")
    notebook.kernel.wait_for(f"{events} == ['inside', 'still']")
    assert notebook.page.locator(VIEW).get_attribute("data-state") == "open"
