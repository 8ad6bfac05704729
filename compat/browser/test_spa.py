"""The example `examples/spa`: a page on one origin that signs people in at an API on another."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from lib import server
from person import Person
from selenium.webdriver.common.by import By

PASSWORD = "correct horse battery"
FETCH = """
const [url, credentials, done] = arguments;
const headers = {"Content-Type": "application/json"};
fetch(url, {credentials, headers})
  .then(async (reply) => done({status: reply.status, body: await reply.json()}))
  .catch((error) => done({error: `${error}`}));
"""
SHOWN = """
const [done] = [arguments[arguments.length - 1]];
import("/config.js").then(async (config) => done({
  uris: ["localhost", "127.0.0.1", "pages.example"].map((name) => config.uriFor(name, {port: 8085, deployed: "https://api.example"})),
  options: config.fetchOptions,
}));
"""
# The helper alone, with a network that answers as it is told.
HELPER = """
const [answer, done] = arguments;
import("/config.js").then(async ({loginUser}) => {
  const element = document.createElement("p");
  element.id = "said";
  element.textContent = "of before";
  document.body.append(element);
  const asked = [];
  const cleared = [];
  let called = 0;
  window.fetch = async (url, options) => {
    cleared.push(element.textContent);
    asked.push({url, ...options, body: JSON.parse(options.body)});
    if (answer === null) throw new TypeError("no way there");
    return new Response("", {status: answer});
  };
  const body = {uid: "toby", password: "x"};
  await loginUser({url: "/somewhere", body, message: "said", method: "PUT", cache: "reload", callback: () => called++});
  done({said: element.textContent, called, asked, cleared});
});
"""


def binary():
    named = os.environ.get("SPA_BIN")
    folder = Path(os.environ.get("CARGO_TARGET_DIR", server.ROOT / "target")) / "debug"
    return Path(named) if named else folder / "spa"


class Spa:
    """The running example: two listeners of one process."""

    def __init__(self, **settings):
        command = [str(binary()), "127.0.0.1:0", "127.0.0.1:0"]
        # Hashes that cost next to nothing.
        cheap = {"argon2__memory_cost": 64, "argon2__time_cost": 1, "argon2__parallelism": 1}
        environment = {"SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": json.dumps(cheap), **settings}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        said = self.process.stdout.readline()
        found = re.fullmatch(r"API on http://127\.0\.0\.1:(\d+), page on http://127\.0\.0\.1:(\d+)\n", said)
        assert found, said
        self.api, self.page = (f"http://localhost:{port}" for port in found.groups())

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def spa():
    if not binary().exists():
        pytest.fail(f"no spa at {binary()}: run `cargo build -p spa`", pytrace=False)
    running = Spa()
    yield running
    running.stop()


@pytest.fixture(params=[360, 1280], ids=lambda width: f"{width}px")
def person(request, drivers):
    """The page is nothing without scripts."""
    from conftest import _fresh

    driver = _fresh(drivers(True), request.param)
    Person.resize(driver)
    return Person(driver)


def text(person, css):
    return person.driver.find_element(By.CSS_SELECTOR, css).text


def shows(person, title):
    person.until(lambda: text(person, "#title") == title, f"showing {title!r}")
    return person


def press(person, css):
    person.driver.find_element(By.CSS_SELECTOR, css).click()


def test_from_sign_up_to_sign_out(person, spa, address):
    """S1-1, S1-20, S2-15 to S2-18, S2-21, S2-22: all of it from a page on another origin."""
    person.open(spa.page)
    # Only a list that was refused leads to the sign-in form.
    shows(person, "Sign in").look("spa-sign-in")
    person.fill(**{"in-email": address, "in-password": PASSWORD})
    press(person, "#sign-in .primary")
    person.until(lambda: text(person, "#message") == "Login error: 400", "refused")
    press(person, "#strangers a[href='#/sign-up']")
    shows(person, "Create an account").look("spa-sign-up")
    person.fill(**{"up-email": address, "up-password": "too short"})
    press(person, "#sign-up .primary")
    person.until(lambda: "15" in text(person, "#message"), "told why")
    person.fill(**{"up-password": PASSWORD})
    press(person, "#sign-up .primary")
    shows(person, "People").until(lambda: len(person.all("#rows tr")) == 3, "seeing the table")
    assert text(person, "#who") == address
    person.look("spa-people")

    # Signed in by a cookie that scripts cannot read, and still so after the page is opened anew.
    assert "session" not in person.driver.execute_script("return document.cookie")
    assert person.driver.get_cookie("session")["httpOnly"]
    person.open(f"{spa.page}/")
    shows(person, "People").until(lambda: text(person, "#who") == address, "named in the corner")

    press(person, "#session button")
    shows(person, "Sign in").until(lambda: not person.driver.find_element(By.ID, "session").is_displayed(), "signed out")
    person.fill(**{"in-email": address, "in-password": PASSWORD})
    press(person, "#sign-in .primary")
    shows(person, "People").until(lambda: text(person, "#who") == address, "signed in again")


@pytest.fixture(scope="module")
def spa_by_jwt():
    running = Spa(JWT_ENABLED="true")
    yield running
    running.stop()


def test_by_json_web_tokens(scripted, spa_by_jwt, address):
    """S2-2, S2-4, S2-6 to S2-8, S2-10, S2-11, S2-18 to S2-20: the same page, signed in by tokens in cookies."""
    driver = scripted.driver
    scripted.open(spa_by_jwt.page)
    shows(scripted, "Sign in")
    press(scripted, "#strangers a[href='#/sign-up']")
    shows(scripted, "Create an account").fill(**{"up-email": address, "up-password": PASSWORD})
    press(scripted, "#sign-up .primary")
    shows(scripted, "People").until(lambda: text(scripted, "#who") == address, "named in the corner")
    first = driver.get_cookie("jwt")
    assert first["httpOnly"] and first["secure"] and first["path"] == "/"
    shown = driver.execute_script("return document.cookie")
    assert "csrf_access_token=" in shown and "jwt" not in shown

    # The list itself, as a script of the page gets it, and without the cookie.
    for credentials, status in [("include", 200), ("omit", 401)]:
        url = f"{spa_by_jwt.api}/api/person/"
        found = driver.execute_async_script(FETCH, url, credentials)
        assert found.get("status") == status, found
        if status == 200:
            assert [sorted(one) for one in found["body"]] == [["age", "email", "name"]] * 3

    # The access token is over: the refresh token gets the next one, and the page goes on.
    driver.delete_cookie("jwt")
    scripted.open(f"{spa_by_jwt.page}/")
    shows(scripted, "People").until(lambda: text(scripted, "#who") == address, "named again")
    second = driver.get_cookie("jwt")["value"]
    assert second != first["value"]

    press(scripted, "#session button")
    shows(scripted, "Sign in")
    assert not [cookie["name"] for cookie in driver.get_cookies() if "jwt" in cookie["name"]]
    # What was signed out opens nothing, whoever kept a copy.
    driver.add_cookie({"name": "jwt", "value": second, "httpOnly": True, "secure": True})
    scripted.open(f"{spa_by_jwt.page}/some/view")
    shows(scripted, "Sign in")


def test_another_name_of_this_machine(scripted, spa):
    """The page asks under the name by which it was opened itself, so that its cookies go along."""
    scripted.open(spa.page.replace("localhost", "127.0.0.1"))
    shows(scripted, "Sign in")
    asked = scripted.driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert any(url.startswith(spa.api.replace("localhost", "127.0.0.1")) for url in asked), asked


def test_paths_of_the_page_are_its_own(scripted, spa):
    scripted.open(f"{spa.page}/some/view")
    shows(scripted, "Sign in")


def test_the_service_is_down(scripted):
    """S2-20, S3-6."""
    lost = Spa()
    scripted.open(lost.page)
    shows(scripted, "Sign in").fill(**{"in-email": "joe@lp.com", "in-password": PASSWORD})
    lost.stop()
    press(scripted, "#sign-in .primary")
    down = "Possible CORS or service down error: TypeError"
    scripted.until(lambda: text(scripted, "#message").startswith(down), "told that nobody answers")
    scripted.driver.get_log("browser")


def test_where_the_api_is_and_how_it_is_asked(scripted, spa):
    """S3-1, S3-2."""
    scripted.open(spa.page)
    shown = scripted.driver.execute_async_script(SHOWN)
    assert shown["uris"] == ["http://localhost:8085", "http://127.0.0.1:8085", "https://api.example"]
    assert shown["options"] == {
        "method": "GET", "mode": "cors", "cache": "default", "credentials": "include",
        "headers": {"Content-Type": "application/json", "X-Origin": "client"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "answer, said, called",
    [
        (200, "Success: toby", 1),
        (401, "Login error: 401", 0),
        (403, "Login error: 403", 0),
        (None, "Possible CORS or service down error: TypeError: no way there", 0),
    ],
)
def test_the_helper_for_signing_in(scripted, spa, answer, said, called):
    """S3-3 to S3-6."""
    scripted.open(spa.page)
    shows(scripted, "Sign in")
    result = scripted.driver.execute_async_script(HELPER, answer)
    assert (result["said"], result["called"], result["cleared"]) == (said, called, [""])
    (asked,) = result["asked"]
    assert (asked["url"], asked["method"], asked["cache"]) == ("/somewhere", "PUT", "reload")
    assert (asked["mode"], asked["credentials"]) == ("cors", "include")
    assert asked["body"] == {"uid": "toby", "password": "x"}
    assert asked["headers"] == {"Content-Type": "application/json", "X-Origin": "client"}
