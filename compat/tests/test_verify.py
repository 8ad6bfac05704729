"""Proving identity again: the verify page and how fresh is judged."""

import time

import pytest

JSON = "application/json"


def _age(side, seconds):
    """Moves the session's sign-in into the past by signing a session of our own, as the reference would."""
    import hashlib

    from flask.json.tag import TaggedJSONSerializer
    from itsdangerous import URLSafeTimedSerializer

    content = dict(side.session())
    content["fs_paa"] = time.time() - seconds
    content.pop("fs_gexp", None)
    signer = URLSafeTimedSerializer(
        side.config["secret_key"],
        salt="cookie-session",
        serializer=TaggedJSONSerializer(),
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )
    side.client.jar[("session", "/")] = signer.dumps(content)


def test_verify(play):
    def story(side):
        side.login()
        side.get("/verify")
        side.get("/verify?next=/page1")
        side.get("/verify", accept=JSON)
        for body in ({"password": "wrong"}, {}, {"password": ""}, {"password": "password", "next": "//evil.example"}):
            side.post("/verify", json=body)
            side.post("/verify", form=body)
        side.post("/verify", json={"password": "password"})
        side.post("/verify?include_auth_token", json={"password": "password"})
        side.post("/verify", form={"password": "password"})
        side.get("/")
        side.post("/verify?next=/page1", form={"password": "password"})
        side.post("/verify?next=/page1", form={"password": "password", "next": "/profile"})
        side.post("/verify?next=//evil.example", form={"password": "password"})
        side.post("/verify", form={"password": "password"}, accept=JSON)
        side.post("/verify?next=/page1", json={"password": "password"})

    play(story)


@pytest.mark.parametrize("view", ["/page1", "page_1", ".login"])
def test_where_it_leads(play, view):
    def story(side):
        side.login()
        side.post("/verify", form={"password": "password"})
        side.post("/verify?next=/profile", form={"password": "password"})

    story.label = f"post verify view {view}"
    play(story, {"security": {"post_verify_view": view}})


def test_a_user_without_password(play):
    def story(side):
        side.login()
        side.execute("UPDATE user SET password = NULL WHERE email = 'joe@lp.com'")
        side.get("/verify", accept=JSON)
        side.post("/verify", json={"password": "password"})
        side.post("/verify", json={"password": ""})

    play(story)


def test_verify_refreshes_a_stale_session(play):
    def story(side):
        side.login()
        _age(side, 4000)
        side.get("/fresh")
        where = side.get("/fresh?a=1&b=2").header("location")
        side.get("/fresh", accept=JSON)
        side.post("/fresh", json={})
        page = side.get(where)
        side.note("page", page.status)
        side.post(where, form={"password": "password"})
        side.get("/fresh")

    play(story)


@pytest.mark.parametrize("seconds", [0, 3500, 3590, 3650, -3500, -3700, 10**9])
def test_age_of_a_session(play, seconds):
    def story(side):
        side.login()
        _age(side, seconds)
        side.get("/fresh", accept=JSON)
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)

    story.label = f"age {seconds}"
    play(story)


@pytest.mark.parametrize("grace", [3600, 0, 60])
def test_grace(play, grace):
    def story(side):
        side.login()
        side.get("/fresh", accept=JSON)
        content = side.session()
        side.note("left", round((content["fs_gexp"] - time.time()) / 20))

    story.label = f"grace {grace}"
    play(story, {"security": {"freshness_grace_period": grace}})


def test_tokens(play):
    def story(side):
        token = side.token()
        side.get("/fresh", accept=JSON, token=token)
        side.get("/fresh", accept=JSON, token=token)
        side.browser().get("/fresh", token=token)
        side.browser().get("/verify", accept=JSON, token=token)
        side.browser().post("/verify?include_auth_token", json={"password": "password"}, token=token)

    play(story)
    play(story, {"security": {"freshness_allow_auth_token": False}})


def test_basic_is_always_fresh_but_not_accepted_here(play):
    def story(side):
        side.get("/fresh", accept=JSON, basic=("joe@lp.com", "password"))
        side.get("/multi_auth", basic=("joe@lp.com", "password"))

    play(story)


def test_without_freshness_there_is_no_verify(play):
    def story(side):
        side.login()
        side.get("/verify")
        side.post("/verify", json={"password": "password"})
        side.get("/fresh", accept=JSON)

    play(story, {"security": {"freshness": -1}})


def test_renamed(play):
    def story(side):
        side.login()
        _age(side, 4000)
        side.get("/fresh")
        side.get("/prove")
        side.get("/verify")
        side.post("/prove", form={"password": "password"})

    play(story, {"security": {"verify_url": "/prove"}})
