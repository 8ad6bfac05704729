"""The second factor: asked for at sign-in, set up, changed, rescued; and every step that must not work."""

import re
from urllib.parse import quote

import pytest
from factors import (
    JSON, PHONE, WHO, App, app_of, begin, code_for, finish, mailed, note_factors, note_outgoing, sign_in, texted, two_factor,
)  # fmt: skip
from letters import link, mails, note_user, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
METHODS = pytest.mark.parametrize("method", sorted(WHO))
GOOD = {"email": "joe@lp.com", "password": "password"}
CODES = {
    "wrong": "000000",
    "empty": "",
    "missing": None,
    "blank": "      ",
    "letters": "abcdef",
    "short": "12345",
    "long": "1234567",
    "number": 7,
    "digits of elsewhere": "١٢٣٤٥٦",
    "list": ["000000"],
    "map": {"a": 1},
}


@STYLES
@METHODS
def test_sign_in(play, style, method):
    email = WHO[method]

    def story(side):
        sent(side, style, "/login", {"email": email, "password": "password"})
        side.get("/profile", accept=JSON)
        side.get("/tf-validate")
        side.get("/tf-validate", accept=JSON)
        code = code_for(side, email, method)
        sent(side, style, "/tf-validate", {"code": "000000"})
        sent(side, style, "/tf-validate", {"code": code})
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get("/")
        sent(side, style, "/tf-validate", {"code": code})
        note_outgoing(side)
        note_user(side, email)

    story.label = f"second factor {method} {style}"
    play(story, two_factor(trackable=True))


@STYLES
@pytest.mark.parametrize("name", CODES)
def test_codes_that_are_none(play, style, name):
    if style != "json" and not isinstance(CODES[name], str | None):
        pytest.skip("a form has texts only")

    def story(side):
        begin(side, WHO["authenticator"], style="json")
        body = {} if CODES[name] is None else {"code": CODES[name]}
        sent(side, style, "/tf-validate", body)
        side.get("/profile", accept=JSON)

    story.label = f"code {style}: {name}"
    play(story, two_factor())


@pytest.mark.parametrize("spelling", ["number", "spaces", "dash", "list"])
def test_spellings_of_a_code(play, spelling):
    def story(side):
        begin(side, WHO["authenticator"])
        code = app_of(side, WHO["authenticator"]).code()
        spelled = {
            "number": int(code), "spaces": f" {code[:3]} {code[3:]} ", "dash": f"{code[:3]}-{code[3:]}", "list": [code],
        }[spelling]  # fmt: skip
        side.post("/tf-validate", json={"code": spelled})
        side.get("/profile", accept=JSON)

    story.label = f"code spelled with {spelling}"
    play(story, two_factor())


def test_wrong_passwords_ask_for_nothing(play):
    def story(side):
        side.post("/login", json={"email": WHO["email"], "password": "wrong"})
        side.browser().post("/login", form={"email": WHO["email"], "password": "wrong"})
        note_outgoing(side)
        side.get("/tf-validate", accept=JSON)

    play(story, two_factor())


@pytest.mark.parametrize("target", ["/page1", "/page1?a=1&b=2", "http://evil.example/", "//evil.example", ""])
@pytest.mark.parametrize("where", ["query", "field"])
def test_next(play, target, where):
    def story(side):
        query = f"?next={quote(target, safe='')}" if where == "query" else ""
        fields = {"next": target} if where == "field" else {}
        reply = begin(side, WHO["authenticator"], style="form", path=f"/login{query}", **fields)
        if reply.status != 302 or "tf-validate" not in reply.header("location"):
            return
        onward = reply.header("location")
        side.get(onward)
        side.post(onward, form={"code": "000000"})
        side.post(onward, form={"code": app_of(side, WHO["authenticator"]).code()})

    story.label = f"second factor, next {where} {target}"
    play(story, two_factor())


def test_view_after_sign_in(play):
    def story(side):
        begin(side, WHO["authenticator"], style="form")
        side.post("/tf-validate", form={"code": app_of(side, WHO["authenticator"]).code()})
        side.get("/")

    play(story, two_factor(post_login_view="/post_login"))


def test_auth_token(play):
    def story(side):
        begin(side, WHO["email"], path="/login?include_auth_token")
        reply = side.post("/tf-validate?include_auth_token", json={"code": mailed(side)})
        token = reply.response["user"]["authentication_token"]
        side.browser().get("/token", token=token, accept=JSON)

    play(story, two_factor())


def test_remembered_browsers(play):
    def story(side):
        sign_in(side, WHO["authenticator"], "authenticator", remember=True)
        side.post("/logout", json={})
        side.post("/login", json={"email": WHO["authenticator"], "password": "password"})
        side.get("/profile", accept=JSON)
        side.post("/logout", json={})
        # It is trusted for one user only.
        side.post("/login", json={"email": WHO["email"], "password": "password"})
        side.get("/profile", accept=JSON)

    play(story, two_factor(two_factor_always_validate=False))


def test_without_remember_nothing_is_kept(play):
    def story(side):
        sign_in(side, WHO["authenticator"], "authenticator")
        side.post("/logout", json={})
        side.post("/login", json={"email": WHO["authenticator"], "password": "password"})

    play(story, two_factor(two_factor_always_validate=False))
    story.label = "remembered, but always asked"

    def story(side):
        sign_in(side, WHO["authenticator"], "authenticator", remember=True)
        side.get("/profile", accept=JSON)

    play(story, two_factor())


def test_bad_trust(play):
    def story(side):
        for value in ("", "x", "a.b.c", "Ii4i.aBcDeF.aaaaaaaaaaaaaaaaaaaaaaaaaaa"):
            body = {"email": WHO["authenticator"], "password": "password"}
            side.browser().post("/login", json=body, cookies={"tf_validity": value})

    play(story, two_factor(two_factor_always_validate=False))


def test_trust_that_is_over(play):
    def story(side):
        sign_in(side, WHO["authenticator"], "authenticator", remember=True)
        side.post("/logout", json={})
        side.post("/login", json={"email": WHO["authenticator"], "password": "password"})

    play(story, two_factor(two_factor_always_validate=False, two_factor_login_validity=-1))


# Setting up


def _setup(side, style, method, **more):
    """Chooses a method; returns where the proof goes and the code."""
    reply = sent(side, style, "/tf-setup", {"setup": method, **more})
    if style == "form":
        path = re.search(r'action="(/tf-(?:setup/[^"]+|validate[^"]*))"', reply.text)
        path = path.group(1) if path else None
    else:
        path = f"/tf-setup/{reply.response['tf_state_token']}" if reply.status == 200 else None
    if path is None:
        return None, None
    if method == "authenticator":
        if style != "form":
            return path, App(reply.response["tf_authr_b32key"])
        key = next(iter(re.findall(r"\b([A-Z2-7]{4}(?:-[A-Z2-7]{4}){7})\b", reply.text)))
        return path, App(key.replace("-", ""))
    return path, texted(side) if method == "sms" else mailed(side)


def _code(held):
    return held.code() if isinstance(held, App) else held


@STYLES
@METHODS
def test_setup(play, style, method):
    def story(side):
        side.login()
        side.get("/tf-setup")
        side.get("/tf-setup", accept=JSON)
        path, held = _setup(side, style, method, **({"phone": PHONE} if method == "sms" else {}))
        side.note("form", path and path.startswith("/tf-setup/"))
        note_factors(side, "joe@lp.com")
        sent(side, style, path, {"code": _code(held)})
        note_factors(side, "joe@lp.com")
        note_outgoing(side)
        side.get("/tf-setup")
        side.get("/tf-setup", accept=JSON)
        side.client = side.browser()
        begin(side, "joe@lp.com")
        code = held.code() if method == "authenticator" else code_for(side, "joe@lp.com", method)
        side.post("/tf-validate", json={"code": code})
        side.get("/profile", accept=JSON)

    story.label = f"set up {method} {style}"
    play(story, two_factor())


@STYLES
@pytest.mark.parametrize(
    "body",
    [
        {}, {"setup": ""}, {"setup": "telepathy"}, {"setup": "disable"}, {"setup": "mail"}, {"setup": "webauthn"},
        {"setup": "sms"}, {"setup": "sms", "phone": ""}, {"setup": "sms", "phone": "123"}, {"setup": "sms", "phone": "abc"},
        {"setup": "email", "phone": "123"}, {"setup": 7}, {"setup": ["email"]},
    ],
    ids=str,
)  # fmt: skip
def test_setup_refused(play, style, body):
    if style != "json" and not isinstance(body.get("setup", ""), str):
        pytest.skip("a form has texts only")

    def story(side):
        side.login()
        sent(side, style, "/tf-setup", body)
        note_outgoing(side)
        note_factors(side, "joe@lp.com")

    story.label = f"set up refused {style}: {body}"
    play(story, two_factor())


@STYLES
def test_setup_with_a_wrong_code(play, style):
    def story(side):
        side.login()
        path, held = _setup(side, style, "email")
        for body in ({"code": "000000"}, {"code": ""}, {}):
            sent(side, style, path, body)
        side.get("/")
        note_factors(side, "joe@lp.com")

    story.label = f"set up with a wrong code {style}"
    play(story, two_factor())


def test_setup_states_that_are_none(play):
    def story(side):
        side.login()
        path, held = _setup(side, "json", "email")
        for bad in ("/tf-setup/x", path[:-2] + "xx", "/tf-setup/a.b.c"):
            side.post(bad, json={"code": held})
            side.post(bad, form={"code": held})
            side.get("/")
        note_factors(side, "joe@lp.com")

    play(story, two_factor())


def test_setup_begun_and_left(play):
    """What is begun and not proved changes nothing."""

    def story(side):
        email = WHO["email"]
        sign_in(side, email, "email")
        side.post("/tf-setup", json={"setup": "sms", "phone": PHONE})
        note_factors(side, email)
        side.sms.take()
        side.client = side.browser()
        begin(side, email)
        side.note("who", [mail["to"] for mail in side.mail.take()])

    play(story, two_factor())


def test_setup_expired(play):
    def story(side):
        side.login()
        path, held = _setup(side, "json", "email")
        side.post(path, json={"code": held})
        side.post(path, form={"code": held})
        side.get("/")
        note_factors(side, "joe@lp.com")

    play(story, two_factor(two_factor_setup_within=-1))


@STYLES
@METHODS
def test_setup_is_finished_where_a_sign_in_is(play, style, method):
    def story(side):
        side.login()
        more = {"phone": PHONE} if method == "sms" else {}
        _, held = _setup(side, style, method, **more)
        side.get("/tf-validate", accept=JSON)
        side.post("/tf-validate", json={"code": "000000"})
        sent(side, style, "/tf-validate", {"code": _code(held)})
        note_factors(side, "joe@lp.com")
        note_outgoing(side)
        side.get("/profile", accept=JSON)

    story.label = f"set up {method} {style}, finished at /tf-validate"
    play(story, two_factor())


def test_setup_needs_a_fresh_proof(play):
    def story(side):
        side.get("/tf-setup")
        side.get("/tf-setup", accept=JSON)
        side.post("/tf-setup", json={"setup": "email"})
        side.post("/tf-setup", form={"setup": "email"})
        side.login(remember=True)
        side.client.drop("session")
        side.get("/tf-setup")
        side.get("/tf-setup", accept=JSON)
        side.post("/tf-setup", json={"setup": "email"})
        note_outgoing(side)

    play(story, two_factor())


@STYLES
@METHODS
def test_disable(play, style, method):
    def story(side):
        email = WHO[method]
        sign_in(side, email, method)
        sent(side, style, "/tf-setup", {"setup": "disable"})
        note_factors(side, email)
        side.get("/")
        note_outgoing(side)
        side.browser().post("/login", json={"email": email, "password": "password"})

    story.label = f"disable {method} {style}"
    play(story, two_factor())


@STYLES
def test_changing_the_method(play, style):
    def story(side):
        email = WHO["email"]
        sign_in(side, email, "email")
        path, held = _setup(side, style, "authenticator")
        sent(side, style, path, {"code": _code(held)})
        note_factors(side, email)
        note_outgoing(side)
        side.client = side.browser()
        begin(side, email)
        side.post("/tf-validate", json={"code": _code(held)})

    story.label = f"change the method {style}"
    play(story, two_factor())


@pytest.mark.parametrize("view", ["/page1", ".login"])
def test_view_after_setup(play, view):
    def story(side):
        side.login()
        path, held = _setup(side, "form", "email")
        side.post(path, form={"code": held})
        side.post("/tf-setup", form={"setup": "disable"})

    story.label = f"set up, view {view}"
    play(story, two_factor(two_factor_post_setup_view=view))


@pytest.mark.parametrize("methods", [["authenticator"], ["email"], ["sms", "email"]])
def test_enabled_methods(play, methods):
    def story(side):
        side.login()
        side.get("/tf-setup")
        side.get("/tf-setup", accept=JSON)
        for method in ("email", "sms", "authenticator"):
            side.post("/tf-setup", json={"setup": method, "phone": PHONE})
        note_outgoing(side)

    story.label = f"methods {methods}"
    play(story, two_factor(two_factor_enabled_methods=methods))


# Required


@STYLES
@METHODS
def test_required(play, style, method):
    def story(side):
        sent(side, style, "/login", GOOD)
        side.get("/profile", accept=JSON)
        side.get("/tf-setup")
        side.get("/tf-setup", accept=JSON)
        more = {"phone": PHONE} if method == "sms" else {}
        path, held = _setup(side, style, method, **more)
        side.note("where", path)
        note_factors(side, "joe@lp.com")
        sent(side, style, "/tf-validate", {"code": "000000"})
        sent(side, style, "/tf-validate", {"code": _code(held)})
        note_factors(side, "joe@lp.com")
        note_outgoing(side)
        side.get("/profile", accept=JSON)
        side.get("/")

    story.label = f"required {method} {style}"
    play(story, two_factor(two_factor_required=True))


def test_required_and_out_of_turn(play):
    def story(side):
        for how in ({}, {"accept": JSON}):
            side.client = side.browser()
            side.login()
            side.get("/tf-validate", **how)
            side.get("/tf-setup", **how)
            side.login()
            side.post("/tf-rescue", json={"help_setup": "help"})
            side.get("/tf-select", **how)

    play(story, two_factor(two_factor_required=True))


@STYLES
def test_required_cannot_be_disabled(play, style):
    def story(side):
        sign_in(side, WHO["email"], "email")
        side.get("/tf-setup", accept=JSON)
        sent(side, style, "/tf-setup", {"setup": "disable"})
        note_factors(side, WHO["email"])

    story.label = f"required, disable {style}"
    play(story, two_factor(two_factor_required=True))


# Rescue


@STYLES
@METHODS
@pytest.mark.parametrize("choice", ["help", "email", "recovery_code", "nonsense", "", None])
def test_rescue(play, style, method, choice):
    def story(side):
        begin(side, WHO[method])
        side.mail.take(), side.sms.take()
        sent(side, style, "/tf-rescue", {} if choice is None else {"help_setup": choice})
        note_outgoing(side)
        side.get("/profile", accept=JSON)

    story.label = f"rescue {method} {style}: {choice}"
    play(story, two_factor())


@pytest.mark.parametrize("method", ["sms", "authenticator"])
def test_rescued_by_mail(play, method):
    def story(side):
        begin(side, WHO[method])
        side.sms.take()
        side.get("/tf-rescue")
        side.get("/tf-rescue", accept=JSON)
        side.post("/tf-rescue", form={"help_setup": "email"})
        side.post("/tf-validate", json={"code": mailed(side, to=WHO[method])})
        side.get("/profile", accept=JSON)

    story.label = f"rescued by mail {method}"
    play(story, two_factor())


def test_no_rescue_by_mail(play):
    def story(side):
        begin(side, WHO["authenticator"])
        side.get("/tf-validate", accept=JSON)
        side.get("/tf-rescue")
        side.post("/tf-rescue", json={"help_setup": "email"})
        note_outgoing(side)

    play(story, two_factor(two_factor_rescue_email=False))


# What is not the time for


@pytest.mark.parametrize("path", ["/tf-validate", "/tf-rescue", "/tf-select", "/tf-setup", "/tf-setup/x"])
@pytest.mark.parametrize("who", ["nobody", "joe@lp.com"])
@pytest.mark.parametrize("view", [".login", "/page1"])
def test_out_of_turn(play, path, who, view):
    def story(side):
        for how in ({}, {"accept": JSON}):
            for send in ("GET", "POST", "PUT"):
                side.client = side.browser()
                if who != "nobody":
                    side.login(who)
                side.send(send, path, **how)
                side.get("/profile", accept=JSON)
                side.get("/")
        side.client = side.browser()
        side.post(path, json={})

    story.label = f"out of turn {path} {who} {view}"
    play(story, two_factor(two_factor_error_view=view))


def test_a_new_sign_in_begins_anew(play):
    def story(side):
        begin(side, WHO["authenticator"])
        side.get("/login", accept=JSON)
        side.post("/tf-validate", json={"code": app_of(side, WHO["authenticator"]).code()})
        side.get("/profile", accept=JSON)
        begin(side, WHO["authenticator"])
        begin(side, WHO["email"])
        side.post("/tf-validate", json={"code": app_of(side, WHO["authenticator"]).code()})
        side.post("/tf-validate", json={"code": mailed(side)})
        side.get("/", accept=JSON)

    play(story, two_factor())


def test_signing_out_in_between(play):
    def story(side):
        begin(side, WHO["authenticator"])
        side.post("/logout", json={})
        side.post("/tf-validate", json={"code": app_of(side, WHO["authenticator"]).code()})
        side.get("/profile", accept=JSON)

    play(story, two_factor())


def test_deactivated_in_between(play):
    def story(side):
        begin(side, WHO["authenticator"])
        side.execute("UPDATE user SET active = 0 WHERE email = ?", WHO["authenticator"])
        side.post("/tf-validate", json={"code": app_of(side, WHO["authenticator"]).code()})
        side.get("/profile", accept=JSON)

    play(story, two_factor())


@pytest.mark.parametrize("method", ["sms", "email"])
def test_sending_fails(play, method):
    def story(side):
        side.login()
        side.sms.status = 500
        try:
            side.post("/tf-setup", json={"setup": "sms", "phone": PHONE})
            side.post("/tf-setup", form={"setup": "sms", "phone": PHONE})
            note_factors(side, "joe@lp.com")
            for style in ("json", "form"):
                side.client = side.browser()
                begin(side, WHO["sms"], style=style)
                side.get("/")
                side.get("/profile", accept=JSON)
        finally:
            side.sms.status = 200

    story.label = f"sending fails: {method}"
    if method == "email":
        pytest.skip("see test_mail.py: mails wait in an outbox")
    play(story, two_factor())


# Other first factors


def test_after_a_reset(play):
    def story(side):
        email = WHO["authenticator"]
        side.post("/reset", json={"email": email})

        (mail,) = mails(side)
        new = {"password": "battery staple", "password_confirm": "battery staple"}
        side.post(link(mail), json=new)
        side.get("/profile", accept=JSON)
        side.post("/tf-validate", json={"code": app_of(side, email).code()})
        side.get("/profile", accept=JSON)

    changes = two_factor(recoverable=True, auto_login_after_reset=True)
    play(story, changes)


def test_after_confirming(play):
    def story(side):
        email = WHO["authenticator"]

        side.post("/confirm", json={"email": email})
        (mail,) = mails(side)
        side.get(link(mail))
        side.get("/profile", accept=JSON)
        side.post("/tf-validate", json={"code": app_of(side, email).code()})
        side.get("/profile", accept=JSON)

    play(story, two_factor(confirmable=True, auto_login_after_confirm=True))


@STYLES
def test_after_registering(play, style):
    def story(side):
        new = {"email": "new@lp.com", "password": "battery staple", "password_confirm": "battery staple"}
        sent(side, style, "/register", new)
        mails(side)
        side.get("/profile", accept=JSON)
        path, held = _setup(side, "json", "authenticator")
        side.post("/tf-validate", json={"code": held.code()})
        side.get("/profile", accept=JSON)
        note_factors(side, "new@lp.com")

    story.label = f"required after registering {style}"
    play(story, two_factor(registerable=True, two_factor_required=True))


def test_basic_asks_for_no_second_factor(play):
    def story(side):
        side.get("/http", basic=(WHO["email"], "password"))
        side.get("/http", basic=("joe@lp.com", "password"))
        note_outgoing(side)

    play(story, two_factor())


# Pages and settings


def test_with_csrf_tokens(play):
    def story(side):
        token = side.get("/login", accept=JSON).csrf()
        begin(side, WHO["authenticator"], csrf_token=token)
        code = app_of(side, WHO["authenticator"]).code()
        side.post("/tf-validate", json={"code": code})
        side.post("/tf-validate", form={"code": code})
        page = side.get("/tf-validate")
        side.post("/tf-validate", form={"code": code, "csrf_token": page.csrf()})
        side.post("/tf-setup", json={"setup": "email"})
        side.post("/tf-setup", form={"setup": "email"})
        page = side.get("/tf-setup")
        side.post("/tf-setup", form={"setup": "email", "csrf_token": page.csrf()})
        note_outgoing(side)

    play(story, dict(two_factor(), csrf={"enabled": True}))


def test_templates(play):
    def story(side):
        begin(side, WHO["authenticator"])
        shown = side.get("/tf-validate").text
        assert "CUSTOM TWO FACTOR VERIFY CODE" in shown, shown
        finish(side, WHO["authenticator"], "authenticator")
        assert "CUSTOM TWO FACTOR SETUP" in side.get("/tf-setup").text

    names = {
        "two_factor_verify_code_template": "custom_security/tf_verify.html",
        "two_factor_setup_template": "custom_security/tf_setup.html",
    }
    play(story, two_factor(**names))


def test_renamed_urls(play):
    def story(side):
        begin(side, WHO["authenticator"], style="form", path="/auth/login")
        side.get("/auth/second")
        side.get("/auth/tf-validate")
        side.post("/auth/lost", json={"help_setup": "help"})
        note_outgoing(side)
        side.post("/auth/second", form={"code": app_of(side, WHO["authenticator"]).code()})
        side.get("/auth/methods", accept=JSON)

    urls = {
        "two_factor_token_validation_url": "/second", "two_factor_rescue_url": "/lost", "two_factor_setup_url": "/methods",
        "url_prefix": "/auth",
    }  # fmt: skip
    play(story, two_factor(**urls))


def test_issuer_and_name_in_the_app(play):
    def story(side):
        side.login()
        reply = side.post("/tf-setup", json={"setup": "authenticator"})
        side.note("issuer", [reply.response[name] for name in ("tf_authr_issuer", "tf_authr_username")])
        uri = reply.response["tf_authr_uri"].replace(reply.response["tf_authr_b32key"], "<key>")
        side.note("uri", uri)

    play(story, two_factor(totp_issuer="My App & Co"))


@pytest.mark.parametrize(
    "changes",
    [
        {"two_factor": True},
        {"two_factor": True, "totp_secrets": {"1": "x" * 40}, "two_factor_enabled_methods": []},
    ],
    ids=["no secrets", "no methods"],
)
def test_settings_that_are_refused(refused, changes):
    refused({"security": changes})


# One database


WAYS = pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])


@WAYS
@METHODS
def test_set_up_at_one_and_asked_by_the_other(shared, made, used, method):
    sides = shared(two_factor())
    a, b = sides[made], sides[used]
    for side in (a, b):
        side.mail.take(), side.sms.take()
    a.login()
    path, held = _setup(a, "json", method, **({"phone": PHONE} if method == "sms" else {}))
    assert a.post(path, json={"code": _code(held)}).status == 200
    a.mail.take(), a.sms.take()
    b.client = b.browser()
    reply = begin(b, "joe@lp.com")
    assert (reply.status, reply.response["tf_method"]) == (200, method)
    code = held.code() if method == "authenticator" else code_for(b, "joe@lp.com", method)
    assert b.post("/tf-validate", json={"code": code}).status == 200
    assert b.get("/profile", accept=JSON).status == 200
    # What the other switches off is off here.
    assert b.post("/tf-setup", json={"setup": "disable"}).status == 200
    assert a.browser().post("/login", json=GOOD).response["tf_required"] is False


@WAYS
def test_trusted_browsers_go_to_and_fro(shared, made, used):
    sides = shared(two_factor(two_factor_always_validate=False))
    a, b = sides[made], sides[used]
    sign_in(a, WHO["authenticator"], "authenticator", remember=True)
    cookies = {"tf_validity": a.client.cookie("tf_validity")}
    body = {"email": WHO["authenticator"], "password": "password"}
    assert b.browser().post("/login", json=body, cookies=cookies).response["tf_required"] is False
    other = dict(body, email=WHO["email"])
    assert b.browser().post("/login", json=other, cookies=cookies).response["tf_required"] is True
