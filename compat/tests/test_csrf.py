"""Cross-site request forgery: each configuration, by each caller, on each kind of route, with the token in each place."""

import hashlib
import time

import pytest

JSON = "application/json"
GOOD = {"email": "joe@lp.com", "password": "password"}

OFF = {"csrf": {"enabled": True, "protect": True, "check_default": False}}


def _with(base, security=None, **csrf):
    return {"csrf": {**base["csrf"], **csrf}, "security": security or {}}


CONFIGS = {
    "disabled": {"csrf": {"enabled": False}},
    "forms": {"csrf": {"enabled": True}},
    "forms, open endpoints ignored": {"csrf": {"enabled": True}, "security": {"csrf_ignore_unauth_endpoints": True}},
    "everything": {"csrf": {"enabled": True, "protect": True}},
    "decorators": OFF,
    "session and basic": _with(OFF, {"csrf_protect_mechanisms": ["session", "basic"]}),
    "session": _with(OFF, {"csrf_protect_mechanisms": ["session"]}),
    "no mechanism": _with(OFF, {"csrf_protect_mechanisms": []}),
    "open endpoints ignored": _with(OFF, {"csrf_ignore_unauth_endpoints": True}),
    "session, open endpoints ignored": _with(
        OFF, {"csrf_protect_mechanisms": ["session"], "csrf_ignore_unauth_endpoints": True}
    ),
    "logout too": _with(OFF, {"logout_csrf": True}),
}
BODIES = {
    "/login": GOOD,
    "/verify": {"password": "password"},
    "/logout": {},
    "/json": {"a": 1},
    "/json_auth": {"a": 1},
    "/form": {"message": "hi"},
    "/fresh": {},
    "/unauthz": {},
    "/http": {},
    "/token": {},
}
PLACES = ["nowhere", "X-CSRFToken", "X-CSRF-Token", "X-XSRF-Token", "body", "wrong body", "wrong header", "other session"]


def _ready(side, caller):
    """A client in the caller's state, what it adds to requests, and a CSRF token of its session."""
    client, how = side.browser(), {}
    token = client.get("/login", accept=JSON).csrf()
    if caller == "session":
        # The token in both places passes under every configuration.
        sent = client.post("/login", json=dict(GOOD, csrf_token=token), headers={"X-CSRFToken": token})
        assert sent.status == 200, sent.text
        token = sent.csrf()
    elif caller == "token":
        other = side.browser()
        first = other.get("/login", accept=JSON).csrf()
        sent = other.post(
            "/login?include_auth_token", json=dict(GOOD, csrf_token=first), headers={"X-CSRFToken": first}
        )
        assert sent.status == 200, sent.text
        how["token"] = sent.response["user"]["authentication_token"]
    elif caller == "basic":
        how["basic"] = ("joe@lp.com", "password")
    return client, how, token


@pytest.mark.parametrize("caller", ["anonymous", "session", "token", "basic"])
@pytest.mark.parametrize("name", CONFIGS)
def test_matrix(play, name, caller):
    def story(side):
        foreign = side.browser().get("/login", accept=JSON).csrf()
        client, how, token = _ready(side, caller)
        kept = dict(client.jar)
        for path, body in BODIES.items():
            for style in ("json", "form"):
                for place in PLACES:
                    if path == "/logout" and caller == "session":
                        client, how, token = _ready(side, caller)
                        kept = dict(client.jar)
                    client.jar = dict(kept)
                    sent, headers = dict(body), {}
                    if place == "body":
                        sent["csrf_token"] = token
                    elif place == "wrong body":
                        sent["csrf_token"] = "wrong"
                    elif place == "wrong header":
                        headers["X-CSRFToken"] = "wrong"
                    elif place == "other session":
                        headers["X-CSRFToken"] = sent["csrf_token"] = foreign
                    elif place != "nowhere":
                        headers[place] = token
                    side.note(f"{caller} {path} {style} {place}", "")
                    client.post(path, **{style: sent}, headers=headers, **how)
            if path == "/logout":
                client, how, token = _ready(side, caller)
                kept = dict(client.jar)

    story.label = f"csrf {name}, {caller}"
    play(story, CONFIGS[name])


@pytest.mark.parametrize("name", ["forms", "everything", "decorators"])
def test_the_errors(play, name):
    def story(side):
        def sign(raw, stamp=None):
            from itsdangerous import TimestampSigner, URLSafeTimedSerializer

            class Clock(TimestampSigner):
                def get_timestamp(self):
                    return int(time.time()) + (stamp or 0)

            return URLSafeTimedSerializer(
                side.config["secret_key"],
                salt="wtf-csrf-token",
                signer=Clock,
                signer_kwargs={"digest_method": hashlib.sha1},
            ).dumps(raw)

        side.get("/login", accept=JSON)
        raw = side.session()["csrf_token"]
        for token in (sign(raw), sign(raw, -3500), sign(raw, -3700), sign(raw, 100), sign("0" * 40), sign(5), sign(raw)[:-3], "", " ", "a.b.c", "x" * 3000, sign(raw) + "="):
            for style in ("json", "form"):
                client = side.browser()
                client.jar = dict(side.client.jar)
                client.post("/login", **{style: dict(GOOD, csrf_token=token)}, headers={"X-CSRFToken": token})
        side.browser().post("/login", json=dict(GOOD, csrf_token=sign(raw)), headers={"X-CSRFToken": sign(raw)})
        side.browser().post("/login", form=dict(GOOD, csrf_token=sign(raw)))

    story.label = f"csrf errors: {name}"
    play(story, CONFIGS[name])


OPTIONS = {
    "no time limit": {"time_limit": False},
    "short limit": {"time_limit": 1},
    "own secret": {"secret_key": "another-secret-for-forms-0001"},
    "field name": {"field_name": "proof"},
    "headers": {"headers": ["X-Proof"]},
    "methods": {"methods": ["PUT"]},
}


@pytest.mark.parametrize("protect", ["forms", "everything", "decorators"])
@pytest.mark.parametrize("name", OPTIONS)
def test_options(play, name, protect):
    def story(side):
        field = OPTIONS[name].get("field_name", "csrf_token")
        page = side.get("/login")
        reply = side.get("/login", accept=JSON)
        token = reply.response.get("csrf_token") or page.csrf() or ""
        for sent in ({}, {"csrf_token": token}, {field: token}):
            for header in (None, "X-CSRFToken", "X-Proof", "X-XSRF-Token"):
                for style in ("json", "form"):
                    client = side.browser()
                    client.jar = dict(side.client.jar)
                    client.post("/login", **{style: dict(GOOD, **sent)}, headers={header: token} if header else {})

    story.label = f"csrf {protect}, {name}"
    play(story, {"csrf": {**CONFIGS[protect]["csrf"], **OPTIONS[name]}})


def test_a_field_with_a_prefix(play):
    def story(side):
        token = side.get("/login", accept=JSON).csrf()
        side.post("/unauthz", form={"login-csrf_token": token})
        side.post("/unauthz", form={"csrf_token_x": token})
        side.post("/login", form=dict(GOOD, **{"login-csrf_token": token}))

    play(story, CONFIGS["everything"])


def test_the_session_keeps_its_token(play):
    def story(side):
        first = side.get("/login").csrf()
        second = side.get("/login", accept=JSON).csrf()
        reply = side.post("/login", json=dict(GOOD, csrf_token=first))
        third = reply.csrf()
        side.post("/verify", json={"password": "password", "csrf_token": second})
        side.post("/verify", json={"password": "password", "csrf_token": third})
        side.post("/form", form={"message": "x", "csrf_token": third})
        side.post("/logout", json={})
        side.post("/login", json=dict(GOOD, csrf_token=third))

    play(story, CONFIGS["forms"])


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("name", ["everything", "decorators"])
def test_cookie(play, name, each):
    def story(side):
        side.get("/page1")
        side.get("/")
        side.get("/login")
        side.get("/")
        token = side.client.cookie("XSRF-TOKEN")
        side.get("/login", accept=JSON)
        side.post("/login", json=GOOD, headers={"X-XSRF-Token": token})
        side.get("/profile", accept=JSON)
        token = side.client.cookie("XSRF-TOKEN")
        side.post("/verify", json={"password": "password"}, headers={"X-XSRF-Token": token})
        side.post("/logout", json={}, headers={"X-XSRF-Token": token})
        side.get("/")

    story.label = f"csrf cookie {name} {each}"
    security = {"csrf_cookie_name": "XSRF-TOKEN", "csrf_cookie_refresh_each_request": each}
    play(story, {"csrf": CONFIGS[name]["csrf"], "security": security})


def test_cookie_attributes(play):
    def story(side):
        side.get("/login")
        token = side.client.cookie("proof")
        side.post("/login", json=dict(GOOD, remember=True), headers={"X-Own": token})
        side.client.drop("session")
        side.get("/profile", accept=JSON)
        side.post("/logout", headers={"X-Own": side.client.cookie("proof")})

    security = {
        "csrf_cookie_name": "proof",
        "csrf_header": "X-Own",
        "csrf_cookie": {"samesite": "Lax", "httponly": True, "secure": False, "path": "/"},
    }
    play(story, {"csrf": CONFIGS["everything"]["csrf"], "security": security})


def test_referrer_over_https(play):
    def story(side):
        forwarded = {"X-Forwarded-Proto": "https"}
        token = side.client.get("/login", accept=JSON, headers=forwarded).csrf()
        for referrer in (None, "https://localhost/login", "http://localhost/login", "https://evil.example/", "https://localhost:444/", "https://localhost.evil.example/", "nonsense", ""):
            headers = {**forwarded, "X-CSRFToken": token}
            if referrer is not None:
                headers["Referer"] = referrer
            client = side.browser()
            client.jar = dict(side.client.jar)
            client.post("/login", json=GOOD, headers=headers)
            client.post("/logout", form={}, headers=headers)

    play(story, CONFIGS["everything"])
    play(story, CONFIGS["decorators"])
    play(story, {"csrf": {"enabled": True, "protect": True, "ssl_strict": False}})


REFUSED = {
    "some mechanisms without the extension": {"csrf": {"enabled": True}, "security": {"csrf_protect_mechanisms": ["session"]}},
    "some mechanisms and the default check": {
        "csrf": {"enabled": True, "protect": True}, "security": {"csrf_protect_mechanisms": ["session"]},
    },
    "open endpoints and the default check": {
        "csrf": {"enabled": True, "protect": True, "check_default": True},
        "security": {"csrf_ignore_unauth_endpoints": True},
    },
    "a cookie without the extension": {"csrf": {"enabled": True}, "security": {"csrf_cookie_name": "XSRF-TOKEN"}},
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_configurations(refused, name):
    refused(REFUSED[name])
