"""The testbed's own routes: every route by every caller, by every mechanism, for JSON and for HTML."""

import pytest

JSON = "application/json"
ROUTES = [
    "/", "/profile", "/post_login", "/http", "/http_admin_required", "/http_custom_realm", "/session", "/token",
    "/multi_auth", "/post_logout", "/post_register", "/post_confirm", "/post_reset", "/post_change_username", "/admin",
    "/admin_and_editor", "/admin_or_editor", "/simple", "/admin_perm", "/admin_perm_required", "/page1", "/unauthz",
    "/form", "/fresh",
]  # fmt: skip
CALLERS = ["matt@lp.com", "joe@lp.com", "dave@lp.com", "jill@lp.com", "gene@lp.com"]


def _ask(side, route, client=None, **how):
    for accept in (None, JSON):
        (client or side.browser()).get(route, accept=accept, **how)


@pytest.mark.parametrize("route", ROUTES)
def test_anonymous(play, route):
    def story(side):
        _ask(side, route)
        side.browser().get(route + "?a=1&next=/x")
        side.browser().get(route, accept=JSON, token="nonsense")
        side.browser().get(route, accept=JSON, basic=("joe@lp.com", "wrong"))
        side.browser().get(route, basic=("joe@lp.com", "wrong"))
        side.browser().get(route, cookies={"session": "nonsense"})

    story.label = f"anonymous {route}"
    play(story)


@pytest.mark.parametrize("route", ROUTES)
def test_by_session(play, route):
    def story(side):
        for email in CALLERS:
            client = side.browser()
            side.login(email, client=client)
            _ask(side, route, client)

    story.label = f"session {route}"
    play(story)


@pytest.mark.parametrize("route", ROUTES)
def test_by_token(play, route):
    def story(side):
        for email in ("matt@lp.com", "gene@lp.com"):
            token = side.token(email)
            _ask(side, route, token=token)
            side.browser().get(f"{route}?auth_token={token}", accept=JSON)
        side.browser().post(route, json={"auth_token": side.token("matt@lp.com")})

    story.label = f"token {route}"
    play(story)


@pytest.mark.parametrize("route", ROUTES)
def test_by_basic(play, route):
    def story(side):
        for email in ("matt@lp.com", "gene@lp.com", "tiya@lp.com", "nobody@lp.com"):
            _ask(side, route, basic=(email, "password"))

    story.label = f"basic {route}"
    play(story)


def test_basic_header_spellings(play):
    def story(side):
        for value in ("Basic", "Basic ", "Basic !!!", "Basic am9l", "basic bWF0dEBscC5jb206cGFzc3dvcmQ=", "Bearer x", "Basic Og==", "Basic bWF0dEBscC5jb206", "Basic OnBhc3N3b3Jk", "Digest a=b", ""):
            client = side.browser()
            client.get("/http", headers={"Authorization": value})
            client.get("/multi_auth", headers={"Authorization": value}, accept=JSON)

    play(story)


def test_basic_passwords_with_colons_and_letters(play):
    from libpass_hashes import hashed

    def story(side):
        for password in ("a:b:c", "pässwörd", ":", " spaces "):
            side.execute("UPDATE user SET password = ? WHERE email = 'joe@lp.com'", hashed(password))
            side.browser().get("/http", basic=("joe@lp.com", password))
            side.browser().get("/http", basic=("joe@lp.com", password + "x"))

    play(story)


def test_basic_makes_no_session(play):
    def story(side):
        side.get("/multi_auth", basic=("joe@lp.com", "password"))
        side.get("/multi_auth", accept=JSON)
        side.get("/http", basic=("joe@lp.com", "password"))
        side.get("/profile", accept=JSON)

    play(story)


def test_realm(play):
    def story(side):
        for route in ("/http", "/http_custom_realm", "/multi_auth"):
            _ask(side, route)

    play(story, {"security": {"default_http_auth_realm": "The Gate"}})


@pytest.mark.parametrize("methods", [["session"], ["token"], ["basic"], ["session", "token", "basic"], ["basic", "token"]], ids=str)
def test_configured_methods(play, methods):
    def story(side):
        _ask(side, "/profile")
        client = side.browser()
        side.login(client=client)
        _ask(side, "/profile", client)
        client.get("/verify", accept=JSON)
        _ask(side, "/profile", token=side.token())
        _ask(side, "/profile", basic=("joe@lp.com", "password"))
        side.browser().get("/verify", accept=JSON, basic=("joe@lp.com", "password"))
        side.browser().get("/verify", accept=JSON, token=side.token())

    story.label = f"api methods {methods}"
    play(story, {"security": {"api_enabled_methods": methods}})


@pytest.mark.parametrize("view", ["/unauthz", "unauthz", "/page1", ".login"])
def test_unauthorized_view(play, view):
    def story(side):
        _ask(side, "/admin")
        side.login("gene@lp.com")
        for route in ("/admin", "/admin_and_editor", "/admin_perm", "/admin_perm_required", "/admin_or_editor"):
            _ask(side, route, side.client)
        side.get("/")
        side.browser().get("/http_admin_required", basic=("matt@lp.com", "password"))

    story.label = f"unauthorized view {view}"
    play(story, {"security": {"unauthorized_view": view}})


def test_token_places(play):
    def story(side):
        joe, matt = side.token("joe@lp.com"), side.token("matt@lp.com")
        ask = lambda **how: side.browser().get("/profile", accept=JSON, **how)  # noqa: E731
        ask(token=joe)
        ask(headers={"authentication-token": joe})
        ask(headers={"Authorization": f"Bearer {joe}"})
        side.browser().get(f"/token?auth_token={joe}", accept=JSON)
        side.browser().get(f"/admin?auth_token={matt}", accept=JSON, token=joe)
        side.browser().get(f"/token?auth_token=nonsense", accept=JSON, token=joe)
        side.browser().post("/token", json={"auth_token": joe})
        side.browser().post("/token", form={"auth_token": joe}, accept=JSON)
        side.browser().post("/json_auth", json={"auth_token": joe, "a": 1})
        side.browser().post(f"/json_auth?auth_token={matt}", json={"auth_token": joe})
        side.browser().post("/json_auth", json={"auth_token": 1}, token=joe)
        side.browser().post("/json_auth", json={"auth_token": [joe]})

    play(story)


def test_renamed_token_places(play):
    def story(side):
        joe = side.token()
        side.browser().get("/token", accept=JSON, token=joe)
        side.browser().get("/token", accept=JSON, headers={"X-Auth": joe})
        side.browser().get(f"/token?auth_token={joe}", accept=JSON)
        side.browser().get(f"/token?api_key={joe}", accept=JSON)
        side.browser().post("/json_auth", json={"api_key": joe})

    play(story, {"security": {"token_authentication_header": "X-Auth", "token_authentication_key": "api_key"}})


@pytest.mark.parametrize("age", [900, 1, 0, -1, 86400])
def test_token_age(play, age):
    def story(side):
        token = side.token()
        side.get("/token", token=token, accept=JSON)

    story.label = f"token age {age}"
    play(story, {"security": {"token_max_age": age}})


def test_bad_tokens(play):
    def story(side):
        good = side.token()
        head, stamp, tail = good.rsplit(".", 2)
        for bad in (
            good[:-2], good + "a", "x" + good, f"{head}.{stamp}.", f"{head}..{tail}", f".{stamp}.{tail}", ".", "..", "...",
            f"{head}.{tail}", f"{head[:-1]}.{stamp}.{tail}", "a" * 5000, good.upper(), f"{head}.aaaaaa.{tail}",
        ):  # fmt: skip
            side.browser().get("/token", token=bad, accept=JSON)
        side.browser().get("/token", token=good, accept=JSON)

    play(story)


def _signed(side, payload, **how):
    from itsdangerous import URLSafeTimedSerializer

    return URLSafeTimedSerializer(side.config["secret_key"], salt="remember-salt", **how).dumps(payload)


def test_token_versions(play):
    def story(side):
        uid = side.query("SELECT fs_uniquifier FROM user WHERE email = 'joe@lp.com'")[0][0]
        off = side.query("SELECT fs_uniquifier FROM user WHERE email = 'tiya@lp.com'")[0][0]
        for payload in (
            {"ver": "5", "uid": uid, "fs_paa": 1.0, "exp": 0},
            {"ver": "5", "uid": uid, "exp": 0},
            {"ver": "5", "uid": uid, "exp": 0, "extra": [1, {"a": None}]},
            {"ver": "5", "uid": uid},
            {"uid": uid, "exp": 0},
            {"ver": "5", "exp": 0},
            {"ver": "5", "uid": "nobody", "exp": 0},
            {"ver": "5", "uid": off, "exp": 0},
            {"ver": "5", "uid": uid, "exp": 1},
            {"ver": "5", "uid": uid, "exp": 4000000000},
            [uid],
            ["1", "hash", uid],
            ["a", uid],
            [],
            ["a", "b", "c", uid],
            uid,
            None,
            5,
        ):
            token = _signed(side, payload)
            side.browser().get("/token", token=token, accept=JSON)
            side.browser().get("/fresh", token=token, accept=JSON)

    play(story)


def test_echo(play):
    def story(side):
        for body in ({"a": 1}, [1, 2], {"b": [1, 2.5, None, True, "é"], "a": {"z": 1, "y": 2}}, "text", 5, None, {}):
            side.post("/json", json=body)
        side.get("/json")
        side.post("/json_auth", json={"a": 1})
        side.login()
        side.post("/json_auth", json={"a": 1})

    play(story)


def test_own_form(play):
    def story(side):
        side.post("/form", form={"message": "anonymous"})
        side.login()
        side.post("/form", form={"message": "héllo"})
        side.post("/form", form={})
        side.post("/form", json={"message": "from json"})
        side.get("/form")

    play(story)


def test_methods_and_unknown_paths(play):
    def story(side):
        for method, path in (
            ("GET", "/nothing"), ("POST", "/profile"), ("GET", "/logout"), ("PUT", "/login"), ("DELETE", "/login"),
            ("PATCH", "/verify"), ("GET", "/login/"), ("POST", "/login/"), ("GET", "/LOGIN"),
            ("OPTIONS", "/login"), ("OPTIONS", "/logout"), ("OPTIONS", "/verify"), ("OPTIONS", "/profile"),
            ("HEAD", "/login"), ("HEAD", "/profile"), ("HEAD", "/page1"), ("HEAD", "/logout"), ("GET", "/json_auth"),
            ("GET", "/verify/"), ("GET", "/register"), ("GET", "/reset"), ("GET", "/change"), ("GET", "/tf-setup"),
        ):  # fmt: skip
            side.browser().send(method, path)
            side.browser().send(method, path, accept=JSON)

    play(story)


def test_cache_control(play):
    def story(side):
        for route in ("/login", "/verify", "/profile", "/", "/nothing", "/logout"):
            side.get(route)
        side.post("/logout")
        side.post("/login", json={})

    play(story)
    play(story, {"security": {"cache_control": {"no-cache": True, "max-age": 0}}})
    play(story, {"security": {"cache_control": {}}})


ACCEPTS = [
    "application/json", "text/html", "*/*", "text/html,application/json", "application/json,text/html",
    "application/json;q=0.9,text/html;q=0.8", "application/json;q=0.5,text/html", "application/vnd.api+json",
    "application/json; charset=utf-8", "APPLICATION/JSON", "application/*", "text/*;q=0.3, application/json;q=0.4",
    "application/json;q=0", "application/xml", "nonsense", "", ",", "application/json;q=nonsense", "*/*;q=0.1,application/json",
    "text/html;level=1,application/json", "application/json;q=1.0, */*;q=1.0", "application/json, application/xml",
]  # fmt: skip


@pytest.mark.parametrize("accept", ACCEPTS)
def test_accept(play, accept):
    def story(side):
        for path in ("/profile", "/login", "/admin", "/multi_auth"):
            side.browser().get(path, headers={"Accept": accept})
        side.browser().post("/login", form={"email": "joe@lp.com", "password": "wrong"}, headers={"Accept": accept})

    story.label = f"accept {accept!r}"
    play(story)


TYPES = [
    "application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.api+json",
    "application/problem+json", "text/json", "application/jsonx", "application/json-patch", "text/plain", "text/html", "",
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_content_type(play, kind):
    def story(side):
        body = b'{"email": "joe@lp.com", "password": "password"}'
        side.browser().post("/login", body=body, content_type=kind or None)
        side.browser().post("/logout", body=b"{}", content_type=kind or None)
        side.browser().send("GET", "/profile", content_type=kind or None)

    story.label = f"content type {kind!r}"
    play(story)


def test_multipart(play):
    def story(side):
        def body(*parts):
            return b"".join(
                b'--xx\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % part for part in parts
            ) + b"--xx--\r\n"

        kind = "multipart/form-data; boundary=xx"
        good = body((b"email", b"joe@lp.com"), (b"password", b"password"), (b"next", b"/page1"))
        side.browser().post("/login", body=good, content_type=kind)
        side.browser().post("/login", body=good, content_type=kind, accept=JSON)
        side.browser().post("/login", body=body((b"email", b"joe@lp.com")), content_type=kind)

    play(story)


def test_json_shapes(play):
    def story(side):
        for body in (
            {"email": ["joe@lp.com"], "password": ["password"]},
            {"email": ["joe@lp.com", "matt@lp.com"], "password": "password"},
            {"email": [], "password": "password"},
            {"email": 5, "password": "password"},
            {"email": {"a": 1}, "password": "password"},
            {"email": True, "password": "password"},
            {"email": None, "password": "password"},
            {"email": "joe@lp.com", "password": 5},
            {"email": "joe@lp.com", "password": None},
            {"email": "joe@lp.com", "password": {"a": "password"}},
            {"email": [5], "password": "password"},
            [],
            None,
        ):
            side.browser().post("/login", json=body)

    play(story)


def test_form_shapes(play):
    def story(side):
        for body in (
            b"email=joe@lp.com&email=matt@lp.com&password=password", b"email=joe%40lp.com&password=password&",
            b"email=joe%40lp.com;password=password", b"email=joe+x%40lp.com&password=password", b"&&&", b"=",
            b"email&password", b"email=joe%40lp.com&password=password&next=%2Fpage1&next=%2Fprofile",
            b"email=joe%zz&password=%e9", b"password=password&email=joe@lp.com",
        ):  # fmt: skip
            side.browser().post("/login", body=body, content_type="application/x-www-form-urlencoded")

    play(story)
