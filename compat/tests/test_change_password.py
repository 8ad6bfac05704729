"""Changing the password: the checks, what ends and what goes on, the notice."""

import pytest
from letters import JSON, mails, note_user, on, secrets, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
GOOD = {"password": "password", "new_password": "battery staple", "new_password_confirm": "battery staple"}
BODIES = {
    "right": GOOD,
    "wrong": dict(GOOD, password="wrong"),
    "none": {"new_password": "battery staple", "new_password_confirm": "battery staple"},
    "empty": dict(GOOD, password=""),
    "the same": {"password": "password", "new_password": "password", "new_password_confirm": "password"},
    "different": dict(GOOD, new_password_confirm="battery stapler"),
    "not repeated": {"password": "password", "new_password": "battery staple"},
    "no new one": {"password": "password"},
    "new one empty": {"password": "password", "new_password": "", "new_password_confirm": ""},
    "short": {"password": "password", "new_password": "short", "new_password_confirm": "short"},
    "short and different": {"password": "password", "new_password": "short", "new_password_confirm": "shorter"},
    "wrong and short": {"password": "wrong", "new_password": "short", "new_password_confirm": "short"},
    "wrong and different": dict(GOOD, password="wrong", new_password_confirm="x"),
    "blank": {"password": "password", "new_password": "         ", "new_password_confirm": "         "},
    "wrong and not repeated": {"password": "wrong", "new_password": "battery staple"},
    "long": {"password": "password", "new_password": "p" * 129, "new_password_confirm": "p" * 129},
    "nothing": {},
    "number": dict(GOOD, new_password=1234567890, new_password_confirm=1234567890),
    "number as old": dict(GOOD, password=7),
    "foreign letters": dict(GOOD, new_password="pässwörter", new_password_confirm="pässwörter"),
    "unknown field": dict(GOOD, email="matt@lp.com"),
}


@STYLES
@pytest.mark.parametrize("name", BODIES)
def test_bodies(play, style, name):
    if style != "json" and name.startswith("number"):
        pytest.skip("a form has texts only")

    def story(side):
        side.login()
        before = secrets(side, "joe@lp.com")
        sent(side, style, "/change", BODIES[name])
        after = secrets(side, "joe@lp.com")
        side.note("replaced", [old != new for old, new in zip(before, after)])
        mails(side)
        note_user(side, "joe@lp.com")
        side.get("/profile", accept=JSON)
        side.get("/")
        for password in ("password", "battery staple"):
            side.browser().post("/login", json={"email": "joe@lp.com", "password": password})

    story.label = f"change {style}: {name}"
    play(story, on("changeable"))


def test_pages(play):
    def story(side):
        side.get("/change")
        side.get("/change", accept=JSON)
        side.post("/change", form=GOOD)
        side.post("/change", json=GOOD)
        side.login()
        side.get("/change")
        side.get("/change", accept=JSON)
        side.get("/change?next=/page1")
        side.post("/change")
        side.post("/change", json={})
        side.send("PUT", "/change")
        mails(side)

    play(story, on("changeable"))


@pytest.mark.parametrize("view", ["/page1", "page_1", "/post_login?x=1"])
def test_view_afterwards(play, view):
    def story(side):
        side.login()
        side.post("/change?next=/profile", form=dict(GOOD, next="/profile"))
        side.get("/")

    story.label = f"change, view {view}"
    play(story, on("changeable", post_change_view=view))


def test_what_ends_and_what_goes_on(play):
    def story(side):
        other = side.browser()
        side.login(client=other, remember=True)
        side.login(remember=True)
        token = side.token()
        side.post("/change?include_auth_token", json=GOOD)
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        other.get("/profile", accept=JSON)
        other.drop("session")
        other.get("/profile", accept=JSON)
        side.browser().get("/token", token=token, accept=JSON)
        # The cookie that this browser got instead.
        held = side.client.cookie("remember_token")
        side.browser().get("/profile", accept=JSON, cookies={"remember_token": held})
        mails(side)

    play(story, on("changeable"))


def test_by_token(play):
    def story(side):
        token = side.token()
        side.get("/change", accept=JSON, token=token)
        reply = side.post("/change?include_auth_token", json=GOOD, token=token)
        side.browser().get("/token", token=token, accept=JSON)
        side.browser().get("/token", token=reply.response["user"]["authentication_token"], accept=JSON)
        mails(side)

    play(story, on("changeable"))


def test_user_without_password(play):
    def story(side):
        # Signed in with a password that is taken away.
        password = side.query("SELECT password FROM user WHERE email = 'joe@lp.com'")[0][0]
        side.execute("UPDATE user SET password = ? WHERE email = 'jess@lp.com'", password)
        side.login("jess@lp.com")
        side.execute("UPDATE user SET password = NULL WHERE email = 'jess@lp.com'")
        side.get("/change")
        side.get("/change", accept=JSON)
        side.post("/change", json={"new_password": "short", "new_password_confirm": "short"})
        side.post("/change", json={"new_password": "battery staple", "new_password_confirm": "battery staple"})
        note_user(side, "jess@lp.com")
        mails(side)
        side.get("/change", accept=JSON)
        side.login("jess@lp.com", "battery staple", client=side.browser())

    play(story, on("changeable"))


def test_user_without_password_must_be_fresh(play):
    def story(side):
        password = side.query("SELECT password FROM user WHERE email = 'joe@lp.com'")[0][0]
        side.execute("UPDATE user SET password = ? WHERE email = 'jess@lp.com'", password)
        side.login("jess@lp.com", remember=True)
        side.execute("UPDATE user SET password = NULL WHERE email = 'jess@lp.com'")
        side.client.drop("session")
        side.get("/change")
        side.get("/change", accept=JSON)
        side.post("/change", json={"new_password": "battery staple", "new_password_confirm": "battery staple"})
        side.post("/change", form={"new_password": "battery staple", "new_password_confirm": "battery staple"})
        note_user(side, "jess@lp.com")
        mails(side)

    play(story, on("changeable"))


def test_remembered_users_change_without_being_fresh(play):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        side.get("/change", accept=JSON)
        side.post("/change", json=GOOD)
        side.get("/fresh", accept=JSON)
        mails(side)

    play(story, on("changeable"))


def test_without_a_notice(play):
    def story(side):
        side.login()
        side.post("/change", json=GOOD)
        mails(side)

    play(story, on("changeable", send_password_change_email=False))


def test_with_csrf_tokens(play):
    def story(side):
        token = side.get("/login", accept=JSON).csrf()
        side.login(csrf_token=token)
        side.post("/change", json=GOOD)
        side.post("/change", form=GOOD)
        page = side.get("/change")
        side.post("/change", form=dict(GOOD, csrf_token=page.csrf()))
        mails(side)
        side.get("/profile", accept=JSON)

    play(story, dict(on("changeable"), csrf={"enabled": True}))


def test_passwords_are_normalised(play):
    def story(side):
        side.login()
        side.post("/change", json=dict(GOOD, new_password="ﬁne battery", new_password_confirm="ﬁne battery"))
        body = {"password": "fine battery", "new_password": "other battery", "new_password_confirm": "other battery"}
        side.post("/change", json=body)
        mails(side)

    play(story, on("changeable"))


@pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])
def test_a_change_is_seen_by_the_other(shared, made, used):
    sides = shared(on("changeable"))
    a, b = sides[made], sides[used]
    a.login()
    b.client.jar = dict(a.client.jar)
    held = b.browser()
    b.login(client=held, remember=True)
    assert b.post("/change", json=GOOD).status == 200
    a.client.jar = dict(b.client.jar)
    assert a.get("/profile", accept=JSON).status == 200
    for side in (a, b):
        client = side.browser()
        client.jar = dict(held.jar)
        assert client.get("/profile", accept=JSON).status == 401
        assert side.browser().post("/login", json={"email": "joe@lp.com", "password": "battery staple"}).status == 200
