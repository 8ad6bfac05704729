"""Passkeys: registered, used alone, as a second factor and to prove identity again, and all that is refused."""

import json
import re
from base64 import urlsafe_b64decode

import pytest
from factors import JSON, WHO, app_of, begin, code_for, factors
from letters import note_user, sent
from lib import page
from lib.authenticator import EDDSA, ES256, RS256, Authenticator

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
USAGES = pytest.mark.parametrize("usage", ["first", "secondary"])
HERE = "http://localhost"
JOE, MATT = "joe@lp.com", "matt@lp.com"


def passkeys(**more):
    return factors("webauthn", **{"totp_secrets": {}, **more}) if "two_factor" not in more else factors("webauthn", **more)


def _options(reply):
    """What the browser is asked for, and the state of the ceremony."""
    if "json" in reply.header("content-type"):
        options = reply.response["credential_options"]
        return (json.loads(options) if isinstance(options, str) else options), reply.response["wan_state"]
    ((_, options),) = page.calls(reply.text)
    state = re.search(r'action="/wan-[a-z]+/([^"?]+)', reply.text).group(1)
    return options, state


def _register(side, device, *, style="json", name="key", usage="first", client=None, **lies):
    """Both steps; the reply to the second."""
    client = client or side.client
    body = {"name": name, "usage": usage}
    if style == "json":
        reply = client.post("/wan-register", json=body)
    else:
        reply = client.post("/wan-register", form=body, accept=JSON if style == "form for json" else None)
    assert reply.status == 200, f"{side.kind}: {reply.text}"
    options, state = _options(reply)
    made = {"credential": device.create(options, HERE, **lies)}
    path = f"/wan-register/{state}"
    if style == "json":
        return client.post(path, json=made)
    return client.post(path, form=made, accept=JSON if style == "form for json" else None)


def _ask(side, path="/wan-signin", *, style="json", **fields):
    reply = sent(side, style, path, fields)
    assert reply.status == 200, f"{side.kind}: {reply.text}"
    return _options(reply)


def _use(side, device, path="/wan-signin", *, style="json", query="", more=None, fields=None, **lies):
    """Both steps of a sign-in or a proof; the reply to the second."""
    options, state = _ask(side, path, style=style, **(fields or {}))
    used = {"credential": device.get(options, HERE, **lies), **(more or {})}
    return sent(side, style, f"{path}/{state}{query}", used)


def note_keys(side, about="passkeys"):
    """Compares the rows of passkeys."""
    rows = side.query(
        "SELECT u.email, w.name, w.usage, w.device_type, w.backup_state, w.sign_count, w.transports, w.extensions,"
        " length(w.public_key), hex(w.credential_id),"
        # The reference looks at its clock twice.
        " julianday(w.lastuse_datetime) > julianday(w.create_datetime) - 1 / 86400.0"
        " FROM web_authn w JOIN user u ON u.id = w.user_id ORDER BY u.email, w.name"
    )
    side.note(about, [list(row) for row in rows])


def _device(name="joe", **how):
    return Authenticator(name=name, algorithm=ES256, **how)


# Registering


@STYLES
@USAGES
def test_register(play, style, usage):
    def story(side):
        side.login()
        side.get("/wan-register")
        side.get("/wan-register", accept=JSON)
        _register(side, _device(), style=style, usage=usage)
        note_keys(side)
        side.get("/wan-register")
        side.get("/wan-register", accept=JSON)
        # A second one excludes the first.
        options, _ = _options(side.post("/wan-register", json={"name": "another", "usage": usage}))
        side.note("excluded", [(len(urlsafe_b64decode(x["id"] + "==")), x["type"]) for x in options["excludeCredentials"]])

    story.label = f"register a passkey {style} {usage}"
    play(story, passkeys())


@STYLES
@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": "   "}, {"name": "<b>"}, {"name": "a&b"}, {"name": "x" * 65}, {"name": "x" * 64},
        {"name": "schlüssel 1"}, {"name": "a-b_c"}, {"name": "a\tb"}, {"name": "key", "usage": "third"},
        {"name": "key", "usage": ""}, {"name": "key"}, {"name": 7}, {"name": "😀"},
    ],
    ids=lambda body: ",".join(f"{key}={str(value)[:12]!r}" for key, value in body.items()) or "nothing",
)  # fmt: skip
def test_names(play, style, body):
    if style != "json" and not isinstance(body.get("name", ""), str):
        pytest.skip("a form has texts only")

    def story(side):
        side.login()
        sent(side, style, "/wan-register", body)

    story.label = f"name of a passkey {style}: {body}"
    play(story, passkeys())


def test_a_name_for_one_key_only(play):
    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.post("/wan-register", json={"name": "key", "usage": "first"})
        side.post("/wan-register", form={"name": "key", "usage": "first"})
        # Others may use it.
        side.client = side.browser()
        side.login(MATT)
        _register(side, _device("matt"))
        note_keys(side)

    play(story, passkeys())


@STYLES
def test_the_same_key_twice(play, style):
    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.client = side.browser()
        side.login(MATT)
        device.keys.clear()
        _register(side, device, style=style, name="mine")
        note_keys(side)

    story.label = f"the same passkey twice {style}"
    play(story, passkeys())


LIES = {
    "another origin": {"lies": {}, "origin": "http://evil.example"},
    "another host": {"lies": {"rp_id": "evil.example"}},
    "another challenge": {"lies": {"challenge": "bm90IGl0"}},
    "another ceremony": {"lies": {"kind": "webauthn.get"}},
    "nobody present": {"device": {"user_present": False}},
    "not verified": {"device": {"user_verified": False}},
    "backed up": {"device": {"backup_eligible": True, "backed_up": True}},
    "eligible for backup": {"device": {"backup_eligible": True}},
    "no transports": {"device": {"transports": None}},
    "many transports": {"device": {"transports": ("usb", "nfc", "ble", "internal", "hybrid")}},
    "not resident": {"device": {"resident": False}},
    "packed": {"device": {"attestation": "packed"}},
}


@STYLES
@pytest.mark.parametrize("name", LIES)
def test_what_a_device_may_say(play, style, name):
    case = LIES[name]

    def story(side):
        side.login()
        device = _device(**case.get("device", {}))
        options, state = _options(side.post("/wan-register", json={"name": "key", "usage": "first"}))
        made = device.create(options, case.get("origin", HERE), **case.get("lies", {}))
        sent(side, style, f"/wan-register/{state}", {"credential": made})
        side.get("/")
        note_keys(side)

    story.label = f"register, {name}, {style}"
    play(story, passkeys())


@STYLES
@pytest.mark.parametrize("credential", ["", None, "x", "{}", "[]", "null", '{"id": "x"}', 7, {"id": "x"}], ids=str)
def test_credentials_that_are_none(play, style, credential):
    if style != "json" and not isinstance(credential, str | None):
        pytest.skip("a form has texts only")

    def story(side):
        side.login()
        _, state = _options(side.post("/wan-register", json={"name": "key", "usage": "first"}))
        body = {} if credential is None else {"credential": credential}
        sent(side, style, f"/wan-register/{state}", body)
        side.get("/")
        _, state = _ask(side, "/wan-verify")
        sent(side, style, f"/wan-verify/{state}", body)
        side.client = side.browser()
        _, state = _ask(side)
        sent(side, style, f"/wan-signin/{state}", body)
        side.get("/")
        note_keys(side)

    story.label = f"credential {style}: {credential}"
    play(story, passkeys())


@STYLES
def test_states_that_are_none(play, style):
    def story(side):
        side.login()
        for path in ("/wan-register/x", "/wan-verify/x", "/wan-signin/a.b.c"):
            if path.startswith("/wan-signin"):
                side.client = side.browser()
            sent(side, style, path, {"credential": "{}"})
            side.get("/")

    story.label = f"state of a passkey that is none {style}"
    play(story, passkeys())


def test_expired(play):
    def story(side):
        side.login()
        options, state = _options(side.post("/wan-register", json={"name": "key", "usage": "first"}))
        made = {"credential": _device().create(options, HERE)}
        side.post(f"/wan-register/{state}", json=made)
        side.post(f"/wan-register/{state}", form=made)
        side.get("/")
        side.client = side.browser()
        _, state = _ask(side)
        side.post(f"/wan-signin/{state}", json={"credential": "{}"})
        side.post(f"/wan-signin/{state}", form={"credential": "{}"})
        side.get("/")

    play(story, passkeys(wan_register_within=-1, wan_signin_within=-1))


# Signing in


@STYLES
@pytest.mark.parametrize("hint", ["joe@lp.com", "", "nobody@lp.com", "JOE@lp.com"])
def test_sign_in(play, style, hint):
    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.client = side.browser()
        side.get("/wan-signin")
        side.get("/wan-signin", accept=JSON)
        _use(side, device, style=style, fields={"identity": hint})
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get("/")
        note_keys(side)
        note_user(side, JOE)

    story.label = f"sign in by passkey {style}, hint {hint}"
    play(story, passkeys(trackable=True))


@pytest.mark.parametrize("how", ["next field", "next query", "bad next", "token", "remember", "view"])
def test_what_comes_with_it(play, how):
    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.client = side.browser()
        if how == "next field":
            _use(side, device, style="form", more={"next": "/page1"})
        elif how == "next query":
            _use(side, device, style="form", query="?next=/page1")
        elif how == "bad next":
            _use(side, device, style="form", more={"next": "http://evil.example"})
        elif how == "token":
            _use(side, device, query="?include_auth_token")
        elif how == "remember":
            _use(side, device, fields={"remember": True}, more={"remember": True})
        else:
            _use(side, device, style="form")
        side.get("/profile", accept=JSON)

    story.label = f"passkey with {how}"
    play(story, passkeys(**({"post_login_view": "/post_login"} if how == "view" else {})))


USING = {
    "another origin": {"origin": "http://evil.example"},
    "another host": {"rp_id": "evil.example"},
    "another challenge": {"challenge": "bm90IGl0"},
    "another ceremony": {"kind": "webauthn.create"},
    "an older counter": {"used": True, "sign_count": 1},
    "a counter that stands still": {"used": True, "sign_count": 2},
    "a counter that jumps": {"used": True, "sign_count": 77},
    "nobody present": {"device": {"user_present": False}},
    "not verified": {"device": {"user_verified": False}},
    "no handle": {"user_handle": b""},
    "another handle": {"user_handle": b"somebody else entirely, by and by"},
    "a broken signature": {"broken": True},
    "an unknown key": {"unknown": True},
}


@STYLES
@pytest.mark.parametrize("name", USING)
def test_what_a_device_may_say_at_sign_in(play, style, name):
    case = dict(USING[name])

    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        how = dict(case)
        if how.pop("used", False):
            for _ in range(2):
                side.client = side.browser()
                _use(side, device)
        side.client = side.browser()
        options, state = _ask(side)
        origin = how.pop("origin", HERE)
        for attribute, value in how.pop("device", {}).items():
            setattr(device, attribute, value)
        broken, unknown = how.pop("broken", False), how.pop("unknown", False)
        used = device.get(options, origin, key=device.keys[0], **how)
        if broken:
            shown = json.loads(used)
            shown["response"]["signature"] = shown["response"]["signature"][:-4] + "AAAA"
            used = json.dumps(shown)
        if unknown:
            side.execute("DELETE FROM web_authn")
        sent(side, style, f"/wan-signin/{state}", {"credential": used})
        side.get("/profile", accept=JSON)
        side.get("/")
        note_keys(side)

    story.label = f"sign in by passkey, {name}, {style}"
    play(story, passkeys())


@STYLES
def test_a_key_for_second_is_not_first(play, style):
    def story(side):
        side.login()
        device = _device()
        _register(side, device, usage="secondary")
        side.client = side.browser()
        options, state = _ask(side)
        used = device.get(options, HERE, key=device.keys[0])
        sent(side, style, f"/wan-signin/{state}", {"credential": used})
        side.get("/profile", accept=JSON)

    story.label = f"second key first {style}"
    play(story, passkeys())


@STYLES
def test_deactivated(play, style):
    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.client = side.browser()
        side.execute("UPDATE user SET active = 0 WHERE email = 'joe@lp.com'")
        _use(side, device, style=style)
        side.get("/profile", accept=JSON)

    story.label = f"passkey of a deactivated user {style}"
    play(story, passkeys())


def test_not_as_first_factor(play):
    def story(side):
        side.get("/wan-signin")
        side.get("/wan-signin", accept=JSON)
        side.post("/wan-signin", json={})
        side.login()
        side.post("/wan-register", json={"name": "key", "usage": "first"})
        side.get("/wan-register")
        device = _device()
        _register(side, device, usage="secondary")
        side.client = side.browser()
        begin(side, JOE)
        _use(side, device)
        side.get("/profile", accept=JSON)

    play(story, passkeys(wan_allow_as_first_factor=False))


# As the second factor


@STYLES
def test_second_factor(play, style):
    def story(side):
        side.login()
        device = _device(user_verified=False)
        _register(side, device, usage="secondary")
        side.client = side.browser()
        begin(side, JOE, style="form" if style == "form" else "json")
        side.get("/profile", accept=JSON)
        side.get("/wan-signin")
        side.get("/wan-signin", accept=JSON)
        _use(side, device, style=style)
        side.get("/profile", accept=JSON)
        side.get("/")
        note_keys(side)

    story.label = f"passkey second {style}"
    play(story, passkeys(two_factor=True))


def test_second_factor_leads_on(play):
    def story(side):
        side.login()
        device = _device()
        _register(side, device, usage="secondary")
        side.client = side.browser()
        reply = begin(side, JOE, style="form", path="/login?next=/page1", remember=True)
        side.get(reply.header("location"))
        options, state = _ask(side)
        side.post(f"/wan-signin/{state}?next=/page1", form={"credential": device.get(options, HERE)})
        side.get("/profile", accept=JSON)

    play(story, passkeys(two_factor=True, two_factor_always_validate=False))


def test_somebody_elses_key_is_no_second_factor(play):
    def story(side):
        other = _device("matt")
        side.login(MATT)
        _register(side, other, usage="secondary")
        side.client = side.browser()
        side.login()
        _register(side, _device(), usage="secondary")
        side.client = side.browser()
        begin(side, JOE)
        options, state = _ask(side)
        used = other.get(options, HERE, key=other.keys[0])
        side.post(f"/wan-signin/{state}", json={"credential": used})
        side.get("/profile", accept=JSON)
        side.get("/")

    play(story, passkeys(two_factor=True))


@STYLES
@pytest.mark.parametrize("choice", ["email", "webauthn", "sms", "", None])
def test_choosing(play, style, choice):
    def story(side):
        email = WHO["email"]
        begin(side, email)
        side.post("/tf-validate", json={"code": code_for(side, email, "email")})
        device = _device()
        _register(side, device, usage="secondary")
        side.client = side.browser()
        begin(side, email, style=style if style != "form for json" else "json")
        side.get("/tf-select")
        side.get("/tf-select", accept=JSON)
        sent(side, style, "/tf-select", {} if choice is None else {"which": choice})
        if choice == "email":
            side.post("/tf-validate", json={"code": code_for(side, email, "email")})
        elif choice == "webauthn":
            _use(side, device)
        side.get("/profile", accept=JSON)

    story.label = f"choose a second factor {style}: {choice}"
    play(story, passkeys(two_factor=True))


def test_choosing_again(play):
    def story(side):
        email = WHO["authenticator"]
        begin(side, email)
        side.post("/tf-validate", json={"code": app_of(side, email).code()})
        device = _device()
        _register(side, device, usage="secondary")
        side.client = side.browser()
        begin(side, email)
        side.post("/tf-select", json={"which": "authenticator"})
        side.post("/tf-select", json={"which": "webauthn"})
        _use(side, device)
        side.get("/profile", accept=JSON)

    play(story, passkeys(two_factor=True))


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("allowed", [True, False])
def test_alone_enough(play, verified, allowed):
    """A key that verifies its user is two factors, where that is allowed."""

    def story(side):
        email = WHO["authenticator"]
        begin(side, email)
        side.post("/tf-validate", json={"code": app_of(side, email).code()})
        device = _device(user_verified=verified)
        _register(side, device, usage="first")
        side.client = side.browser()
        _use(side, device)
        side.get("/profile", accept=JSON)

    story.label = f"passkey alone, verified {verified}, allowed {allowed}"
    play(story, passkeys(two_factor=True, wan_allow_as_multi_factor=allowed))


# Proving identity again


@STYLES
@USAGES
def test_verify(play, style, usage):
    def story(side):
        side.login()
        device = _device()
        _register(side, device, usage=usage)
        side.get("/verify")
        side.get("/verify", accept=JSON)
        side.get("/wan-verify")
        side.get("/wan-verify", accept=JSON)
        _use(side, device, "/wan-verify", style=style)
        side.get("/")
        note_keys(side)

    story.label = f"verify by passkey {style} {usage}"
    play(story, passkeys())


@pytest.mark.parametrize("allowed", [["first"], ["secondary"], ["first", "secondary"], []])
@USAGES
def test_verify_where_allowed(play, allowed, usage):
    def story(side):
        side.login()
        device = _device()
        _register(side, device, usage=usage)
        side.get("/verify", accept=JSON)
        reply = side.post("/wan-verify", json={})
        if reply.status == 200:
            options, state = _options(reply)
            used = device.get(options, HERE, key=device.keys[0])
            side.post(f"/wan-verify/{state}", json={"credential": used})

    story.label = f"verify by passkey, allowed {allowed}, {usage}"
    play(story, passkeys(wan_allow_as_verify=allowed))


@STYLES
def test_verify_by_somebody_elses_key(play, style):
    def story(side):
        other = _device("matt")
        side.login(MATT)
        _register(side, other)
        side.client = side.browser()
        side.login()
        _register(side, _device())
        options, state = _ask(side, "/wan-verify")
        used = other.get(options, HERE, key=other.keys[0])
        sent(side, style, f"/wan-verify/{state}", {"credential": used})
        side.get("/")

    story.label = f"verify by another's passkey {style}"
    play(story, passkeys())


def test_stale_sessions(play):
    def story(side):
        side.login(remember=True)
        device = _device()
        _register(side, device)
        side.client.drop("session")
        for path in ("/wan-register", "/wan-delete"):
            side.get(path)
            side.get(path, accept=JSON)
            side.post(path, json={"name": "key"})
        _use(side, device, "/wan-verify")
        side.get("/wan-register", accept=JSON)

    play(story, passkeys())


# Deleting


@STYLES
@pytest.mark.parametrize("name", ["key", "another", "", None])
def test_delete(play, style, name):
    def story(side):
        side.login()
        _register(side, _device())
        side.get("/wan-delete")
        side.get("/wan-delete", accept=JSON)
        sent(side, style, "/wan-delete", {} if name is None else {"name": name})
        side.get("/")
        note_keys(side)
        side.get("/wan-register", accept=JSON)

    story.label = f"delete a passkey {style}: {name}"
    play(story, passkeys())


def test_delete_somebody_elses(play):
    def story(side):
        side.login(MATT)
        _register(side, _device("matt"), name="mine")
        side.client = side.browser()
        side.login()
        side.post("/wan-delete", json={"name": "mine"})
        note_keys(side)

    play(story, passkeys())


# Settings


@pytest.mark.parametrize(
    "path", ["/wan-register", "/wan-register/x", "/wan-signin", "/wan-signin/x", "/wan-verify", "/wan-verify/x", "/wan-delete"]
)
@pytest.mark.parametrize("who", ["nobody", "joe@lp.com"])
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
    play(story, passkeys())


def _first_address(side, reply):
    """Where a program that takes the first address of a page would send the form."""
    side.note(f"first address of {reply.path}", re.search(r'(?:<form action|formaction)="(\S*)"', reply.text).group(1))


def test_the_main_form_comes_before_the_buttons_of_passkeys(play):
    def story(side):
        _first_address(side, side.get("/login?next=/page1"))
        _first_address(side, side.get("/us-signin"))
        _first_address(side, side.get("/wan-signin"))
        side.login()
        _register(side, _device())
        _first_address(side, side.get("/verify?next=/page1"))
        _first_address(side, side.get("/us-verify"))

    play(story, factors("webauthn", "unified_signin"))


def test_pages_that_lead_to_passkeys(play):
    def story(side):
        side.get("/login")
        side.get("/login", accept=JSON)
        side.login()
        side.get("/verify")
        side.get("/tf-select")

    play(story, passkeys())


@pytest.mark.parametrize(
    "webauthn",
    [{"challenge": "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo"}, {"origin": "https://app.example"},
     {"user_verification": "required"}, {"user_verification": "discouraged"}, {"user_verification": "preferred"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("verified", [True, False])
def test_helper_of_the_application(play, webauthn, verified):
    def story(side):
        side.login()
        device = _device(user_verified=verified)
        for usage in ("first", "secondary"):
            options, state = _options(side.post("/wan-register", json={"name": usage, "usage": usage}))
            device.keys.clear()
            made = device.create(options, webauthn.get("origin", HERE))
            side.post(f"/wan-register/{state}", json={"credential": made})
        note_keys(side)
        side.client = side.browser()
        options, state = _ask(side)
        if device.keys:
            used = device.get(options, webauthn.get("origin", HERE), key=device.keys[0])
            side.post(f"/wan-signin/{state}", json={"credential": used})

    story.label = f"helper {webauthn} {verified}"
    play(story, dict(passkeys(), webauthn=webauthn))


def test_fixed_challenges_are_repeated_and_refused(play):
    """One proof is good once, even where the challenge is fixed."""

    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.client = side.browser()
        options, state = _ask(side)
        used = device.get(options, HERE)
        side.post(f"/wan-signin/{state}", json={"credential": used})
        side.client = side.browser()
        options, state = _ask(side)
        side.post(f"/wan-signin/{state}", json={"credential": used})
        side.get("/profile", accept=JSON)

    play(story, dict(passkeys(), webauthn={"challenge": "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo"}))


def test_without_hints(play):
    def story(side):
        side.login()
        device = _device()
        _register(side, device)
        side.client = side.browser()
        side.get("/wan-signin")
        _use(side, device, fields={"identity": JOE})

    play(story, passkeys(wan_allow_user_hints=False))


def test_names_and_times(play):
    def story(side):
        side.login()
        side.post("/wan-register", json={"name": "key", "usage": "first"})
        side.browser().post("/wan-signin", json={})

    play(story, passkeys(wan_rp_name="My App", wan_register_timeout=12345, wan_signin_timeout=54321))


def test_views_and_urls(play):
    def story(side):
        side.login(path="/a/login")
        assert "CUSTOM WAN REGISTER" in side.get("/a/keys").text
        options, state = _options(side.post("/a/keys", json={"name": "key", "usage": "first"}))
        device = _device()
        side.post(f"/a/keys/{state}", form={"credential": device.create(options, HERE)})
        assert "CUSTOM WAN VERIFY" in side.get("/a/prove").text
        side.client = side.browser()
        assert "CUSTOM WAN SIGNIN" in side.get("/a/key-in").text

    settings = {
        "wan_register_url": "/keys", "wan_signin_url": "/key-in", "wan_verify_url": "/prove", "url_prefix": "/a",
        "wan_register_template": "custom_security/wan_register.html", "wan_post_register_view": "/page1",
        "wan_signin_template": "custom_security/wan_signin.html", "wan_verify_template": "custom_security/wan_verify.html",
    }  # fmt: skip
    play(story, passkeys(**settings))


def test_with_csrf_tokens(play):
    def story(side):
        token = side.get("/login", accept=JSON).csrf()
        token = side.login(csrf_token=token).csrf()
        side.post("/wan-register", json={"name": "key", "usage": "first"})
        side.post("/wan-register", form={"name": "key", "usage": "first"})
        reply = side.post("/wan-register", json={"name": "key", "usage": "first", "csrf_token": token})
        options, state = _options(reply)
        made = {"credential": _device().create(options, HERE)}
        side.post(f"/wan-register/{state}", json=made)
        side.post(f"/wan-register/{state}", json=dict(made, csrf_token=token))
        side.post("/wan-delete", json={"name": "key"})
        side.post("/wan-delete", form={"name": "key"})
        note_keys(side)

    play(story, dict(passkeys(), csrf={"enabled": True}))


# One database

WAYS = pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])


@WAYS
@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_registered_at_one_and_used_at_the_other(shared, made, used, algorithm):
    sides = shared(passkeys(two_factor=True))
    a, b = sides[made], sides[used]
    a.login()
    first, second = Authenticator(algorithm=algorithm), Authenticator(algorithm=algorithm)
    assert _register(a, first, name="one", usage="first").status == 200
    assert _register(a, second, name="two", usage="secondary").status == 200
    for side in (b, a, b):
        side.client = side.browser()
        reply = _use(side, first, fields={"identity": JOE})
        assert reply.status == 200, reply.text
        if reply.response["tf_required"]:
            assert _use(side, second).status == 200
        assert side.get("/profile", accept=JSON).status == 200
    b.client = b.browser()
    assert begin(b, JOE).response["tf_method"] == "webauthn"
    assert _use(b, second).status == 200
    assert [key["name"] for key in b.get("/wan-register", accept=JSON).response["registered_credentials"]] == ["one", "two"]
    assert b.post("/wan-delete", json={"name": "two"}).status == 200
    a.client = a.browser()
    assert a.post("/login", json={"email": JOE, "password": "password"}).response["tf_required"] is False
