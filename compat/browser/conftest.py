"""Chromium and a server to drive it against: `lychgate serve` on a seeded database."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib import config, seed, server  # noqa: E402

HERE = Path(__file__).resolve().parent


def lychgate_binary():
    """`LYCHGATE_BIN`, or what cargo built."""
    named = os.environ.get("LYCHGATE_BIN")
    if named:
        return Path(named)
    return Path(os.environ.get("CARGO_TARGET_DIR", server.ROOT / "target")) / "debug" / "lychgate"


@pytest.fixture(scope="session")
def site():
    """The address of a running `lychgate serve`."""
    binary = lychgate_binary()
    if not binary.exists():
        pytest.fail(f"no lychgate at {binary}: run `cargo build -p lychgate-server`", pytrace=False)
    folder = Path(tempfile.mkdtemp(prefix="browser-"))
    port = server.free_port()
    seeded = config.make()
    seed.create(folder / "app.db", seeded)
    settings = {
        "secret_key": config.SECRET,
        "database_url": f"sqlite:///{folder / 'app.db'}",
        "listen": f"127.0.0.1:{port}",
        "environment": "development",
        "security": {"password_salt": seeded["security"]["password_salt"]},
    }
    (folder / "lychgate.toml").write_text(config.dumps(settings), encoding="utf-8")
    log = open(folder / "log", "wb")
    process = subprocess.Popen([str(binary), "serve"], cwd=folder, stdout=log, stderr=log)
    try:
        _await(process, port, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(5)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _await(process, port, log):
    import socket
    import time

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"lychgate serve did not start:\n{log.read_text(errors='replace')[-3000:]}", pytrace=False)


@pytest.fixture(params=[(360, True), (1280, True), (360, False), (1280, False)], ids=lambda p: f"{p[0]}px-js-{p[1]}")
def chromium(request):
    """A browser of one width, with JavaScript or without."""
    width, script = request.param
    profile = tempfile.mkdtemp(prefix="chromium-")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(flag)
    if not script:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(30)
    # The window has a least width of its own; the emulated screen has not.
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    driver.get("data:text/html,<title>off</title><script>document.title = 'on'</script>")
    assert driver.title == ("on" if script else "off")
    driver.with_script = script
    driver.wanted_width = width
    try:
        yield driver
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)
