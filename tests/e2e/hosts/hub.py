"""JupyterHub with two users who need no password but their own, and its usual proxy."""

from __future__ import annotations

import http.client
import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.hosts.chromium import REMOTE
from tests.e2e.hosts.jupyter_server import ANSWER_S, Api, write_settings
from tests.e2e.hosts.process import PYTHON, Process, environment, free_port
from tests.e2e.hosts.shown import ShownNotebook
from tools.hosts import NODE_BIN

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.e2e.hosts.shown import Program

USERS = ("alice", "bob")
PASSWORD = "let me in"
LOGIN_S = 90
CONFIG = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{home}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{home}/cookie_secret"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.pid_file = "{home}/proxy.pid"
c.ConfigurableHTTPProxy.auth_token = "{proxy_token}"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "{password}"
c.Authenticator.allowed_users = {users}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{home}/{{username}}"
c.Spawner.cmd = ["{python}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=",
    "--LabApp.extension_manager=readonly"]
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = "~/notebooks"
c.Spawner.env_keep = ["PATH", "LANG", "PYTHONPYCACHEPREFIX"]
c.Spawner.http_timeout = c.Spawner.start_timeout = 90
def own_files(spawner):
    home = "{home}/" + spawner.user.name
    return {{"JUPYTERLAB_SETTINGS_DIR": home + "/settings", "JUPYTERLAB_WORKSPACES_DIR": home + "/workspaces",
            "JUPYTER_RUNTIME_DIR": home + "/runtime", "JUPYTER_CONFIG_DIR": home + "/config",
            "JUPYTER_DATA_DIR": home + "/data", "IPYTHONDIR": home + "/ipython"}}
c.Spawner.pre_spawn_hook = lambda spawner: spawner.environment.update(own_files(spawner))
c.JupyterHub.services = [{{"name": "rig", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "rig", "services": ["rig"],
    "scopes": ["admin:users", "admin:servers", "access:servers"]}}]
"""


class HubUser(Api):
    """One user's server, as the Hub's service sees it."""

    def __init__(self, hub: HubHost, name: str) -> None:
        home = hub.home / name
        self.name, self.token = name, hub.token
        self.notebooks, self.runtime = home / "notebooks", home / "runtime"
        self.log = hub.log
        self.url = f"{hub.url}/user/{name}"
        self._port = hub.port
        self.notebooks.mkdir(parents=True)
        write_settings(home)

    def connection(self) -> tuple[http.client.HTTPConnection, str]:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S), f"/user/{self.name}"

    def address(self, name: str, workspace: str) -> str:
        """Return the address of a notebook's page."""
        return f"{self.url}/lab/workspaces/{workspace}/tree/{name}"


class HubHost:
    """A running JupyterHub.

    Attributes
    ----------
    users : dict of str to HubUser
        By name.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home / "hub.log"
        self.port, self.token = free_port(), secrets.token_hex(16)
        self.url = f"http://{REMOTE}:{self.port}"
        self.users: dict[str, HubUser] = {}
        self._logged_in: set[tuple[int, str]] = set()

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True)
        self.users = {name: HubUser(self, name) for name in USERS}
        values: dict[str, Any] = {
            "home": self.home,
            "port": self.port,
            "hub_port": free_port(),
            "api_port": free_port(),
            "proxy": NODE_BIN / "configurable-http-proxy",
            "proxy_token": secrets.token_hex(16),
            "password": PASSWORD,
            "users": set(USERS),
            "python": PYTHON,
            "token": self.token,
        }
        config = self.home / "jupyterhub_config.py"
        config.write_text(CONFIG.format(**values))
        command = [PYTHON, "-m", "jupyterhub", "--config", str(config)]
        with ExitStack() as stack:
            process = Process(command, self.log, environment(self.home), self.home)
            stack.callback(process.stop)
            process.wait_for(self._answers, "the Hub's login page")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def log_in(self, context: BrowserContext, name: str) -> None:
        """Log a user in, as a person does, and wait for their server. Once for each context."""
        if (id(context), name) in self._logged_in:
            return
        page = context.new_page()
        page.goto(f"{self.url}/hub/login")
        page.locator("#username_input").fill(name)
        page.locator("#password_input").fill(PASSWORD)
        page.locator("#login_submit").click()
        page.wait_for_url(f"**/user/{name}/lab**", timeout=LOGIN_S * 1000, wait_until="domcontentloaded")
        page.goto("about:blank")  # a page that is closed while it loads may never be
        page.close()
        self._logged_in.add((id(context), name))

    def open(self, context: BrowserContext, program: Program, name: str = "alice") -> ShownNotebook:
        """Show a program in a new notebook of a user."""
        self.log_in(context, name)
        user = self.users[name]
        return ShownNotebook(user, context, program, user.address)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/hub/login")
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
