"""Moving an account to another address: asking, the link that goes there, and links that must do nothing."""

import pytest
from letters import JSON, lines, link, mails, note_user, on, sent, user

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
NEW = {"email": "joseph@lp.com"}
BODIES = {
    "right": NEW,
    "domain in capitals": {"email": "Joseph@LP.com"},
    "spaces": {"email": " joseph@lp.com "},
    "own": {"email": "joe@lp.com"},
    "own, other case": {"email": "JOE@lp.com"},
    "taken": {"email": "matt@lp.com"},
    "taken, other case": {"email": "MATT@lp.com"},
    "taken by somebody inactive": {"email": "tiya@lp.com"},
    "no address": {"email": "joseph"},
    "single label": {"email": "joseph@localhost"},
    "empty": {"email": ""},
    "blank": {"email": " "},
    "nothing": {},
    "number": {"email": 7},
    "unknown field": dict(NEW, user_id="1"),
}


def _ask(side, email="joseph@lp.com"):
    assert side.post("/change-email", json={"email": email}).status == 200
    (mail,) = mails(side)
    return link(mail)


@STYLES
@pytest.mark.parametrize("name", BODIES)
def test_asking(play, style, name):
    if style != "json" and name == "number":
        pytest.skip("a form has texts only")

    def story(side):
        side.login()
        sent(side, style, "/change-email", BODIES[name])
        mails(side)
        note_user(side, "joe@lp.com")
        side.get("/")

    story.label = f"ask to change the address {style}: {name}"
    play(story, on("change_email"))


def test_pages(play):
    def story(side):
        side.get("/change-email")
        side.get("/change-email", accept=JSON)
        side.post("/change-email", json=NEW)
        side.post("/change-email", form=NEW)
        side.login()
        side.get("/change-email")
        side.get("/change-email", accept=JSON)
        side.post("/change-email")
        side.post("/change-email", json={})
        side.send("PUT", "/change-email")
        mails(side)

    play(story, on("change_email"))


@pytest.mark.parametrize("view", ["", "/page1", "page_1"])
@pytest.mark.parametrize("where", ["same browser", "elsewhere", "other user"])
def test_following(play, view, where):
    def story(side):
        side.login()
        path = _ask(side)
        if where == "elsewhere":
            side.client = side.browser()
        elif where == "other user":
            side.client = side.browser()
            side.login("matt@lp.com")
        side.get(path)
        note_user(side, "joe@lp.com")
        note_user(side, "joseph@lp.com")
        side.get("/")
        side.get("/profile", accept=JSON)
        side.get(path)
        side.get("/")
        mails(side)
        side.login("joseph@lp.com", client=side.browser())
        side.browser().post("/login", json={"email": "joe@lp.com", "password": "password"})

    story.label = f"follow to change the address, {where}, view {view}"
    changes = {"post_change_email_view": view} if view else {}
    play(story, on("change_email", **changes))


def test_following_for_json(play):
    def story(side):
        side.login()
        side.get(_ask(side), accept=JSON)
        side.note_rows("row", "SELECT email FROM user WHERE username = 'joe'")

    play(story, on("change_email"))


def test_bad_links(play):
    def story(side):
        side.login()
        path = _ask(side)
        for bad in ("/change-email/x", "/change-email/" + "a" * 300, path[:-1], path + "x", "/change-email/%00"):
            side.get(bad)
            side.get("/")
            side.browser().get(bad)
        side.get("/change-email/x", accept=JSON)
        side.execute("UPDATE user SET fs_uniquifier = 'ffffffffffffffffffffffffffffffff' WHERE email = 'joe@lp.com'")
        side.browser().get(path)
        note_user(side, "joe@lp.com")

    play(story, on("change_email"))
    play(story, on("change_email", change_email_error_view="/page1"))


def test_taken_meanwhile(play):
    def story(side):
        side.login()
        path = _ask(side)
        side.execute("UPDATE user SET email = 'joseph@lp.com' WHERE email = 'matt@lp.com'")
        side.get(path)
        note_user(side, "joe@lp.com")
        side.get("/")

    play(story, on("change_email"))


def test_a_link_for_an_earlier_address(play):
    def story(side):
        side.login()
        path = _ask(side)
        side.execute("UPDATE user SET email = 'other@lp.com' WHERE email = 'joe@lp.com'")
        side.get(path)
        note_user(side, "other@lp.com")
        note_user(side, "joseph@lp.com")

    play(story, on("change_email"))


def test_expired_links(play):
    def story(side):
        side.login()
        path = _ask(side)
        side.get(path)
        side.get("/")
        note_user(side, "joe@lp.com")

    play(story, on("change_email", change_email_within=-1))
    play(story, on("change_email", change_email_within=-1, change_email_error_view="/page1"))


def test_only_fresh_sessions(play):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        side.get("/change-email")
        side.get("/change-email", accept=JSON)
        side.post("/change-email", json=NEW)
        side.post("/change-email", form=NEW)
        mails(side)

    play(story, on("change_email"))


def test_by_token(play):
    def story(side):
        token = side.token()
        side.get("/change-email", accept=JSON, token=token)
        side.post("/change-email", json=NEW, token=token)
        mails(side)

    play(story, on("change_email"))


def test_confirmation_comes_with_it(play):
    def story(side):
        side.login()
        path = _ask(side)
        side.get(path)
        note_user(side, "joseph@lp.com")
        side.browser().post("/confirm", json={"email": "joseph@lp.com"})
        mails(side)

    play(story, on("change_email", "confirmable", login_without_confirmation=True))


def test_with_csrf_tokens(play):
    def story(side):
        side.login(csrf_token=side.get("/login", accept=JSON).csrf())
        side.post("/change-email", json=NEW)
        side.post("/change-email", form=NEW)
        mails(side)
        side.post("/change-email", form=dict(NEW, csrf_token=side.get("/change-email").csrf()))
        (mail,) = mails(side)
        side.browser().get(link(mail))
        note_user(side, "joseph@lp.com")

    play(story, dict(on("change_email"), csrf={"enabled": True}))


def test_lines_of_the_mail(play):
    def story(side):
        side.login()
        side.post("/change-email", json=NEW)
        (mail,) = mails(side)
        found = lines(mail)
        assert list(found) == ["Link", "Email", "Token", "RegisterBlueprint", "Within"]
        assert found["Link"] == f"http://localhost/change-email/{found['Token']}"
        assert (mail["to"], found["Email"], found["Within"]) == (["joseph@lp.com"], "joe@lp.com", "2 hours")

    play(story, on("change_email"))


@pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])
def test_links_go_to_and_fro(shared, made, used):
    sides = shared(on("change_email"))
    a, b = sides[made], sides[used]
    a.mail.take(), b.mail.take()
    a.login()
    path = _ask(a)
    assert b.browser().get(path).status == 302
    assert user(a, "joseph@lp.com")["confirmed_at"] == "<now>"
    for side in (a, b):
        assert side.browser().post("/login", json={"email": "joseph@lp.com", "password": "password"}).status == 200
        assert side.browser().post("/login", json={"email": "joe@lp.com", "password": "password"}).status == 400
    assert a.get("/profile", accept=JSON).status == 200
