"""Changing one's username, and having it mailed."""

import pytest
from letters import JSON, mails, note_user, on, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
NAMES = {
    "good": "joseph",
    "spaces around": "  joseph  ",
    "too short": "jos",
    "shortest": "jose",
    "longest": "j" * 32,
    "too long": "j" * 33,
    "space inside": "joe seph",
    "markup": "<b>joseph</b>",
    "ampersand": "joe&seph",
    "script": "<script>alert(1)</script>",
    "at sign": "joe@seph",
    "underscore": "joe_seph",
    "dash": "joe-seph",
    "dot": "joe.seph",
    "digits": "12345",
    "emoji": "joseph😀",
    "accent": "joséph",
    "combining": "jose\u0301ph",
    "compatibility letters": "joseﬁ",
    "control": "jose\x07ph",
    "own": "jill",
    "own, other case": "JILL",
    "taken": "dave",
    "taken, other case": "DAVE",
    "number": 12345,
    "list": ["joseph"],
}
MAILED = {
    "right": {"email": "joe@lp.com"},
    "other case": {"email": "JOE@lp.com"},
    "spaces": {"email": " joe@lp.com "},
    "unknown": {"email": "nobody@lp.com"},
    "inactive": {"email": "tiya@lp.com"},
    "without password": {"email": "jess@lp.com"},
    "without username": {"email": "gene@lp.com"},
    "empty": {"email": ""},
    "nothing": {},
    "no address": {"email": "joe"},
    "number": {"email": 7},
}


@STYLES
@pytest.mark.parametrize("name", NAMES)
def test_changing(play, style, name):
    if style != "json" and name in ("number", "list"):
        pytest.skip("a form has texts only")

    def story(side):
        side.login("jill@lp.com")
        sent(side, style, "/change-username", {"username": NAMES[name]})
        mails(side)
        note_user(side, "jill@lp.com")
        side.get("/")
        side.browser().post("/login", json={"username": "joseph", "password": "password"})

    story.label = f"change username {style}: {name}"
    play(story, on("change_username", "username_enable"))


def test_pages(play):
    def story(side):
        side.get("/change-username")
        side.get("/change-username", accept=JSON)
        side.post("/change-username", json={"username": "joseph"})
        side.post("/change-username", form={"username": "joseph"})
        side.login()
        side.get("/change-username")
        side.get("/change-username", accept=JSON)
        side.send("PUT", "/change-username")
        mails(side)

    play(story, on("change_username", "username_enable"))


@pytest.mark.parametrize("style", ["json", "form"])
@pytest.mark.parametrize("name", ["empty", "blank", "nothing"])
def test_required(play, style, name):
    bodies = {"empty": {"username": ""}, "blank": {"username": "  "}, "nothing": {}}

    def story(side):
        side.login()
        sent(side, style, "/change-username", bodies[name])
        mails(side)
        note_user(side, "joe@lp.com")

    story.label = f"change username, required, {style}: {name}"
    play(story, on("change_username", "username_enable", username_required=True))


@pytest.mark.parametrize("view", ["/post_change_username", "page_1"])
def test_view_afterwards(play, view):
    def story(side):
        side.login()
        side.post("/change-username", form={"username": "joseph"})
        side.get("/")

    story.label = f"change username, view {view}"
    play(story, on("change_username", "username_enable", post_change_username_view=view))


def test_without_a_notice(play):
    def story(side):
        side.login()
        side.post("/change-username", json={"username": "joseph"})
        mails(side)

    play(story, on("change_username", "username_enable", send_username_change_email=False))


def test_only_fresh_sessions(play):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        side.get("/change-username")
        side.get("/change-username", accept=JSON)
        side.post("/change-username", json={"username": "joseph"})
        side.post("/change-username", form={"username": "joseph"})
        note_user(side, "joe@lp.com")
        mails(side)

    play(story, on("change_username", "username_enable"))


def test_by_token(play):
    def story(side):
        token = side.token()
        side.get("/change-username", accept=JSON, token=token)
        side.post("/change-username", json={"username": "joseph"}, token=token)
        note_user(side, "joe@lp.com")
        mails(side)

    play(story, on("change_username", "username_enable"))


def test_lengths_and_letters_are_settings(play):
    def story(side):
        side.login()
        for name in ("josephine", "jos", "joe seph", "joe-seph", "joe_seph", "12345"):
            side.post("/change-username", json={"username": name})
            mails(side)

    settings = {"username_min_length": 3, "username_max_length": 8}
    play(story, on("change_username", "username_enable", **settings))


def test_with_csrf_tokens(play):
    def story(side):
        side.login(csrf_token=side.get("/login", accept=JSON).csrf())
        side.post("/change-username", json={"username": "joseph"})
        side.post("/change-username", form={"username": "joseph"})
        side.post("/change-username", form={"username": "joseph", "csrf_token": side.get("/change-username").csrf()})
        note_user(side, "joe@lp.com")
        mails(side)

    play(story, dict(on("change_username", "username_enable"), csrf={"enabled": True}))


@STYLES
@pytest.mark.parametrize("name", MAILED)
def test_mailed(play, style, name):
    if style != "json" and name == "number":
        pytest.skip("a form has texts only")

    def story(side):
        side.execute("UPDATE user SET username = NULL WHERE email = 'gene@lp.com'")
        sent(side, style, "/recover-username", MAILED[name])
        for mail in mails(side):
            side.note("tells the name", "joe" in mail["text"].replace("joe@lp.com", ""))
        side.get("/")

    story.label = f"recover username {style}: {name}"
    play(story, on("username_recovery", "username_enable"))


def test_pages_of_recovery(play):
    def story(side):
        side.get("/recover-username")
        side.get("/recover-username", accept=JSON)
        side.post("/recover-username")
        side.post("/recover-username", json={})
        side.login()
        side.get("/recover-username")
        side.get("/recover-username", accept=JSON)
        side.post("/recover-username", json={"email": "joe@lp.com"})
        side.post("/recover-username", form={"email": "joe@lp.com"})
        mails(side)

    play(story, on("username_recovery", "username_enable"))


def test_recovery_of_somebody_unconfirmed(play):
    def story(side):
        for style in ("json", "form"):
            side.client = side.browser()
            sent(side, style, "/recover-username", {"email": "joe@lp.com"})
        mails(side)

    play(story, on("username_recovery", "username_enable", "confirmable"))
    play(story, on("username_recovery", "username_enable", "confirmable", requires_confirmation_error_view="/confirm"))


@pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])
def test_a_change_is_seen_by_the_other(shared, made, used):
    sides = shared(on("change_username", "username_enable"))
    a, b = sides[made], sides[used]
    a.login()
    assert a.post("/change-username", json={"username": "joﬁseph"}).status == 200
    b.client.jar = dict(a.client.jar)
    assert b.get("/change-username", accept=JSON).response["current_username"] == "jofiseph"
    assert b.browser().post("/login", json={"username": "jofiseph", "password": "password"}).status == 200
    assert b.browser().post("/login", json={"username": "joe", "password": "password"}).status == 400
