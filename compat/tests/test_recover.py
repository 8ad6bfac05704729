"""A forgotten password: asking for the mail, its page, the new password, and links that must do nothing."""

import pytest
from letters import JSON, lines, link, mails, note_user, on, secrets, sent, user

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
JOE = {"email": "joe@lp.com"}
GOOD = {"password": "battery staple", "password_confirm": "battery staple"}
ASKING = {
    "right": JOE,
    "other case": {"email": "JOE@lp.com"},
    "spaces": {"email": " joe@lp.com "},
    "domain in capitals": {"email": "joe@LP.com"},
    "unknown": {"email": "nobody@lp.com"},
    "inactive": {"email": "tiya@lp.com"},
    "without password": {"email": "jess@lp.com"},
    "empty": {"email": ""},
    "blank": {"email": "  "},
    "nothing": {},
    "no address": {"email": "joe"},
    "username": {"email": "matt"},
    "number": {"email": 7},
    "list": {"email": ["joe@lp.com"]},
}
SETTING = {
    "right": GOOD,
    "the old one": {"password": "password", "password_confirm": "password"},
    "different": dict(GOOD, password_confirm="battery stapler"),
    "not repeated": {"password": "battery staple"},
    "repeated only": {"password_confirm": "battery staple"},
    "empty": {"password": "", "password_confirm": ""},
    "nothing": {},
    "blank": {"password": "         ", "password_confirm": "         "},
    "short": {"password": "short", "password_confirm": "short"},
    "short and different": {"password": "short", "password_confirm": "shorter"},
    "long": {"password": "p" * 129, "password_confirm": "p" * 129},
    "number": {"password": 1234567890, "password_confirm": 1234567890},
    "beyond ASCII": {"password": "pässwörter", "password_confirm": "pässwörter"},
    "unknown field": dict(GOOD, email="matt@lp.com"),
}


def _ask(side, email="joe@lp.com"):
    assert side.browser().post("/reset", json={"email": email}).status == 200
    (mail,) = mails(side)
    return link(mail)


@STYLES
@pytest.mark.parametrize("name", ASKING)
def test_asking(play, style, name):
    if style != "json" and name in ("number", "list"):
        pytest.skip("a form has texts only")

    def story(side):
        sent(side, style, "/reset", ASKING[name])
        mails(side)
        note_user(side, "joe@lp.com")
        side.get("/")

    story.label = f"ask for a reset {style}: {name}"
    play(story, on("recoverable"))


def test_pages(play):
    def story(side):
        side.get("/reset")
        side.get("/reset", accept=JSON)
        side.get("/reset?next=/page1")
        side.post("/reset")
        side.post("/reset", json={})
        side.send("PUT", "/reset")
        side.login()
        side.get("/reset")
        side.get("/reset", accept=JSON)
        side.post("/reset", json=JOE)
        side.post("/reset", form={"email": "matt@lp.com"})
        mails(side)

    play(story, on("recoverable"))


@STYLES
@pytest.mark.parametrize("name", SETTING)
def test_setting(play, style, name):
    if style != "json" and name == "number":
        pytest.skip("a form has texts only")

    def story(side):
        path = _ask(side)
        side.get(path)
        before = secrets(side, "joe@lp.com")
        sent(side, style, path, SETTING[name])
        after = secrets(side, "joe@lp.com")
        side.note("replaced", [old != new for old, new in zip(before, after)])
        mails(side)
        note_user(side, "joe@lp.com")
        side.get("/profile", accept=JSON)
        for password in ("password", "battery staple"):
            side.browser().post("/login", json=dict(JOE, password=password))

    story.label = f"reset {style}: {name}"
    play(story, on("recoverable"))


@STYLES
@pytest.mark.parametrize("view", ["", "/post_reset"])
def test_signed_in_afterwards(play, style, view):
    def story(side):
        path = _ask(side)
        sent(side, style, f"{path}?include_auth_token", GOOD)
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get("/")
        mails(side)

    story.label = f"reset and in, {style} {view}"
    changes = {"post_reset_view": view} if view else {}
    play(story, on("recoverable", "trackable", auto_login_after_reset=True, **changes))


@pytest.mark.parametrize("view", ["/post_reset", "post_reset", ".login"])
def test_view_afterwards(play, view):
    def story(side):
        path = _ask(side)
        side.post(path, form=GOOD)
        side.get("/")

    story.label = f"reset, view {view}"
    play(story, on("recoverable", post_reset_view=view))


def test_everything_signed_in_ends(play):
    def story(side):
        other = side.browser()
        side.login(client=other, remember=True)
        token = side.token()
        first = _ask(side)
        second = _ask(side)
        side.post(second, json=GOOD)
        other.get("/profile", accept=JSON)
        other.drop("session")
        other.get("/profile", accept=JSON)
        side.browser().get("/token", token=token, accept=JSON)
        side.get(first)
        side.post(first, json=GOOD)
        mails(side)

    play(story, on("recoverable"))


def test_used_links(play):
    def story(side):
        path = _ask(side)
        side.post(path, json=GOOD)
        for style in ("json", "form", "form for json"):
            sent(side, style, path, dict(password="another staple", password_confirm="another staple"))
        side.get(path)
        side.get(path, accept=JSON)
        side.get("/")
        mails(side)

    play(story, on("recoverable"))


def test_bad_links(play):
    def story(side):
        path = _ask(side)
        for bad in ("/reset/x", "/reset/" + "a" * 300, path[:-1], path + "x", "/reset/%00", "/reset/a.b.c"):
            side.client = side.browser()
            side.get(bad)
            side.get("/")
            side.post(bad, json=GOOD)
            side.post(bad, form=GOOD)
            side.post(bad, form=GOOD, accept=JSON)
        side.execute("UPDATE user SET fs_uniquifier = 'ffffffffffffffffffffffffffffffff' WHERE email = 'joe@lp.com'")
        side.get(path)
        side.post(path, json=GOOD)
        note_user(side, "joe@lp.com")

    play(story, on("recoverable"))


def test_first_password_of_a_user_without(play):
    def story(side):
        path = _ask(side, "jess@lp.com")
        side.get(path)
        side.post(path, json=GOOD)
        note_user(side, "jess@lp.com")
        side.post(path, json=GOOD)
        mails(side)
        side.login("jess@lp.com", GOOD["password"])

    play(story, on("recoverable"))


def test_expired_links(play):
    def story(side):
        path = _ask(side)
        side.get(path)
        side.get("/")
        side.post(path, json=GOOD)
        side.post(path, form=GOOD)
        side.get("/")
        note_user(side, "joe@lp.com")

    play(story, on("recoverable", reset_password_within=-1))


def test_following_while_signed_in(play):
    def story(side):
        path = _ask(side)
        side.login("matt@lp.com")
        side.get(path)
        side.post(path, form=GOOD)
        side.get("/profile")
        mails(side)

    play(story, on("recoverable"))
    story.label = "reset while signed in, auto login"
    play(story, on("recoverable", auto_login_after_reset=True))


def test_unconfirmed(play):
    def story(side):
        for style in ("json", "form"):
            side.client = side.browser()
            sent(side, style, "/reset", JOE)
        mails(side)
        side.execute("UPDATE user SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE email = 'joe@lp.com'")
        side.post("/reset", json=JOE)
        mails(side)

    play(story, on("recoverable", "confirmable"))
    play(story, on("recoverable", "confirmable", requires_confirmation_error_view="/confirm"))
    play(story, on("recoverable", "confirmable", login_without_confirmation=True))


def test_unconfirmed_meanwhile(play):
    def story(side):
        side.execute("UPDATE user SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE email = 'joe@lp.com'")
        path = _ask(side)
        side.post(path, form=GOOD)
        side.get("/profile", accept=JSON)

    play(story, on("recoverable", "confirmable", auto_login_after_reset=True))


def test_without_mails(play):
    def story(side):
        side.post("/reset", json=JOE)
        side.browser().post("/reset", form=JOE)
        mails(side)

    play(story, on("recoverable", send_password_reset_email=False))

    def story(side):
        path = _ask(side)
        side.post(path, json=GOOD)
        mails(side)
        note_user(side, "joe@lp.com")

    story.label = "reset without a notice"
    play(story, on("recoverable", send_password_reset_notice_email=False))


def test_with_csrf_tokens(play):
    def story(side):
        side.post("/reset", json=JOE)
        side.browser().post("/reset", form=JOE)
        mails(side)
        side.post("/reset", form=dict(JOE, csrf_token=side.get("/reset").csrf()))
        (mail,) = mails(side)
        path = link(mail)
        side.client = side.browser()
        page = side.get(path)
        side.post(path, json=GOOD)
        side.post(path, form=GOOD)
        side.post(path, form=dict(GOOD, csrf_token=page.csrf()))
        mails(side)

    play(story, dict(on("recoverable"), csrf={"enabled": True}))


@pytest.mark.parametrize("password", ["joe@lp.com", "password1", "newnewnew", "correct horse staple"])
def test_strength(play, password):
    pytest.importorskip("zxcvbn")

    def story(side):
        path = _ask(side)
        side.post(path, json={"password": password, "password_confirm": password})
        mails(side)

    story.label = f"reset strength {password}"
    play(story, on("recoverable", password_complexity_checker="zxcvbn", password_length_min=6))


def test_lines_of_the_mail(play):
    def story(side):
        side.post("/account/reset/", json=JOE)
        (mail,) = mails(side)
        found = lines(mail)
        assert list(found) == ["Link", "Email", "Token", "RegisterBlueprint", "SecurityConfig", "Within"]
        assert found["Link"] == f"http://localhost/account/reset/{found['Token']}/"
        assert (found["Email"], found["SecurityConfig"], found["Within"]) == ("joe@lp.com", "/reset/", "1 hour and 30 minutes")
        side.get(link(mail))
        side.post(link(mail), json=GOOD)

    play(story, on("recoverable", reset_password_within=5400, reset_url="/reset/", url_prefix="/account"))


@pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])
def test_links_go_to_and_fro(shared, made, used):
    sides = shared(on("recoverable"))
    a, b = sides[made], sides[used]
    a.mail.take(), b.mail.take()
    a.login(client=(held := a.browser()))
    for email in ("joe@lp.com", "jess@lp.com"):
        a.mail.take()
        path = _ask(a, email)
        assert b.get(path).status == 200
        before = secrets(a, email)
        assert b.post(path, json=GOOD).status == 200
        after = secrets(a, email)
        assert before[0] != after[0] and before[1] != after[1]
        for side in (a, b):
            assert side.browser().post("/login", json={"email": email, "password": "battery staple"}).status == 200
            assert side.browser().post("/login", json={"email": email, "password": "password"}).status == 400
            assert side.post(path, json=GOOD).status == 400
    assert held.get("/profile", accept=JSON).status == 401
    assert user(a, "joe@lp.com")["password"] == ["argon2id", "v=19", "m=64,t=1,p=1"]
