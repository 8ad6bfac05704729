"""Unified sign-in: a password or a code in one field, codes by mail, text message or app, and links that sign in."""

import json
import re
from urllib.parse import urlsplit

import pytest
from factors import (
    JSON, PHONE, App, app_of, code_for, factors, mailed, note_factors, note_outgoing, texted,
)  # fmt: skip
from letters import lines, note_user, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
METHODS = pytest.mark.parametrize("method", ["email", "sms", "authenticator"])
SENDING = pytest.mark.parametrize("method", ["email", "sms"])
JOE, MATT = "joe@lp.com", "matt@lp.com"
E164 = "+16502733780"
IDENTITIES = [
    {"email": {"mapper": "uia_email_mapper", "case_insensitive": True}},
    {"us_phone_number": {"mapper": "uia_phone_mapper"}},
    {"username": {"mapper": "uia_username_mapper", "case_insensitive": True}},
]


def unified(**more):
    return factors("unified_signin", **more)


def _setup(side, style, method, **more):
    """Begins to set up a method; returns where the proof goes and the code."""
    if method == "sms":
        more.setdefault("phone", PHONE)
    reply = sent(side, style, "/us-setup", {"chosen_method": method, **more})
    if style == "form":
        path = re.search(r'action="(/us-setup/[^"]+)"', reply.text)
        path = path.group(1) if path else None
    else:
        path = f"/us-setup/{reply.response['state']}" if reply.status == 200 else None
    if path is None:
        return None, None
    if method == "authenticator":
        if style != "form":
            return path, App(reply.response["authr_b32key"])
        return path, App(re.search(r"\b([A-Z2-7]{4}(?:-[A-Z2-7]{4}){7})\b", reply.text).group(1).replace("-", ""))
    return path, texted(side) if method == "sms" else mailed(side)


def _code(held):
    return held.code() if isinstance(held, App) else held


def _have(side, method, email=JOE):
    """Sets a method up, quietly, and leaves; returns the app."""
    side.client = side.browser()
    side.login(email)
    path, held = _setup(side, "json", method)
    assert side.post(path, json={"passcode": _code(held)}).status == 200
    side.mail.take(), side.sms.take()
    side.client = side.browser()
    return held


def _fresh_code(side, method, held):
    if isinstance(held, App):
        return held.code()
    return texted(side) if method == "sms" else mailed(side)


# Signing in


@STYLES
@pytest.mark.parametrize(
    "body",
    [
        {"identity": JOE, "passcode": "password"}, {"identity": "JOE@lp.com", "passcode": "password"},
        {"identity": JOE, "passcode": "wrong"}, {"identity": JOE, "passcode": ""}, {"identity": JOE},
        {"identity": "", "passcode": "password"}, {"passcode": "password"}, {}, {"identity": "nobody@lp.com", "passcode": "x"},
        {"identity": "joe", "passcode": "password"}, {"identity": "tiya@lp.com", "passcode": "password"},
        {"identity": "jess@lp.com", "passcode": "password"}, {"identity": "jess@lp.com", "passcode": ""},
        {"identity": JOE, "passcode": 7}, {"identity": 7, "passcode": "x"}, {"identity": [JOE], "passcode": "password"},
        {"identity": "650-273-3780", "passcode": "password"},
    ],
    ids=lambda body: ",".join(f"{key}={value!r}" for key, value in body.items()) or "nothing",
)  # fmt: skip
def test_passwords(play, style, body):
    if style != "json" and any(not isinstance(value, str) for value in body.values()):
        pytest.skip("a form has texts only")

    def story(side):
        sent(side, style, "/us-signin", body)
        side.get("/profile", accept=JSON)
        side.get("/")
        note_user(side, JOE)

    story.label = f"unified, password, {style}: {body}"
    play(story, unified(trackable=True))


@STYLES
@METHODS
def test_codes(play, style, method):
    def story(side):
        held = _have(side, method)
        side.get("/us-signin")
        side.get("/us-signin", accept=JSON)
        if method != "authenticator":
            sent(side, style, "/us-signin/send-code", {"identity": JOE, "chosen_method": method})
            side.get("/")
            held = _fresh_code(side, method, None)
        sent(side, style, "/us-signin", {"identity": JOE, "passcode": "000000"})
        code = _code(held)
        sent(side, style, "/us-signin", {"identity": JOE, "passcode": code})
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get("/")
        note_user(side, JOE)
        side.client = side.browser()
        sent(side, style, "/us-signin", {"identity": JOE, "passcode": code})

    story.label = f"unified, code by {method}, {style}"
    play(story, unified(trackable=True))


@STYLES
@pytest.mark.parametrize(
    "body",
    [
        {"identity": JOE, "chosen_method": "email"}, {"identity": "nobody@lp.com", "chosen_method": "email"},
        {"identity": "tiya@lp.com", "chosen_method": "email"}, {"identity": JOE}, {"chosen_method": "email"}, {},
        {"identity": JOE, "chosen_method": "sms"}, {"identity": JOE, "chosen_method": "authenticator"},
        {"identity": JOE, "chosen_method": "password"}, {"identity": JOE, "chosen_method": "telepathy"},
        {"identity": JOE, "chosen_method": ""}, {"identity": "", "chosen_method": "email"},
        {"identity": 7, "chosen_method": "email"}, {"identity": JOE, "chosen_method": 7},
    ],
    ids=lambda body: ",".join(f"{key}={value!r}" for key, value in body.items()) or "nothing",
)  # fmt: skip
@pytest.mark.parametrize("generic", [False, True], ids=["", "generic"])
def test_sending(play, style, body, generic):
    if style != "json" and any(not isinstance(value, str) for value in body.values()):
        pytest.skip("a form has texts only")

    def story(side):
        _have(side, "email")
        sent(side, style, "/us-signin/send-code", body)
        side.get("/")
        note_outgoing(side)

    story.label = f"unified, send{' generically' if generic else ''}, {style}: {body}"
    play(story, unified(return_generic_responses=generic))


@pytest.mark.parametrize("where", ["field", "query"])
@pytest.mark.parametrize("target", ["/page1", "http://evil.example", ""])
def test_next(play, where, target):
    def story(side):
        body = {"identity": JOE, "passcode": "password"}
        if where == "field":
            side.post("/us-signin", form={**body, "next": target})
        else:
            side.post(f"/us-signin?next={target}", form=body)
        side.get("/profile", accept=JSON)

    story.label = f"unified, next {where} {target}"
    play(story, unified())


def test_remember_and_token(play):
    def story(side):
        reply = side.post("/us-signin?include_auth_token", json={"identity": JOE, "passcode": "password", "remember": True})
        token = reply.response["user"]["authentication_token"]
        side.browser().get("/token", token=token, accept=JSON)
        side.client.drop("session")
        side.get("/profile", accept=JSON)

    play(story, unified())


@pytest.mark.parametrize("path", ["/us-signin", "/us-signin/send-code", "/us-setup", "/us-setup/x", "/us-verify",
                                  "/us-verify/send-code", "/us-verify-link"])  # fmt: skip
@pytest.mark.parametrize("who", ["nobody", JOE])
def test_out_of_turn(play, path, who):
    def story(side):
        for how in ({}, {"accept": JSON}):
            for method in ("GET", "POST", "PUT"):
                side.client = side.browser()
                if who != "nobody":
                    side.login(who)
                side.send(method, path, **how)
                side.get("/")

    story.label = f"out of turn {path} {who}"
    play(story, unified())


@pytest.mark.parametrize("identity", [JOE, "joe", "JOE", PHONE, E164, "+1 650 273 3780", "no such", "123"])
def test_identities(play, identity):
    def story(side):
        side.execute("UPDATE user SET us_phone_number = ? WHERE email = ?", E164, JOE)
        side.get("/us-signin", accept=JSON)
        side.post("/us-signin", json={"identity": identity, "passcode": "password"})
        side.get("/profile", accept=JSON)

    story.label = f"unified, identity {identity}"
    play(story, unified(username_enable=True, user_identity_attributes=IDENTITIES))


@STYLES
def test_unconfirmed(play, style):
    def story(side):
        sent(side, style, "/us-signin", {"identity": JOE, "passcode": "password"})
        sent(side, style, "/us-signin/send-code", {"identity": JOE, "chosen_method": "email"})
        side.get("/")
        note_outgoing(side)

    story.label = f"unified, unconfirmed {style}"
    play(story, unified(confirmable=True))
    story.label = f"unified, unconfirmed, led on {style}"
    play(story, unified(confirmable=True, requires_confirmation_error_view="/confirm"))


@STYLES
@pytest.mark.parametrize("identity", [JOE, "nobody@lp.com", "tiya@lp.com", ""])
@pytest.mark.parametrize("passcode", ["wrong", ""])
def test_generic(play, style, identity, passcode):
    def story(side):
        sent(side, style, "/us-signin", {"identity": identity, "passcode": passcode})
        side.get("/")

    story.label = f"unified, generic {style}: {identity} {passcode}"
    play(story, unified(return_generic_responses=True))


def test_instead_of_the_sign_in_page(play):
    def story(side):
        side.get("/login")
        side.get("/login", accept=JSON)
        side.get("/profile")
        side.post("/login", json={"email": JOE, "password": "password"})
        side.post("/login", json={"identity": JOE, "passcode": "wrong"})
        side.post("/login", form={"identity": JOE, "passcode": "password"})
        side.get("/us-signin")
        side.get("/profile", accept=JSON)

    play(story, unified(us_signin_replaces_login=True))


@pytest.mark.parametrize("methods", [["password"], ["email"], ["password", "authenticator"], ["sms", "email"]])
def test_enabled_methods(play, methods):
    def story(side):
        side.get("/us-signin")
        side.get("/us-signin", accept=JSON)
        side.post("/us-signin", json={"identity": JOE, "passcode": "password"})
        side.client = side.browser()
        side.login()
        side.get("/us-setup")
        side.get("/us-setup", accept=JSON)
        for method in ("email", "sms", "authenticator", "password"):
            side.post("/us-setup", json={"chosen_method": method, "phone": PHONE})
        for method in ("email", "sms"):
            side.browser().post("/us-signin/send-code", json={"identity": JOE, "chosen_method": method})
            side.post("/us-verify/send-code", json={"chosen_method": method})
        note_outgoing(side)

    story.label = f"unified, methods {methods}"
    play(story, unified(us_enabled_methods=methods))


# Links


def _link(side):
    """Path and query of the newest link that signs in."""
    (mail,) = side.mail.take()
    address = next(word for word in re.findall(r"https?://[^\s\"'<>]+", mail["text"]) if "us-verify-link" in word)
    parts = urlsplit(address)
    side.note("link", f"{parts.scheme}://{parts.netloc}{parts.path}".partition("us-verify-link")[0])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _spoiled(path):
    """The link with another code, or where it is signed with another signature."""
    if "code=" in path:
        return re.sub(r"code=[^&]+", "code=000000", path)
    return path[:-3] + ("aaa" if not path.endswith("aaa") else "bbb")


@pytest.mark.parametrize("spa", [False, True], ids=["", "spa"])
def test_link(play, spa):
    def story(side):
        _have(side, "email")
        side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "email"})
        path = _link(side)
        side.client = side.browser()
        reply = side.get(path)
        side.note("where", reply.header("location"))
        side.get("/profile", accept=JSON)
        side.get("/")

    story.label = f"sign-in link{' for a page' if spa else ''}"
    more = {"redirect_behavior": "spa", "post_login_view": "/spa/in", "login_error_view": "/spa/error"} if spa else {}
    play(story, unified(**more))


@pytest.mark.parametrize("spa", [False, True], ids=["", "spa"])
def test_bad_links(play, spa):
    def story(side):
        _have(side, "email")
        side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "email"})
        path = _link(side)
        for bad in ("/us-verify-link", "/us-verify-link?id=x", "/us-verify-link?code=1", "/us-verify-link?id=x&code=000000",
                    _spoiled(path)):  # fmt: skip
            side.client = side.browser()
            side.get(bad)
            side.get("/")
        side.execute("UPDATE user SET active = 0 WHERE email = ?", JOE)
        side.client = side.browser()
        side.get(path)
        side.get("/profile", accept=JSON)

    story.label = f"bad sign-in links{' for a page' if spa else ''}"
    more = {"redirect_behavior": "spa", "post_login_view": "/spa/in", "login_error_view": "/spa/error"} if spa else {}
    play(story, unified(**more))


def test_lines_of_the_mail(play):
    def story(side):
        _have(side, "email")
        side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "email"})
        (mail,) = side.mail.take()
        found = lines(mail)
        assert list(found) == ["Link", "Email", "Token", "RegisterBlueprint", "Username", "Within"], mail["text"]
        side.note("lines", [found[name] for name in ("Email", "RegisterBlueprint", "Username", "Within")])
        assert re.fullmatch(r"\d{6}", found["Token"])
        assert found["Link"].startswith("http://localhost/us-verify-link")

    play(story, unified(us_email_template="security/email/us_instructions_test"))


def test_mails_in_one_form_only(play):
    for setting in ("email_plaintext", "email_html"):

        def story(side):
            _have(side, "email")
            side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "email"})
            mailed(side, to=JOE)

        story.label = f"unified, no {setting}"
        play(story, unified(**{setting: False}))


# Setting up


@STYLES
@METHODS
def test_setup(play, style, method):
    def story(side):
        side.login()
        side.get("/us-setup")
        side.get("/us-setup", accept=JSON)
        path, held = _setup(side, style, method)
        note_factors(side, JOE)
        sent(side, style, path, {"passcode": "000000"})
        side.get("/")
        sent(side, style, path, {"passcode": _code(held)})
        note_factors(side, JOE)
        note_outgoing(side)
        side.get("/us-setup")
        side.get("/us-setup", accept=JSON)
        side.get("/us-signin", accept=JSON)

    story.label = f"unified, set up {method}, {style}"
    play(story, unified())


@STYLES
@pytest.mark.parametrize(
    "body",
    [
        {}, {"chosen_method": ""}, {"chosen_method": "telepathy"}, {"chosen_method": "password"}, {"chosen_method": "sms"},
        {"chosen_method": "sms", "phone": ""}, {"chosen_method": "sms", "phone": "123"}, {"chosen_method": 7},
        {"chosen_method": "sms", "phone": "650-277-7098"}, {"delete_method": "email"}, {"delete_method": "telepathy"},
        {"delete_method": []}, {"chosen_method": ["email"]},
    ],
    ids=str,
)  # fmt: skip
def test_setup_refused(play, style, body):
    if style != "json" and any(not isinstance(value, str) for value in body.values()):
        pytest.skip("a form has texts only")

    def story(side):
        side.execute("UPDATE user SET us_phone_number = '+16502777098' WHERE email = ?", MATT)
        side.login()
        sent(side, style, "/us-setup", body)
        note_outgoing(side)
        note_factors(side, JOE)

    story.label = f"unified, set up refused {style}: {body}"
    play(story, unified())


def test_setup_states_that_are_none(play):
    def story(side):
        side.login()
        path, held = _setup(side, "json", "email")
        for bad in ("/us-setup/x", path[:-2] + "xx"):
            side.post(bad, json={"passcode": held})
            side.post(bad, form={"passcode": held})
            side.get("/")
        for body in ({}, {"passcode": ""}, {"passcode": "abc"}):
            side.post(path, json=body)
        note_factors(side, JOE)

    play(story, unified())


def test_setup_expired(play):
    def story(side):
        side.login()
        path, held = _setup(side, "json", "email")
        side.post(path, json={"passcode": held})
        side.post(path, form={"passcode": held})
        side.get("/")

    play(story, unified(us_setup_within=-1))


@STYLES
def test_deleting(play, style):
    def story(side):
        for method in ("email", "sms"):
            _have(side, method)
        side.login()
        sent(side, style, "/us-setup", {"delete_method": "email"})
        note_factors(side, JOE)
        side.get("/us-setup", accept=JSON)
        # One goes and another comes.
        reply = sent(side, style, "/us-setup", {"delete_method": "sms", "chosen_method": "authenticator"})
        note_factors(side, JOE)
        note_outgoing(side)
        side.note("answered", reply.status)

    story.label = f"unified, delete {style}"
    play(story, unified())


def test_deleting_several(play):
    def story(side):
        for method in ("email", "sms"):
            _have(side, method)
        side.login()
        side.post("/us-setup", json={"delete_method": ["email", "sms"]})
        note_factors(side, JOE)
        side.get("/us-setup", accept=JSON)

    play(story, unified())


def test_stale_sessions(play):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        for how in ({}, {"accept": JSON}):
            side.get("/us-setup", **how)
            side.get("/fresh", **how)
            side.get("/", **how)
        side.post("/us-setup", json={"chosen_method": "email"})

    play(story, unified())


@pytest.mark.parametrize("view", ["/page1", ".us_signin"])
def test_view_after_setup(play, view):
    def story(side):
        side.login()
        path, held = _setup(side, "form", "email")
        side.post(path, form={"passcode": held})

    story.label = f"unified, set up, view {view}"
    play(story, unified(us_post_setup_view=view))


# Proving identity again


@STYLES
@METHODS
def test_verify(play, style, method):
    def story(side):
        held = _have(side, method)
        side.login()
        side.get("/us-verify")
        side.get("/us-verify", accept=JSON)
        if method != "authenticator":
            sent(side, style, "/us-verify/send-code", {"chosen_method": method})
            side.get("/")
            held = _fresh_code(side, method, None)
        sent(side, style, "/us-verify", {"passcode": "000000"})
        sent(side, style, "/us-verify", {"passcode": _code(held)})
        side.get("/")

    story.label = f"unified, verify by {method}, {style}"
    play(story, unified())


@STYLES
@pytest.mark.parametrize("passcode", ["password", "wrong", "", None])
def test_verify_by_password(play, style, passcode):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        side.get("/fresh")
        sent(side, style, "/us-verify?next=/page1", {} if passcode is None else {"passcode": passcode})
        side.get("/fresh", accept=JSON)

    story.label = f"unified, verify {style}: {passcode}"
    play(story, unified())


@STYLES
@pytest.mark.parametrize("method", ["email", "sms", "authenticator", "password", "telepathy", "", None])
def test_verify_send(play, style, method):
    def story(side):
        _have(side, "email")
        side.login()
        sent(side, style, "/us-verify/send-code", {} if method is None else {"chosen_method": method})
        note_outgoing(side)
        side.get("/")

    story.label = f"unified, verify, send {style}: {method}"
    play(story, unified())


# With other features


@STYLES
def test_second_factor_after_it(play, style):
    def story(side):
        sent(side, style, "/us-signin", {"identity": "gal3@lp.com", "passcode": "password"})
        side.post("/tf-validate", json={"code": code_for(side, "gal3@lp.com", "email")})
        side.get("/profile", accept=JSON)

    story.label = f"unified and a second factor {style}"
    play(story, unified(two_factor=True, two_factor_rescue_mail="help@lp.com"))


@pytest.mark.parametrize("required", [["password", "email"], ["password"], []], ids=str)
def test_which_methods_ask_for_a_second_factor(play, required):
    def story(side):
        secret = app_of(side, "gal2@lp.com")
        # Whoever has a second factor proves it before more is set up.
        side.post("/login", json={"email": "gal2@lp.com", "password": "password"})
        side.post("/tf-validate", json={"code": secret.code()})
        path, held = _setup(side, "json", "email")
        side.post(path, json={"passcode": held})
        side.client = side.browser()
        side.post("/us-signin", json={"identity": "gal2@lp.com", "passcode": "password"})
        side.get("/profile", accept=JSON)
        side.client = side.browser()
        side.post("/us-signin/send-code", json={"identity": "gal2@lp.com", "chosen_method": "email"})
        side.post("/us-signin", json={"identity": "gal2@lp.com", "passcode": mailed(side)})
        side.get("/profile", accept=JSON)

    story.label = f"unified, second factor after {required}"
    play(story, unified(two_factor=True, us_mfa_required=required))


@STYLES
def test_registering_without_a_password(play, style):
    def story(side):
        sent(side, style, "/register", {"email": "new@lp.com"})
        note_outgoing(side)
        note_factors(side, "new@lp.com")
        side.get("/us-setup", accept=JSON)
        side.client = side.browser()
        sent(side, style, "/us-signin/send-code", {"identity": "new@lp.com", "chosen_method": "email"})
        sent(side, style, "/us-signin", {"identity": "new@lp.com", "passcode": mailed(side)})
        side.get("/profile", accept=JSON)
        side.get("/us-setup", accept=JSON)

    story.label = f"register without a password {style}"
    play(story, unified(registerable=True, password_required=False))


def test_who_has_no_password(play):
    def story(side):
        side.post("/us-signin/send-code", json={"identity": "jess@lp.com", "chosen_method": "email"})
        side.post("/us-signin", json={"identity": "jess@lp.com", "passcode": ""})
        side.post("/us-signin", json={"identity": "jess@lp.com", "passcode": "password"})
        note_outgoing(side)

    play(story, unified())


def test_sending_fails(play):
    def story(side):
        _have(side, "sms")
        side.sms.status = 500
        try:
            side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "sms"})
            side.post("/us-signin/send-code", form={"identity": JOE, "chosen_method": "sms"})
            side.login()
            side.post("/us-verify/send-code", json={"chosen_method": "sms"})
            side.post("/us-setup", json={"chosen_method": "sms", "phone": "650-273-3781"})
            note_factors(side, JOE)
        finally:
            side.sms.status = 200

    play(story, unified())


def test_with_csrf_tokens(play):
    def story(side):
        token = side.get("/us-signin", accept=JSON).csrf()
        good = {"identity": JOE, "passcode": "password"}
        side.post("/us-signin", json=good)
        side.post("/us-signin", form=good)
        side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "email"})
        reply = side.post("/us-signin", json=dict(good, csrf_token=token))
        side.post("/us-setup", json={"chosen_method": "email"})
        side.post("/us-setup", json={"chosen_method": "email", "csrf_token": reply.csrf()})
        side.post("/us-verify", json={"passcode": "password"})
        note_outgoing(side)

    play(story, dict(unified(), csrf={"enabled": True}))


def test_templates_and_urls(play):
    def story(side):
        assert "CUSTOM UNIFIED SIGN IN" in side.get("/a/in").text
        side.post("/a/in/code", json={"identity": JOE, "chosen_method": "email"})
        side.post("/a/in", form={"identity": JOE, "passcode": "password"})
        assert "CUSTOM UNIFIED SIGNIN SETUP" in side.get("/a/ways").text
        assert "CUSTOM UNIFIED VERIFY" in side.get("/a/prove").text
        side.get("/a/us-signin")

    settings = {
        "us_signin_url": "/in", "us_signin_send_code_url": "/in/code", "us_setup_url": "/ways", "us_verify_url": "/prove",
        "us_signin_template": "custom_security/us_signin.html", "us_setup_template": "custom_security/us_setup.html",
        "us_verify_template": "custom_security/us_verify.html", "url_prefix": "/a",
    }  # fmt: skip
    play(story, unified(**settings))


@pytest.mark.parametrize(
    "changes",
    [
        {"unified_signin": True, "us_enabled_methods": ["password", "email"]},
        {"unified_signin": True, "us_enabled_methods": ["sms"], "sms_service": ""},
        {"unified_signin": True, "totp_secrets": {"1": "x" * 40}, "us_enabled_methods": []},
    ],
    ids=["no secrets", "no sender", "no methods"],
)
def test_settings_that_are_refused(refused, changes):
    refused({"security": changes})


# One database

WAYS = pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])


@WAYS
@METHODS
def test_set_up_at_one_and_used_at_the_other(shared, made, used, method):
    sides = shared(unified())
    a, b = sides[made], sides[used]
    for side in (a, b):
        side.mail.take(), side.sms.take()
    held = _have(a, method)
    b.client = b.browser()
    if method != "authenticator":
        assert b.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": method}).status == 200
        held = _fresh_code(b, method, None)
    assert b.post("/us-signin", json={"identity": JOE, "passcode": _code(held)}).status == 200
    assert set(b.get("/us-setup", accept=JSON).response["active_methods"]).issuperset([method])
    stored = json.loads(a.query("SELECT us_totp_secrets FROM user WHERE email = ?", JOE)[0][0])
    assert list(stored) == [method]
    assert b.post("/us-setup", json={"delete_method": [method]}).status == 200
    a.client = a.browser()
    a.login()
    assert method not in a.get("/us-setup", accept=JSON).response["active_methods"]
