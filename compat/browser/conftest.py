"""Chromium, and servers to drive it against: `lychgate serve` on seeded databases."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib import config, seed, server  # noqa: E402
from person import Person  # noqa: E402

# Names of other hosts, all of them this machine.
HOSTS = "MAP *.app.example 127.0.0.1, MAP app.example 127.0.0.1"
# Everything that a person can do about an account.
ACCOUNT = {
    "registerable": True, "confirmable": True, "login_without_confirmation": True, "recoverable": True,
    "changeable": True, "change_email": True, "username_enable": True, "username_recovery": True,
    "change_username": True, "email_validator_args": {"check_deliverability": False},
}  # fmt: skip


def lychgate_binary():
    """`LYCHGATE_BIN`, or what cargo built."""
    named = os.environ.get("LYCHGATE_BIN")
    if named:
        return Path(named)
    return Path(os.environ.get("CARGO_TARGET_DIR", server.ROOT / "target")) / "debug" / "lychgate"


class Serving:
    """One running `lychgate serve` in development, on a seeded database of its own."""

    def __init__(self, security, sections):
        self.folder = Path(tempfile.mkdtemp(prefix="browser-"))
        self.port = server.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        seeded = config.make()
        self.database = self.folder / "app.db"
        seed.create(self.database, seeded)
        settings = {
            "secret_key": config.SECRET,
            "database_url": f"sqlite:///{self.database}",
            "listen": f"127.0.0.1:{self.port}",
            "environment": "development",
            "security": {
                # Hashes that cost next to nothing.
                **{key: seeded["security"][key] for key in ("password_salt", "password_hash_passlib_options")},
                **security,
            },
            # The same user plays in many stories within minutes.
            "limits": {
                "setups_by_account": "1000 per minute",
                **{
                    f"{what}_by_{whom}": "1000 per minute"
                    for what in ("secrets", "messages")
                    for whom in ("address", "account")
                },
            },
            **sections,
        }
        (self.folder / "lychgate.toml").write_text(config.dumps(settings), encoding="utf-8")
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            command = [str(lychgate_binary()), "serve"]
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def wait(self):
        """Returns when it answers; fails with what it said otherwise."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        pytest.fail(f"lychgate serve did not start:\n{self.said()}", pytrace=False)

    def said(self):
        """The end of what the process wrote."""
        return self.log.read_text(errors="replace")[-3000:]

    def run(self, *arguments):
        """A command of the operator beside the server."""
        subprocess.run([str(lychgate_binary()), *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def letters(self, to):
        """What was mailed to an address, the newest first, as the inbox of development shows it."""
        found = [letter for letter in self._json("/dev/mail")["letters"] if to in letter["to"]]
        return [self._json(f"/dev/mail/{letter['id']}") for letter in found]

    def link(self, to, word):
        """The newest mailed link whose address contains `word`."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for letter in self.letters(to):
                for link in letter.get("links", []):
                    if word in link:
                        return link
            time.sleep(0.05)
        pytest.fail(f"no mail to {to} with a link {word}", pytrace=False)

    def _json(self, path):
        request = urllib.request.Request(self.url + path, headers={"Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)["response"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def serve():
    """`serve(security, sections)`: a running server with these settings; equal ones share it."""
    binary = lychgate_binary()
    if not binary.exists():
        pytest.fail(f"no lychgate at {binary}: run `cargo build -p lychgate-server`", pytrace=False)
    running = {}

    def start(security=None, sections=None, *, wait=True):
        key = json.dumps([security, sections], sort_keys=True)
        if not wait or key not in running:
            running[key] = Serving(security or {}, sections or {})
        return running[key].wait() if wait else running[key]

    yield start
    for one in running.values():
        one.stop()


@pytest.fixture(scope="session")
def account(serve):
    """A server with all that a person can do about an account."""
    return serve(ACCOUNT)


@pytest.fixture(scope="session")
def site(serve):
    """The address of a server with the settings of a new installation."""
    return serve().url


@pytest.fixture(scope="session")
def drivers():
    """One browser with JavaScript and one without, each started when first asked for."""
    started, profiles = {}, []

    def driver(script):
        if script not in started:
            profiles.append(tempfile.mkdtemp(prefix="chromium-"))
            started[script] = _start(profiles[-1], script)
        return started[script]

    yield driver
    for one in started.values():
        one.quit()
    for profile in profiles:
        shutil.rmtree(profile, ignore_errors=True)


def _start(profile, script):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", f"--host-resolver-rules={HOSTS}", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Cookies of other sites are left to what the cookies themselves say.
    prefs = {"profile.cookie_controls_mode": 0, "profile.block_third_party_cookies": False}
    if not script:
        prefs["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", prefs)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(90)
    driver.get("data:text/html,<title>off</title><script>document.title = 'on'</script>")
    assert driver.title == ("on" if script else "off")
    driver.with_script = script
    return driver


def _fresh(driver, width):
    """The browser as if just started, with a window of this width."""
    first, *more = driver.window_handles
    for handle in more:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(first)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.get("about:blank")
    driver.get_log("browser")
    driver.wanted_width = width
    return driver


@pytest.fixture(params=[(360, True), (1280, True), (360, False), (1280, False)], ids=lambda p: f"{p[0]}px-js-{p[1]}")
def chromium(request, drivers):
    """A browser of one width, with JavaScript or without."""
    width, script = request.param
    driver = _fresh(drivers(script), width)
    Person.resize(driver)
    return driver


@pytest.fixture
def person(chromium):
    """Somebody at a browser of each width, with JavaScript and without."""
    return Person(chromium)


@pytest.fixture(params=[True, False], ids=lambda script: f"js-{script}")
def desk(request, drivers):
    """Somebody at a desk, with JavaScript and without: for what does not depend on the width."""
    driver = _fresh(drivers(request.param), 1280)
    Person.resize(driver)
    return Person(driver)


@pytest.fixture
def scripted(drivers):
    """Somebody whose browser runs scripts: for what only they can do."""
    driver = _fresh(drivers(True), 1280)
    Person.resize(driver)
    return Person(driver)


_numbers = itertools.count(1)


@pytest.fixture
def address():
    """A mail address that nobody has used yet."""
    return f"visitor{next(_numbers)}-{os.getpid()}@lp.com"
