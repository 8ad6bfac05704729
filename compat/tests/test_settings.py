"""Configurations that move or rename things, and those that must be refused."""

import time

import pytest

JSON = "application/json"
GOOD = {"email": "joe@lp.com", "password": "password"}


def _tour(side, prefix="", **names):
    """The same walk for every layout."""
    login, logout, verify = (prefix + names.get(name, f"/{name}") for name in ("login", "logout", "verify"))
    side.get(login)
    side.get(login, accept=JSON)
    side.get("/profile")
    side.get("/profile?next=/x")
    side.get("/session", accept=JSON)
    side.post(login + "?next=/page1", form=GOOD)
    side.get("/")
    side.get(login)
    side.get(verify)
    side.get(verify, accept=JSON)
    side.post(verify, form={"password": "password"})
    side.post(verify, json={"password": "password"})
    side.post(logout)
    side.post(login, json=dict(GOOD, remember=True))
    side.get("/login")
    side.post(logout, json={})
    side.get("/")


def test_url_prefix(play):
    play(lambda side: _tour(side, "/auth"), {"security": {"url_prefix": "/auth"}})


def test_renamed_urls(play):
    names = {"login": "/sign-in", "logout": "/sign/out", "verify": "/prove"}
    security = {f"{name}_url": url for name, url in names.items()}
    play(lambda side: _tour(side, **names), {"security": security})
    play(lambda side: _tour(side, "/a/b", **names), {"security": dict(security, url_prefix="/a/b")})


def test_urls_with_a_slash_at_the_end(play):
    def story(side):
        for path in ("/sign-in/", "/sign-in", "/sign-in?next=/page1"):
            side.browser().get(path)
            side.browser().post(path, form=GOOD)
        side.get("/profile")

    play(story, {"security": {"login_url": "/sign-in/"}})


def test_application_root(play):
    def story(side):
        side.get("/login")
        side.get("/")
        side.get("/app")
        side.get("/app/")
        side.get("/app/login")
        side.get("/app/profile?x=1")
        side.get("/app/profile", accept=JSON)
        side.post("/app/login", form=dict(GOOD, remember="y"))
        side.get("/app/")
        side.get("/app/login")
        side.get("/app/fresh", accept=JSON)
        side.post("/app/verify", form={"password": "password"})
        side.get("/app/verify?next=/app/page1")
        side.post("/app/logout")
        side.post("/app/login", form=dict(GOOD, next="/app/page1"))
        side.post("/app/logout?next=page_1")
        side.post("/app/login", form=dict(GOOD, next="profile"))

    play(story, {"application_root": "/app"})


def test_blueprint_name(play):
    def story(side):
        side.post("/login", form=dict(GOOD, next="gate.verify"))
        side.post("/logout?next=.login")
        side.post("/login", form=dict(GOOD, next="security.verify"))

    play(story, {"security": {"blueprint_name": "gate"}})


def test_server_name(play):
    def story(side):
        for host in ("lp.com", "lp.com:80", "other.example", "LP.com"):
            client = side.browser(host=host)
            client.get("/login")
            client.get("/profile")
            client.post("/login", form=GOOD)
            client.get("/")

    play(story, {"server_name": "lp.com"})


def test_subdomain(play):
    def story(side):
        for host in ("lp.com", "auth.lp.com", "other.lp.com"):
            client = side.browser(host=host)
            client.get("/login")
            client.get("/page1")
            client.post("/login", form=GOOD)

    play(story, {"server_name": "lp.com", "subdomain_matching": True, "security": {"subdomain": "auth"}})


def test_forwarded_scheme(play):
    def story(side):
        headers = {"X-Forwarded-Proto": "https"}
        side.client.get("/profile", headers=headers)
        side.client.post("/login", form=dict(GOOD, next="https://localhost/page1"), headers=headers)
        side.client.get("/verify", headers=headers)

    play(story)


def test_forwarded_host_is_not_trusted(play):
    def story(side):
        headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Host": "evil.example"}
        side.client.get("/profile", headers=headers)
        side.client.post("/login", form=dict(GOOD, next="http://evil.example/x"), headers=headers)

    play(story)


def _session(secret, content, stamp=0):
    import hashlib

    from flask.json.tag import TaggedJSONSerializer
    from itsdangerous import TimestampSigner, URLSafeTimedSerializer

    class Clock(TimestampSigner):
        def get_timestamp(self):
            return int(time.time()) + stamp

    return URLSafeTimedSerializer(
        secret,
        salt="cookie-session",
        serializer=TaggedJSONSerializer(),
        signer=Clock,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    ).dumps(content)


def test_key_rotation(play):
    def story(side):
        side.login(remember=True)
        content = side.session()
        uid = side.query("SELECT fs_uniquifier FROM user WHERE email = 'joe@lp.com'")[0][0]
        from itsdangerous import URLSafeTimedSerializer

        for secret in (side.config["secret_key"], "old-key-0001-old-key-0001", "old-key-0002-old-key-0002", "unknown"):
            cookie = _session(secret, content)
            side.browser().get("/profile", accept=JSON, cookies={"session": cookie})
            token = URLSafeTimedSerializer(secret, salt="remember-salt").dumps({"ver": "5", "uid": uid, "exp": 0})
            side.browser().get("/token", accept=JSON, token=token)
        side.get("/profile", accept=JSON)

    play(story, {"secret_key_fallbacks": ["old-key-0001-old-key-0001", "old-key-0002-old-key-0002"]})


def test_sessions_made_elsewhere(play):
    """Sessions signed with the right key whose content is anything: never an error, signed in only when it says so."""

    def story(side):
        side.login()
        good = side.session()
        secret, user = side.config["secret_key"], good["_user_id"]
        tiya = side.query("SELECT fs_uniquifier FROM user WHERE email = 'tiya@lp.com'")[0][0]
        for content in (
            {}, {"_user_id": user}, {"_user_id": user, "_fresh": True}, dict(good, _id="0" * 128),
            {**good, "_user_id": tiya}, {**good, "_user_id": "nobody"}, {**good, "other": (1, b"x", [2.5])},
            {**good, "_permanent": True}, {k: v for k, v in good.items() if k != "fs_paa"}, {"_flashes": [("info", "hello <b>")]},
        ):  # fmt: skip
            client = side.browser()
            client.jar[("session", "/")] = _session(secret, content)
            client.get("/profile", accept=JSON)
            client.get("/fresh", accept=JSON)
            client.get("/")
        for stamp in (-2678300, -2678500, 100, -10**9):
            cookie = _session(secret, good, stamp)
            side.browser().get("/profile", accept=JSON, cookies={"session": cookie})

    play(story)


def test_generic_mode_of_other_pages(play):
    def story(side):
        side.get("/profile", accept=JSON)
        side.get("/http", basic=("nobody@lp.com", "x"))
        side.login()
        side.post("/verify", json={"password": "wrong"})
        side.post("/verify", form={"password": "wrong"})

    play(story, {"security": {"return_generic_responses": True}})


REFUSED = {
    "hash not among the schemes": {"security": {"password_hash": "argon2", "password_schemes": ["bcrypt"]}},
    "no password needed without unified sign-in": {"security": {"password_required": False}},
    "identity with two keys": {
        "security": {"user_identity_attributes": [{"email": {"mapper": "identity"}, "username": {"mapper": "identity"}}]}
    },
    "two factor without secrets": {"security": {"two_factor": True}},
    "two factor without issuer": {"security": {"two_factor": True, "totp_secrets": {"1": "x" * 32}}},
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(refused, name):
    refused(REFUSED[name])
