"""JSON Web Tokens: those of Flask-JWT-Extended are good here and ours there; what is refused is refused alike."""

import base64
import json
import time

import jwt
import pytest

SETTINGS = {"jwt": {"enabled": True, "authenticate_reply": "json", "authenticate_refresh": True}}
JOE = {"uid": "joe@lp.com", "password": "password"}
PATHS = ("/protected", "/protected/fresh", "/protected/optional")


def _bearer(side, path, token, method="GET"):
    return side.browser().send(method, path, headers={"Authorization": f"Bearer {token}"})


def _claims(side, **changes):
    """Those of a good access token; a change to None takes a claim out."""
    now = int(time.time())
    ((who,),) = side.query("SELECT fs_uniquifier FROM user WHERE email = 'joe@lp.com'")
    claims = {"sub": who, "type": "access", "fresh": True, "jti": "one", "iat": now, "nbf": now, "exp": now + 60, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _made(side, key=None, algorithm="HS256", headers=None, **changes):
    """A token made by PyJWT."""
    return jwt.encode(_claims(side, **changes), key or side.config["secret_key"], algorithm, headers=headers)


@pytest.mark.parametrize("maker, reader", [("peer", "ours"), ("ours", "peer")])
def test_a_token_of_either_is_good_for_the_other(shared, maker, reader):
    sides = shared(SETTINGS)
    maker = sides["peer"] if maker == "peer" else next(side for kind, side in sides.items() if kind != "peer")
    reader = sides["peer"] if reader == "peer" else next(side for kind, side in sides.items() if kind != "peer")
    pair = maker.browser().post("/authenticate", json=JOE).json
    for path in PATHS:
        assert _bearer(reader, path, pair["access_token"]).json == {"message": "This is a protected endpoint!"}
    assert _bearer(reader, "/protected", pair["refresh_token"]).json == {"msg": "Only non-refresh tokens are allowed"}
    again = _bearer(reader, "/jwt/refresh", pair["refresh_token"], "POST").json["access_token"]
    assert _bearer(maker, "/protected", again).status == 200
    assert _bearer(maker, "/protected/fresh", again).json == {"msg": "Fresh token required"}
    # Both say the same of the same user, by a third reader's word.
    for token, kind in ((pair["access_token"], "access"), (pair["refresh_token"], "refresh")):
        said = jwt.decode(token, maker.config["secret_key"], ["HS256"])
        assert (said["type"], said["fresh"]) == (kind, kind == "access")
        assert said["sub"] == _claims(reader)["sub"] and said["exp"] > said["iat"] == said["nbf"]


def test_tokens_made_by_pyjwt(play):
    def story(side):
        for changes in ({}, {"fresh": False}, {"type": "refresh"}, {"type": None}, {"fresh": None}, {"jti": None}, {"more": [1]}):
            token = _made(side, **changes)
            for path in PATHS:
                _bearer(side, path, token)
            _bearer(side, "/protected", token, "POST")

    play(story, SETTINGS)


def test_what_is_refused(play):
    def story(side):
        now = int(time.time())
        good = _made(side)
        head, body, signature = good.split(".")
        none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
        for token in (
            _made(side, exp=now - 10),
            _made(side, nbf=now + 1000),
            _made(side, key="another key that is long enough for it"),
            _made(side, algorithm="HS512"),
            _made(side, sub="nobody"),
            f"{none}.{body}.",
            f"{none}.{body}.{signature}",
            f"{head}.{body}.",
            f"{head}.{body}",
            f"{head}.{body}.{signature[:-2]}AA",
        ):
            for path in ("/protected", "/protected/fresh"):
                _bearer(side, path, token)
        for header in ("", "Bearer", f"Basic {good}", good, f"bearer {good}", f"Bearer {good} {good}"):
            side.browser().get("/protected", headers={"Authorization": header})
        side.browser().get("/protected")
        side.browser().get("/protected/fresh")
        side.browser().get("/protected/optional")

    play(story, SETTINGS)


def test_somebody_who_is_switched_off(play):
    def story(side):
        token = _made(side)
        _bearer(side, "/protected", token)
        side.execute("UPDATE user SET active = 0 WHERE email = 'joe@lp.com'")
        _bearer(side, "/protected", token)

    play(story, SETTINGS)
