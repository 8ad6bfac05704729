"""The security headers in a real browser: no page of ours breaks its own policy, and what does is stopped."""

import json
import urllib.request

from conftest import ACCOUNT

# Pages that are not for looking at: they end the session, hand out files, or are no pages.
LEFT_OUT = ("/logout", "/account/export", "/openapi.json", "/.well-known")
PANEL = [
    "", "/users", "/users/new", "/users/import", "/approvals", "/roles", "/rights?permission=full-read", "/sessions", "/audit",
    "/outbox", "/settings?all=yes",
]  # fmt: skip
INLINE = """
const script = document.createElement("script");
script.textContent = "document.title = 'it ran'";
document.body.append(script);
document.body.setAttribute("style", "color: red");
return [document.title, getComputedStyle(document.body).color];
"""


def everything(serve):
    return serve({
        **ACCOUNT, "two_factor": True, "multi_factor_recovery_codes": True, "unified_signin": True, "webauthn": True,
        "totp_secrets": {"1": "a key of the browser tests, 32 bytes"}, "totp_issuer": "lychgate", "api_keys": True,
        "us_enabled_methods": ["password", "email", "authenticator"],
    })  # fmt: skip


def broken(driver):
    """What the console says of policies since it was asked the last time."""
    said = [entry["message"] for entry in driver.get_log("browser")]
    return [text for text in said if "Security Policy" in text or "Permissions" in text]


def pages(server):
    """Paths of all pages without a parameter, as the description of the interface lists them."""
    with urllib.request.urlopen(f"{server.url}/openapi.json", timeout=10) as reply:
        paths = json.load(reply)["paths"]
    found = [path for path, methods in paths.items() if "get" in methods and "{" not in path]
    return [path for path in found if not path.startswith(LEFT_OUT)]


def test_no_page_breaks_its_own_policy(scripted, serve):
    server, driver = everything(serve), scripted.driver
    walked = pages(server)
    assert len(walked) > 15, walked
    for path in walked:
        scripted.open(f"{server.url}{path}")
        assert broken(driver) == [], f"{path}, nobody signed in"
    scripted.sign_in(server.url, "matt@lp.com")
    for path in walked + [f"/admin{page}" for page in PANEL] + ["/", "/dev/mail", "/nothing-here"]:
        scripted.open(f"{server.url}{path}")
        assert broken(driver) == [], path


def test_what_is_not_of_the_page_does_not_run(scripted, site):
    scripted.open(f"{site}/login")
    title, colour = scripted.driver.execute_script(INLINE)
    assert title != "it ran" and colour != "rgb(255, 0, 0)"
    assert len(broken(scripted.driver)) == 2, "the console names the script and the style"
