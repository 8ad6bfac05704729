"""Pages of other origins, in a browser: who may call, who may not, and which cookies travel.

Pages come from a small server that answers everything with an empty page, under any name and port.
"""

import http.server
import threading

import pytest
from conftest import ACCOUNT

GOOD = {"email": "joe@lp.com", "password": "password"}
# Fetches in order; each answers with status, JSON and chosen headers, or with the name of the error.
FETCH = """
const [calls, done] = arguments;
(async () => {
  const replies = [];
  let token = null;
  for (const {url, how, csrf, header} of calls) {
    const options = {...how, headers: {Accept: "application/json", ...how.headers}};
    if (csrf) options.headers["X-CSRF-Token"] = token ?? "";
    try {
      const reply = await fetch(url, options);
      const body = await reply.json();
      token = body.response?.csrf_token ?? token;
      replies.push({status: reply.status, body, header: header && reply.headers.get(header)});
    } catch (error) {
      replies.push({error: error.name});
    }
  }
  done(replies);
})();
"""


class _Empty(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><title>elsewhere</title><link rel=icon href=data:,>")

    def log_message(self, *args):
        """Quiet."""


@pytest.fixture(scope="module")
def elsewhere():
    """The port of the pages of other origins."""
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    yield pages.server_address[1]
    pages.shutdown()
    pages.server_close()


def get(url, **how):
    return {"url": url, "how": how}


def post(url, body, **how):
    how = {"method": "POST", "body": body, "headers": {"Content-Type": "application/json"}, **how}
    return {"url": url, "how": how, "csrf": True}


def fetch(person, *calls):
    return person.driver.execute_async_script(FETCH, list(calls))


def test_an_allowed_page_signs_in_and_acts(scripted, serve, elsewhere):
    page = f"http://localhost:{elsewhere}"
    cors = {"origins": [page], "supports_credentials": True, "expose_headers": ["Vary"], "max_age": 60}
    url = serve(ACCOUNT, {"cors": cors}).url.replace("127.0.0.1", "localhost")
    scripted.open(page)
    with_cookies = {"credentials": "include"}
    shown, signed_in, change, wrong, logout, after = fetch(
        scripted,
        dict(get(f"{url}/login", **with_cookies), header="Vary"),
        post(f"{url}/login", '{"email": "joe@lp.com", "password": "password"}', **with_cookies),
        get(f"{url}/change", **with_cookies),
        post(f"{url}/change", '{"password": "x"}', **with_cookies),
        post(f"{url}/logout", "{}", **with_cookies),
        get(f"{url}/change", **with_cookies),
    )
    assert shown["status"] == 200 and "Origin" in shown["header"]
    assert (signed_in["status"], change["status"], logout["status"]) == (200, 200, 200)
    # Refusals are readable too.
    assert wrong["status"] == 400 and wrong["body"]["response"]["field_errors"]
    assert after["status"] == 401 and after["body"]["response"]["errors"]


def test_a_page_of_another_port_may_neither_read_nor_act(scripted, serve, elsewhere):
    site = serve(ACCOUNT, {"cors": {"origins": ["http://localhost:1"], "supports_credentials": True}})
    url = site.url.replace("127.0.0.1", "localhost")
    scripted.sign_in(url, **GOOD).open(f"http://localhost:{elsewhere}")
    with_cookies = {"credentials": "include"}
    replies = fetch(
        scripted,
        get(f"{url}/change-username", **with_cookies),
        post(f"{url}/change-username", '{"username": "stolen"}', **with_cookies),
        # A form's content type needs no preflight, so this one reaches the server.
        post(f"{url}/change-username", "username=stolen", headers={"Content-Type": "text/plain"}, **with_cookies),
    )
    assert [reply.get("error") for reply in replies] == ["TypeError"] * 3
    # Nor does a form that is sent from there, though the browser adds the cookie of a page of the same site.
    _send_form(scripted, f"{url}/change-username", username="stolen")
    assert not scripted.all(".flashes li.success")
    scripted.open(f"{url}/change-username")
    assert scripted.one("#username").get_attribute("value") != "stolen"


def _send_form(person, action, **fields):
    person.driver.execute_script(
        """
        const form = document.createElement("form");
        form.method = "post";
        form.action = arguments[0];
        for (const [name, value] of Object.entries(arguments[1])) {
          const input = document.createElement("input");
          [input.name, input.value] = [name, value];
          form.append(input);
        }
        const button = document.createElement("button");
        button.id = "go";
        form.append(button);
        document.body.append(form);
        """,
        action,
        fields,
    )
    person.click("#go")


def test_a_form_of_a_foreign_page_signs_nobody_in(scripted, account, elsewhere):
    """Signing a visitor in as somebody else is an attack too."""
    scripted.open(f"http://evil.app.example:{elsewhere}")
    _send_form(scripted, f"{account.url}/login", **GOOD)
    scripted.open(f"{account.url}/change").at("/login")


def test_only_named_headers_and_paths(scripted, serve, elsewhere):
    page = f"http://localhost:{elsewhere}"
    cors = {"origins": [page], "resources": ["/login"], "allow_headers": ["content-type", "x-csrf-token"]}
    url = serve(ACCOUNT, {"cors": cors}).url
    scripted.open(page)
    headers = {"Content-Type": "application/json"}
    allowed, other_header, other_path = fetch(
        scripted,
        post(f"{url}/login", "{}", headers=headers),
        post(f"{url}/login", "{}", headers={**headers, "X-Other": "1"}),
        get(f"{url}/register"),
    )
    assert allowed["status"] == 400
    assert (other_header, other_path) == ({"error": "TypeError"}, {"error": "TypeError"})


def test_everybody_may_read_but_not_with_cookies(scripted, serve, elsewhere):
    url = serve(ACCOUNT, {"cors": {"origins": ["*"], "send_wildcard": True}}).url.replace("127.0.0.1", "localhost")
    scripted.sign_in(url, **GOOD).open(f"http://localhost:{elsewhere}")
    open_page, with_cookies = fetch(scripted, get(f"{url}/login"), get(f"{url}/change", credentials="include"))
    # The first one went without the session: nobody is signed in there.
    assert open_page["status"] == 200 and "user" not in open_page["body"]["response"]
    assert with_cookies == {"error": "TypeError"}


def test_everybody_with_cookies_does_not_start(serve):
    started = serve({}, {"cors": {"origins": "*", "supports_credentials": True}}, wait=False)
    assert started.process.wait(20) != 0
    assert "cors.origins" in started.said()


@pytest.mark.parametrize("same_site, travels", [("None", True), ("Lax", False), ("Strict", False)])
def test_cookies_of_another_site(scripted, serve, elsewhere, same_site, travels):
    """A page of another site is signed in only where the cookies say that they go along."""
    page = f"http://page.app.example:{elsewhere}"
    sections = {
        "cors": {"origins": [page], "supports_credentials": True},
        "session": {"cookie_samesite": same_site, "cookie_secure": True},
        "remember": {"cookie_samesite": same_site, "cookie_secure": True},
    }
    url = serve(ACCOUNT, sections).url
    scripted.sign_in(url, **GOOD, remember=True)
    kept = {cookie["name"]: cookie for cookie in scripted.driver.get_cookies()}
    for name in ("session", "remember_token"):
        assert (kept[name]["sameSite"], kept[name]["secure"], kept[name]["httpOnly"]) == (same_site, True, True)
    scripted.open(page)
    (reply,) = fetch(scripted, get(f"{url}/change", credentials="include"))
    assert reply["status"] == (200 if travels else 401)
    # Following a link there is signed in with Lax, and with Strict only from a page of the site itself.
    scripted.driver.execute_script("document.body.innerHTML = `<a id=go href='${arguments[0]}'>go</a>`", f"{url}/change")
    scripted.click("#go").at("/login" if same_site == "Strict" else "/change")


def test_cookies_of_a_domain(scripted, serve):
    sections = {"session": {"cookie_domain": "app.example"}, "remember": {"cookie_domain": "app.example"}}
    site = serve(ACCOUNT, sections)
    one, two = (f"http://{name}.app.example:{site.port}" for name in ("one", "two"))
    scripted.sign_in(one, **GOOD, remember=True)
    kept = {cookie["name"]: cookie for cookie in scripted.driver.get_cookies()}
    assert {kept[name]["domain"].lstrip(".") for name in ("session", "remember_token")} == {"app.example"}
    scripted.open(f"{two}/change").at("/change").sign_out()
    # Both cookies are gone from both names.
    assert {cookie["name"] for cookie in scripted.driver.get_cookies()} & {"remember_token"} == set()
    scripted.open(f"{one}/change").at("/login")


def test_cookies_of_this_host_only(scripted, account):
    one, two = (f"http://{name}.app.example:{account.port}" for name in ("one", "two"))
    scripted.sign_in(one, **GOOD).open(f"{two}/change").at("/login")
