"""Signing in by a mailed link alone."""

import pytest
from letters import JSON, lines, link, mails, note_user, on, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
BODIES = {
    "right": {"email": "joe@lp.com"},
    "other case": {"email": "JOE@lp.com"},
    "spaces": {"email": " joe@lp.com "},
    "unknown": {"email": "nobody@lp.com"},
    "inactive": {"email": "tiya@lp.com"},
    "without password": {"email": "jess@lp.com"},
    "empty": {"email": ""},
    "nothing": {},
    "no address": {"email": "joe"},
    "number": {"email": 7},
    "password beside it": {"email": "joe@lp.com", "password": "password"},
}


def _ask(side, email="joe@lp.com"):
    assert side.browser().post("/login", json={"email": email}).status == 200
    (mail,) = mails(side)
    return link(mail)


@STYLES
@pytest.mark.parametrize("name", BODIES)
def test_asking(play, style, name):
    if style != "json" and name == "number":
        pytest.skip("a form has texts only")

    def story(side):
        sent(side, style, "/login", BODIES[name])
        mails(side)
        side.get("/profile", accept=JSON)
        side.get("/")

    story.label = f"ask for a link {style}: {name}"
    play(story, on("passwordless"))


def test_pages(play):
    def story(side):
        side.get("/login")
        side.get("/login", accept=JSON)
        side.get("/login?next=/page1")
        side.post("/login")
        side.post("/login", json={})
        side.get("/profile")
        side.get(_ask(side))
        side.get("/login")
        side.get("/login", accept=JSON)
        side.post("/login", json={"email": "joe@lp.com"})
        side.post("/login", form={"email": "joe@lp.com"})
        mails(side)

    play(story, on("passwordless"))


@pytest.mark.parametrize("view", ["", "/page1", "post_login"])
@pytest.mark.parametrize("how", ["get", "get for json"])
def test_following(play, view, how):
    def story(side):
        path = _ask(side)
        side.get(path, accept=JSON if how == "get for json" else None)
        side.get("/profile", accept=JSON)
        side.get("/")
        note_user(side, "joe@lp.com")

    story.label = f"follow a sign-in link, {how}, view {view}"
    changes = {"post_login_view": view} if view else {}
    play(story, on("passwordless", "trackable", **changes))


def test_following_while_signed_in(play):
    def story(side):
        first, second = _ask(side), _ask(side, "matt@lp.com")
        side.get(first)
        side.get(second)
        side.get(second, accept=JSON)
        side.get("/")

    play(story, on("passwordless"))


def test_bad_links(play):
    def story(side):
        path = _ask(side)
        for bad in ("/login/x", "/login/" + "a" * 300, path[:-1], path + "x", "/login/%00"):
            side.client = side.browser()
            side.get(bad)
            side.get("/")
        side.get("/login/x", accept=JSON)
        side.execute("UPDATE user SET fs_uniquifier = 'ffffffffffffffffffffffffffffffff' WHERE email = 'joe@lp.com'")
        side.get(path)
        side.get("/")

    play(story, on("passwordless"))
    play(story, on("passwordless", login_error_view="/page1"))


def test_expired_links_are_replaced(play):
    def story(side):
        path = _ask(side)
        side.get(path)
        mails(side)
        side.get("/")

    play(story, on("passwordless", login_within=-1))


def test_with_csrf_tokens(play):
    def story(side):
        side.post("/login", json={"email": "joe@lp.com"})
        side.browser().post("/login", form={"email": "joe@lp.com"})
        mails(side)
        side.post("/login", form={"email": "joe@lp.com", "csrf_token": side.get("/login").csrf()})
        (mail,) = mails(side)
        side.browser().get(link(mail))

    play(story, dict(on("passwordless"), csrf={"enabled": True}))


def test_lines_of_the_mail(play):
    def story(side):
        side.post("/login", json={"email": "joe@lp.com"})
        (mail,) = mails(side)
        found = lines(mail)
        assert list(found) == ["Link", "Email", "Token", "RegisterBlueprint"]
        assert found["Link"] == f"http://localhost/login/{found['Token']}"

    play(story, on("passwordless"))


@pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])
def test_links_go_to_and_fro(shared, made, used):
    sides = shared(on("passwordless"))
    a, b = sides[made], sides[used]
    a.mail.take(), b.mail.take()
    path = _ask(a)
    assert b.get(path).status == 302
    assert b.get("/profile", accept=JSON).status == 200
    a.client.jar = dict(b.client.jar)
    assert "Welcome joe@lp.com" in a.get("/").text
