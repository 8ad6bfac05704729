"""Where Lychgate is meant to be safer than the reference; asked of Lychgate alone."""

import sqlite3
import threading

import pytest

JSON = "application/json"
GOOD = {"email": "joe@lp.com", "password": "password"}
OFF = {"enabled": True, "protect": True, "check_default": False}


def _csrf(side, client):
    token = client.get("/login", accept=JSON).csrf()
    return token, {"X-CSRFToken": token}


def test_signing_out_ends_copies_of_the_session(ours):
    side = ours()
    side.login(remember=True)
    copy = dict(side.client.jar)
    other = side.browser()
    side.login(client=other)
    assert side.post("/logout", json={}).status == 200
    thief = side.browser()
    thief.jar = {key: value for key, value in copy.items() if key[0] == "session"}
    assert thief.get("/profile", accept=JSON).status == 401
    assert other.get("/profile", accept=JSON).status == 200, "another session of the same user must go on"


def test_a_token_beside_a_foreign_session(ours):
    """The caller's own token must not lift the CSRF check from the victim's session, nor mix two identities."""
    side = ours({"csrf": OFF, "security": {"csrf_protect_mechanisms": ["session", "basic"]}})
    victim = side.browser()
    token, header = _csrf(side, victim)
    assert victim.post("/login", json=GOOD, headers=header).status == 200
    attacker = side.browser()
    _, header = _csrf(side, attacker)
    matt = {"email": "matt@lp.com", "password": "password"}
    reply = attacker.post("/login?include_auth_token", json=matt, headers=header)
    stolen = reply.response["user"]["authentication_token"]
    # A cross-site form can carry the token in the address only.
    for path in ("/verify", "/form", "/json_auth"):
        sent = {"password": "password", "message": "x"}
        # Asking for JSON shows in whose name the request was carried out.
        reply = victim.post(f"{path}?auth_token={stolen}", form=sent, accept=JSON)
        assert "joe@lp.com" not in reply.text
        assert reply.status in (200, 400, 401, 302, 415), reply.status
    # Whoever is served, roles and identity are of one person.
    page = victim.get(f"/admin?auth_token={stolen}")
    assert page.status in (302, 400, 401, 403) or "Welcome matt@lp.com" in page.text
    page = victim.get(f"/profile?auth_token={stolen}")
    assert page.status in (302, 400, 401) or "Welcome joe@lp.com" in page.text or "Welcome matt@lp.com" in page.text
    if "Welcome matt@lp.com" in page.text:
        assert "/admin_or_editor" in page.text and 'href="/admin"' in page.text


def test_basic_sign_in_has_the_checks_of_sign_in(ours):
    side = ours({"security": {"confirmable": True}})
    assert side.get("/http", basic=("joe@lp.com", "password")).status == 401
    side.execute("UPDATE user SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE email = 'joe@lp.com'")
    assert side.get("/http", basic=("joe@lp.com", "password")).status == 200
    assert side.get("/http", basic=("jess@lp.com", "password")).status == 401
    assert side.get("/http", basic=("jess@lp.com", "")).status == 401
    assert side.get("/http", basic=("tiya@lp.com", "password")).status == 401


def test_the_csrf_token_changes_at_sign_in(ours):
    side = ours({"csrf": {"enabled": True}})
    token = side.get("/login", accept=JSON).csrf()
    before = side.session()["csrf_token"]
    reply = side.post("/login", json=dict(GOOD, csrf_token=token))
    assert side.session()["csrf_token"] != before
    assert side.post("/verify", json={"password": "password", "csrf_token": reply.csrf()}).status == 200
    # A form that was open in another tab still works.
    assert side.post("/verify", json={"password": "password", "csrf_token": token}).status == 200


def test_pages_that_depend_on_the_session_say_so(ours):
    side = ours()
    for signed_in in (False, True):
        for path in ("/", "/login", "/verify", "/profile", "/admin", "/post_login", "/fresh", "/form", "/multi_auth", "/session"):
            for accept in (None, JSON):
                assert "cookie" in (side.get(path, accept=accept).header("vary") or "").lower(), (path, accept, signed_in)
        if not signed_in:
            side.login()


def test_nothing_is_reflected_unescaped(ours):
    side = ours()
    for text in ('"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "</title><script>", "{{7*7}}", "%(email)s"):
        for reply in (
            side.browser().post("/login", form={"email": text, "password": text, "next": text}),
            side.browser().get("/login?next=" + text.replace("%", "%25").replace(" ", "%20").replace('"', "%22")),
            side.browser().get("/nothing/" + text.replace("%", "%25").replace(" ", "%20").replace('"', "%22")),
        ):
            assert "<script>alert" not in reply.text and "<img src=x" not in reply.text and ">49<" not in reply.text


@pytest.mark.parametrize("hold", ["until the reply", "a moment"])
def test_a_locked_database(ours, hold):
    """A writer elsewhere: waited for while that is short, refused with 503 when it is not."""
    side = ours({"security": {"trackable": True}})
    link = sqlite3.connect(side.server.database, timeout=10, isolation_level=None, check_same_thread=False)
    link.execute("BEGIN IMMEDIATE")
    seen = []

    def ask():
        client = side.browser()
        client.observers.clear()
        seen.append(client.post("/login", json=GOOD))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        thread.join(1.0 if hold == "a moment" else 19)
        link.execute("ROLLBACK")
        thread.join(15)
    finally:
        link.close()
    assert seen, "no reply"
    if hold == "a moment":
        assert seen[0].status == 200
    else:
        assert seen[0].status in (200, 503), seen[0].status
        if seen[0].status == 503:
            assert seen[0].header("retry-after")
    assert side.browser().post("/login", json=GOOD).status == 200
