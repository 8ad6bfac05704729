"""A single-page application: mailed links lead to its own pages, with what happened in the query."""

import pytest
from letters import JSON, link, mails, note_user, on

ROOT = "/api/accounts"
# The settings block of a single-page application as guides give it.
BLOCK = {
    "flash_messages": False,
    "url_prefix": ROOT,
    "recoverable": True,
    "trackable": True,
    "changeable": True,
    "confirmable": True,
    "registerable": True,
    "post_confirm_view": "/confirmed",
    "confirm_error_view": "/confirm-error",
    "reset_view": "/reset-password",
    "reset_error_view": "/reset-password-error",
    "login_error_view": "/login-error",
    "post_oauth_login_view": "/post-oauth-login",
    "redirect_behavior": "spa",
    "csrf_protect_mechanisms": ["session", "basic"],
    "csrf_ignore_unauth_endpoints": True,
    "csrf_cookie_name": "XSRF-TOKEN",
}
CSRF = {"enabled": True, "protect": True, "check_default": False, "time_limit": False}
NEW = {"email": "new@lp.com", "password": "battery staple", "password_confirm": "battery staple"}
GOOD = {"password": "another staple", "password_confirm": "another staple"}


def spa(**more):
    changes = on(**{**BLOCK, **more})
    changes["csrf"] = CSRF
    return changes


def _json(side, path, body, client=None, **how):
    client = client or side.client
    cookie = client.cookie("XSRF-TOKEN")
    return client.post(ROOT + path, json=body, headers={"X-XSRF-Token": cookie} if cookie else {}, **how)


@pytest.mark.parametrize("host", ["", "localhost:8080"])
def test_from_registration_to_recovery(play, host):
    def story(side):
        side.get(f"{ROOT}/login", accept=JSON)
        side.get("/login")
        _json(side, "/register", NEW)
        (mail,) = mails(side)
        _json(side, "/login", {"email": NEW["email"], "password": NEW["password"]})
        path = link(mail)
        side.get(path)
        side.get(path)
        side.get(f"{ROOT}/confirm/x")
        note_user(side, "new@lp.com")
        _json(side, "/login", {"email": NEW["email"], "password": NEW["password"]})
        side.get("/profile", accept=JSON)
        changed = {"password": NEW["password"], "new_password": "third staple", "new_password_confirm": "third staple"}
        side.post(f"{ROOT}/change", json=changed)
        _json(side, "/change", changed)
        mails(side)
        _json(side, "/logout", {})
        _json(side, "/reset", {"email": "new@lp.com"})
        (mail,) = mails(side)
        path = link(mail)
        side.get(path)
        side.get(path, accept=JSON)
        side.get(f"{ROOT}/reset/x")
        side.post(path, json=GOOD)
        side.get(path)
        side.post(path, json=GOOD)
        mails(side)
        _json(side, "/login", {"email": NEW["email"], "password": GOOD["password"]})
        side.get("/")

    story.label = f"spa, whole story, host {host}"
    play(story, spa(**({"redirect_host": host} if host else {})))


@pytest.mark.parametrize("host", ["", "localhost:8080"])
@pytest.mark.parametrize("query", ["", "?a=1&b=2"])
def test_confirming(play, host, query):
    def story(side):
        for _ in range(2):
            side.browser().post(f"{ROOT}/confirm", json={"email": "joe@lp.com"})
            (mail,) = mails(side)
        path = link(mail)
        side.get(path)
        side.get(path)
        side.post(path, form={})
        side.get(f"{ROOT}/confirm/x")
        side.get(f"{ROOT}/confirm/x", accept=JSON)
        side.get("/")

    story.label = f"spa confirm, host {host}, query {query}"
    more = {"post_confirm_view": f"/confirmed{query}", "confirm_error_view": f"/confirm-error{query}"}
    play(story, spa(**more, **({"redirect_host": host} if host else {})))


def test_confirming_and_signing_in(play):
    def story(side):
        side.browser().post(f"{ROOT}/confirm", json={"email": "joe@lp.com"})
        (mail,) = mails(side)
        side.get(link(mail))
        side.get("/profile", accept=JSON)

    play(story, spa(auto_login_after_confirm=True))


@pytest.mark.parametrize("kind", ["confirm", "reset", "change-email", "login"])
def test_expired_links(play, kind):
    switches = {"confirm": {}, "reset": {}, "change-email": {"change_email": True}, "login": {"passwordless": True}}[kind]
    views = {"change_email_error_view": "/change-email-error", "post_change_email_view": "/changed"}
    lives = {"confirm_email_within": -1, "reset_password_within": -1, "change_email_within": -1, "login_within": -1}

    def story(side):
        if kind == "change-email":
            _json(side, "/login", {"email": "joe@lp.com", "password": "password"})
            _json(side, "/change-email", {"email": "joseph@lp.com"})
        else:
            _json(side, f"/{kind}", {"email": "joe@lp.com"})
        (mail,) = mails(side)
        side.client = side.browser()
        side.get(link(mail))
        mails(side)
        side.get("/")

    story.label = f"spa, expired link to {kind}"
    play(story, spa(**switches, **views, **lives, login_without_confirmation=True))


@pytest.mark.parametrize("host", ["", "localhost:8080"])
def test_changing_the_address(play, host):
    def story(side):
        _json(side, "/login", {"email": "joe@lp.com", "password": "password"})
        _json(side, "/change-email", {"email": "joseph@lp.com"})
        (mail,) = mails(side)
        path = link(mail)
        side.get(path)
        side.get(path)
        side.get(f"{ROOT}/change-email/x")
        note_user(side, "joseph@lp.com")

    story.label = f"spa change email, host {host}"
    views = {"change_email_error_view": "/change-email-error", "post_change_email_view": "/changed"}
    more = {"redirect_host": host} if host else {}
    play(story, spa(change_email=True, login_without_confirmation=True, **views, **more))


@pytest.mark.parametrize("host", ["", "localhost:8080"])
def test_signing_in_by_a_link(play, host):
    def story(side):
        _json(side, "/login", {"email": "joe@lp.com"})
        (mail,) = mails(side)
        side.get(f"{ROOT}/login/x")
        side.get(link(mail))
        side.get("/profile", accept=JSON)

    story.label = f"spa passwordless, host {host}"
    more = {"redirect_host": host} if host else {}
    play(story, spa(passwordless=True, post_login_view="/in", confirmable=False, **more))


def test_forms_keep_their_redirects(play):
    def story(side):
        side.post(f"{ROOT}/reset", form={"email": "joe@lp.com"})
        (mail,) = mails(side)
        path = link(mail)
        side.post(path, form={"password": "short", "password_confirm": "short"})
        side.post(path, form=GOOD)
        side.post(path, form=GOOD)
        side.post(f"{ROOT}/reset/x", form=GOOD)
        mails(side)

    play(story, spa(login_without_confirmation=True))
    play(story, spa(login_without_confirmation=True, redirect_host="localhost:8080"))


def test_identity_of_somebody_with_a_username(play):
    """`identity` is the first identity attribute, which need not be the address."""

    def story(side):
        side.browser().post(f"{ROOT}/confirm", json={"email": "joe@lp.com"})
        (mail,) = mails(side)
        side.get(link(mail))

    identities = [{"username": {"mapper": "uia_username_mapper"}}, {"email": {"mapper": "uia_email_mapper"}}]
    play(story, spa(username_enable=True, user_identity_attributes=identities))


def test_flashes_with_the_redirects(play):
    def story(side):
        side.browser().post(f"{ROOT}/confirm", json={"email": "joe@lp.com"})
        (mail,) = mails(side)
        side.get(f"{ROOT}/confirm/x")
        side.get(link(mail))
        side.get(f"{ROOT}/reset/x")
        side.get("/")

    play(story, spa(flash_messages=True))


@pytest.mark.parametrize("kind", ["confirm", "reset"])
def test_links_go_to_and_fro(shared, kind):
    sides = shared(spa(login_without_confirmation=True))
    for a, b in ((sides["peer"], sides["lychgate"]), (sides["lychgate"], sides["peer"])):
        email = "joe@lp.com" if a is sides["peer"] else "jill@lp.com"
        a.mail.take()
        assert a.browser().post(f"{ROOT}/{kind}", json={"email": email}).status == 200
        (mail,) = mails(a)
        reply = b.get(link(mail))
        assert reply.status == 302
        wanted = "/confirmed?success=" if kind == "confirm" else "/reset-password?token="
        assert reply.header("location").startswith(wanted)
        if kind == "reset":
            token = reply.header("location").partition("token=")[2]
            assert a.post(f"{ROOT}/reset/{token}", json=GOOD).status == 200
