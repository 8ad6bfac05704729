"""Refresh tokens: traded for new ones, an old one that comes back, sign-out, and tokens of the other server."""

import pytest
from itsdangerous import URLSafeSerializer
from letters import on

JOE = {"email": "joe@lp.com", "password": "password"}
URL = "/refresh-token"
BODY = on("refresh_token", refresh_token_cookie_name="")
COOKIE = on("refresh_token")
ROWS = "SELECT gen, revoked_at IS NOT NULL, name, user_id FROM fs_refresh_tracker ORDER BY id"


def _serializer(side):
    return URLSafeSerializer(side.config["secret_key"], salt="refresh-token-salt")


def _says(side, token):
    """What a token says, without what no two have in common."""
    said = _serializer(side).loads(token)
    said["uid"] = side.normal.user(said["uid"])
    said["family"] = len(said["family"])
    said["expires_at"] = round((said["expires_at"] - said["last_used_at"]) / 86400)
    said["last_used_at"] = type(said["last_used_at"]).__name__
    return said


def _begin(side):
    """A new sign-in; gives its refresh token."""
    reply = side.browser().post("/login?include_auth_token", json=JOE)
    token = reply.response["user"]["refresh_token"]
    side.note("the first token", _says(side, token))
    return token


def _trade(side, token):
    reply = side.browser().post(URL, json={"refresh_token": token})
    return reply.response["user"]["refresh_token"] if reply.status == 200 else None


def test_by_body(play):
    def story(side):
        first = _begin(side)
        second = _trade(side, first)
        side.note("the second token", _says(side, second))
        third = _trade(side, second)
        side.note_rows("rows", ROWS)
        auth = side.browser().post(URL, json={"refresh_token": third}).response["user"]["authentication_token"]
        side.browser().get("/token", token=auth)
        side.note_rows("rows", ROWS)

    play(story, BODY)


def test_an_old_one_comes_back(play):
    def story(side):
        first = _begin(side)
        second = _trade(side, first)
        third = _trade(side, second)
        _trade(side, first)
        side.note_rows("rows", ROWS)
        _trade(side, third)
        _trade(side, second)
        # Another family goes on.
        _trade(side, _begin(side))
        side.note_rows("rows", ROWS)

    play(story, BODY)


def test_what_is_refused(play):
    def story(side):
        token = _begin(side)
        for body in ({}, {"refresh_token": ""}, {"refresh_token": None}, {"refresh_token": "x"}, {"refresh_token": token + "x"}):
            side.browser().post(URL, json=body)
        for odd in (7, {"a": 1}, True):
            side.browser().post(URL, json={"refresh_token": odd})
        side.browser().get(URL)
        side.browser().send("PUT", URL, json={"refresh_token": token})
        assert side.browser().post(URL, form={"refresh_token": token}).status == 400
        assert side.browser().post(URL).status == 400
        side.execute("UPDATE fs_refresh_tracker SET last_used_at = '2020-01-01 00:00:00.000000'")
        _trade(side, token)
        token = _begin(side)
        side.execute("UPDATE fs_refresh_tracker SET expires_at = '2020-01-01 00:00:00.000000'")
        _trade(side, token)
        token = _begin(side)
        side.execute("UPDATE fs_refresh_tracker SET revoked_at = '2020-01-01 00:00:00.000000'")
        _trade(side, token)
        side.execute("DELETE FROM fs_refresh_tracker")
        _trade(side, token)
        # Whoever the token was for has other uniquifiers by now.
        token = _begin(side)
        side.execute("UPDATE user SET fs_uniquifier = 'another' WHERE email = 'joe@lp.com'")
        _trade(side, token)

    play(story, BODY)


@pytest.mark.parametrize("name", ["fs_refresh", "other"])
def test_by_cookie(play, name):
    def story(side):
        side.login()
        side.client.drop("session")
        side.post("/login?include_auth_token", json=JOE)
        token = side.client.cookie(name)
        side.note("the first token", _says(side, token))
        side.post(URL, json={"refresh_token": "x"})
        side.note("the second token", _says(side, side.client.cookie(name)))
        side.browser().post(URL, json={"refresh_token": token})
        side.post("/logout", json={})
        side.note("after sign-out", side.client.cookie(name))
        side.note_rows("rows", ROWS)
        side.post(URL, json={})

    story.label = f"refresh by the cookie {name}"
    play(story, on("refresh_token", refresh_token_cookie_name=name))


def test_sign_out_takes_it_back(play):
    def story(side):
        reply = side.post("/login?include_auth_token", json=JOE)
        token = reply.response["user"]["refresh_token"]
        side.post("/logout", json={"refresh_token": token})
        side.note_rows("rows", ROWS)
        _trade(side, token)

    play(story, BODY)


def test_a_token_of_the_reference(play):
    """Row and token as the reference writes them are good on both sides."""

    def story(side):
        ((user, uniquifier),) = side.query("SELECT id, fs_uniquifier FROM user WHERE email = 'joe@lp.com'")
        side.execute(
            "INSERT INTO fs_refresh_tracker (refresh_family, gen, expires_at, last_used_at, create_datetime, name, user_id) "
            "VALUES (?, 3, '2099-01-01 00:00:00.000000', strftime('%Y-%m-%d %H:%M:%f', 'now'), CURRENT_TIMESTAMP, 'default', ?)",
            "0123456789abcdef" * 2,
            user,
        )
        said = {"ver": "1", "uid": uniquifier, "expires_at": 1.5, "last_used_at": 0.5, "name": "default"}
        said.update(family="0123456789abcdef" * 2, gen=3)
        token = _trade(side, _serializer(side).dumps(said))
        side.note("what the next one says", {key: value for key, value in _says(side, token).items() if key != "expires_at"})
        side.note_rows("rows", ROWS)

    play(story, BODY)
