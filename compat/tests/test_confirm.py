"""Confirming an address: asking for the mail, following its link, and links that must do nothing."""

import pytest
from letters import JSON, link, mails, note_user, on, sent, user

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
JOE = {"email": "joe@lp.com"}
BODIES = {
    "right": JOE,
    "other case": {"email": "JOE@lp.com"},
    "spaces": {"email": " joe@lp.com "},
    "domain in capitals": {"email": "joe@LP.com"},
    "unknown": {"email": "nobody@lp.com"},
    "confirmed": {"email": "matt@lp.com"},
    "inactive": {"email": "tiya@lp.com"},
    "without password": {"email": "jess@lp.com"},
    "empty": {"email": ""},
    "blank": {"email": "  "},
    "nothing": {},
    "no address": {"email": "joe"},
    "username": {"email": "matt"},
    "number": {"email": 7},
    "unknown field": {"email": "joe@lp.com", "user": "matt@lp.com"},
}


def _confirm_matt(side):
    side.execute("UPDATE user SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE email = 'matt@lp.com'")


def _ask(side, email="joe@lp.com"):
    """A mailed link for somebody, asked for by another browser."""
    assert side.browser().post("/confirm", json={"email": email}).status == 200
    (mail,) = mails(side)
    return link(mail)


@STYLES
@pytest.mark.parametrize("name", BODIES)
def test_asking(play, style, name):
    if style != "json" and name == "number":
        pytest.skip("a form has texts only")

    def story(side):
        _confirm_matt(side)
        sent(side, style, "/confirm", BODIES[name])
        mails(side)
        side.get("/")

    story.label = f"ask to confirm {style}: {name}"
    play(story, on("confirmable"))


def test_pages(play):
    def story(side):
        side.get("/confirm")
        side.get("/confirm?email=joe@lp.com")
        side.get("/confirm", accept=JSON)
        side.post("/confirm")
        side.post("/confirm", json={})
        side.send("PUT", "/confirm")
        _confirm_matt(side)
        side.login("matt@lp.com")
        side.get("/confirm")
        side.get("/confirm", accept=JSON)
        side.post("/confirm", json=JOE)
        side.post("/confirm", json={"email": "matt@lp.com"})
        mails(side)

    play(story, on("confirmable"))


@pytest.mark.parametrize("auto", [False, True])
@pytest.mark.parametrize("view", ["", "/post_confirm", "post_confirm"])
def test_following(play, auto, view):
    def story(side):
        path = _ask(side)
        side.get(path)
        note_user(side, "joe@lp.com")
        side.get("/profile", accept=JSON)
        side.get("/")
        side.get(path)
        side.browser().get(path)
        mails(side)

    story.label = f"confirm, view {view}, auto login {auto}"
    changes = {"post_confirm_view": view} if view else {}
    play(story, on("confirmable", auto_login_after_confirm=auto, **changes))


@pytest.mark.parametrize("how", ["json", "post", "post json"])
def test_following_in_other_ways(play, how):
    def story(side):
        path = _ask(side)
        if how == "json":
            side.get(path, accept=JSON)
        elif how == "post":
            side.post(path, form={})
        else:
            side.post(path, json={})
        note_user(side, "joe@lp.com")

    story.label = f"confirm by {how}"
    play(story, on("confirmable"))


@pytest.mark.parametrize("who", ["joe@lp.com", "matt@lp.com"])
@pytest.mark.parametrize("auto", [False, True])
def test_following_while_signed_in(play, who, auto):
    def story(side):
        path = _ask(side)
        side.login(who, remember=True)
        side.get(path)
        side.get("/profile", accept=JSON)
        side.get("/")
        note_user(side, "joe@lp.com")

    story.label = f"confirm while {who} is signed in, auto login {auto}"
    play(story, on("confirmable", login_without_confirmation=True, auto_login_after_confirm=auto))


def test_bad_links(play):
    def story(side):
        path = _ask(side)
        for bad in ("/confirm/x", "/confirm/" + "a" * 300, path[:-1], path + "x", path.replace(".", "", 1), "/confirm/%00", "/confirm/a.b.c"):
            side.client = side.browser()
            side.get(bad)
            side.get("/")
        side.client = side.browser()
        side.get("/confirm/x", accept=JSON)
        side.post("/confirm/x", json={})
        side.execute("UPDATE user SET fs_uniquifier = 'ffffffffffffffffffffffffffffffff' WHERE email = 'joe@lp.com'")
        side.get(path)
        note_user(side, "joe@lp.com")

    play(story, on("confirmable"))
    play(story, on("confirmable", confirm_error_view="/page1"))


def test_a_link_for_an_earlier_address(play):
    def story(side):
        path = _ask(side)
        side.execute("UPDATE user SET email = 'joseph@lp.com' WHERE email = 'joe@lp.com'")
        side.get(path)
        note_user(side, "joseph@lp.com")
        side.execute("UPDATE user SET email = 'joe@lp.com' WHERE email = 'joseph@lp.com'")
        side.get(path)
        note_user(side, "joe@lp.com")

    play(story, on("confirmable"))


def test_a_link_of_a_deleted_user(play):
    def story(side):
        path = _ask(side)
        side.execute("DELETE FROM roles_users WHERE user_id = (SELECT id FROM user WHERE email = 'joe@lp.com')")
        side.execute("DELETE FROM user WHERE email = 'joe@lp.com'")
        side.get(path)
        side.get("/")

    play(story, on("confirmable"))


def test_expired_links(play):
    def story(side):
        path = _ask(side)
        side.get(path)
        side.get("/")
        note_user(side, "joe@lp.com")

    play(story, on("confirmable", confirm_email_within=-1))
    play(story, on("confirmable", confirm_email_within=-1, confirm_error_view="/page1"))


@pytest.mark.parametrize("seconds", [86400, 5400, 90, 2160, 14400, 93780, 2592000, 1])
def test_the_lifetime_in_words(play, seconds):
    def story(side):
        side.post("/confirm", json=JOE)
        mails(side)

    story.label = f"lifetime of {seconds} seconds"
    play(story, on("confirmable", confirm_email_within=seconds))


def test_inactive_users_confirm_but_do_not_get_in(play):
    def story(side):
        path = _ask(side, "tiya@lp.com")
        side.get(path)
        note_user(side, "tiya@lp.com")
        side.get("/profile", accept=JSON)
        side.browser().post("/login", json={"email": "tiya@lp.com", "password": "password"})

    play(story, on("confirmable"))


def test_with_csrf_tokens(play):
    def story(side):
        side.post("/confirm", json=JOE)
        side.browser().post("/confirm", form=JOE)
        mails(side)
        side.post("/confirm", form=dict(JOE, csrf_token=side.get("/confirm").csrf()))
        (mail,) = mails(side)
        # The mail may be opened by another browser.
        side.browser().get(link(mail))
        note_user(side, "joe@lp.com")

    play(story, dict(on("confirmable"), csrf={"enabled": True}))


def test_second_link(play):
    def story(side):
        first, second = _ask(side), _ask(side)
        side.get(second)
        note_user(side, "joe@lp.com")
        side.get(first)

    play(story, on("confirmable"))


@pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])
def test_links_go_to_and_fro(shared, made, used):
    sides = shared(on("confirmable", "registerable"))
    a, b = sides[made], sides[used]
    a.mail.take(), b.mail.take()
    path = _ask(a)
    assert user(a, "joe@lp.com")["confirmed_at"] is None
    assert b.get(path).status == 302
    assert user(a, "joe@lp.com")["confirmed_at"] == "<now>"
    new = {"email": "new@lp.com", "password": "battery staple", "password_confirm": "battery staple"}
    assert a.post("/register", json=new).status == 200
    (mail,) = mails(a)
    assert b.browser().post("/login", json=new).status == 400
    assert b.get(link(mail)).status == 302
    assert b.browser().post("/login", json=new).status == 200
    assert a.browser().post("/login", json=new).status == 200
