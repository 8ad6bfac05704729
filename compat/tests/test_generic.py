"""Generic replies: who has an account does not show, neither in the reply nor in what is mailed to strangers."""

import pytest
from letters import JSON, mails, note_user, on, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
ALL = ("registerable", "confirmable", "recoverable", "username_enable", "return_generic_responses")
ADDRESSES = {
    "known": "joe@lp.com",
    "known, other case": "JOE@lp.com",
    "confirmed": "matt@lp.com",
    "unknown": "nobody@lp.com",
    "inactive": "tiya@lp.com",
    "no address": "joe",
    "empty": "",
    "spaces": " joe@lp.com ",
}
NEW = {"password": "battery staple", "password_confirm": "battery staple"}
REGISTERING = {
    "new": dict(NEW, email="new@lp.com", username="newname"),
    "new without username": dict(NEW, email="new@lp.com"),
    "known": dict(NEW, email="jill@lp.com"),
    "known, other case": dict(NEW, email="JILL@lp.com"),
    "known with a new username": dict(NEW, email="jill@lp.com", username="newname"),
    "known with own username": dict(NEW, email="jill@lp.com", username="jill"),
    "known with another's username": dict(NEW, email="jill@lp.com", username="dave"),
    "known, confirmed": dict(NEW, email="matt@lp.com"),
    "known, inactive": dict(NEW, email="tiya@lp.com"),
    "new with a taken username": dict(NEW, email="new@lp.com", username="dave"),
    "known and short": {"email": "jill@lp.com", "password": "short", "password_confirm": "short"},
    "known and different": dict(NEW, email="jill@lp.com", password_confirm="battery"),
    "known and a bad username": dict(NEW, email="jill@lp.com", username="<b>"),
    "new and short": {"email": "new@lp.com", "password": "short", "password_confirm": "short"},
    "no address": dict(NEW, email="new"),
    "nothing": {},
}


def _confirm_matt(side):
    side.execute("UPDATE user SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE email = 'matt@lp.com'")


@STYLES
@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("path", ["/confirm", "/reset"])
def test_asking_for_a_link(play, style, name, path):
    def story(side):
        _confirm_matt(side)
        sent(side, style, path, {"email": ADDRESSES[name]})
        mails(side)
        side.get("/")

    story.label = f"generic {path} {style}: {name}"
    play(story, on(*ALL))


@STYLES
@pytest.mark.parametrize("name", REGISTERING)
def test_registering(play, style, name):
    def story(side):
        _confirm_matt(side)
        sent(side, style, "/register", REGISTERING[name])
        mails(side)
        note_user(side, "new@lp.com")
        side.note_rows("how many", "SELECT count(*) FROM user")
        side.get("/")

    story.label = f"generic register {style}: {name}"
    play(story, on(*ALL))


@STYLES
@pytest.mark.parametrize("name", ["new", "known", "new with a taken username"])
def test_registering_without_confirmation(play, style, name):
    def story(side):
        sent(side, style, "/register", REGISTERING[name])
        mails(side)
        side.get("/profile", accept=JSON)

    story.label = f"generic register, at once, {style}: {name}"
    play(story, on("registerable", "recoverable", "username_enable", "return_generic_responses"))


@STYLES
@pytest.mark.parametrize("name", ADDRESSES)
def test_recovering_a_username(play, style, name):
    def story(side):
        sent(side, style, "/recover-username", {"email": ADDRESSES[name]})
        mails(side)
        side.get("/")

    story.label = f"generic recover username {style}: {name}"
    play(story, on("username_recovery", "username_enable", "return_generic_responses"))


@STYLES
@pytest.mark.parametrize("email", ["joseph@lp.com", "matt@lp.com", "MATT@lp.com", "joe@lp.com", "joseph", ""])
def test_changing_the_address(play, style, email):
    def story(side):
        side.login()
        sent(side, style, "/change-email", {"email": email})
        mails(side)
        side.get("/")

    story.label = f"generic change email {style}: {email}"
    play(story, on("change_email", "return_generic_responses"))


@STYLES
@pytest.mark.parametrize("name", ["known", "known, other case", "confirmed"])
def test_passwordless(play, style, name):
    def story(side):
        sent(side, style, "/login", {"email": ADDRESSES[name]})
        mails(side)

    story.label = f"generic passwordless {style}: {name}"
    play(story, on("passwordless", "return_generic_responses"))


def test_csrf_tokens_still_matter(play):
    def story(side):
        for path in ("/confirm", "/reset"):
            for email in ("joe@lp.com", "nobody@lp.com"):
                side.post(path, json={"email": email})
                side.browser().post(path, form={"email": email})
        mails(side)

    play(story, dict(on(*ALL), csrf={"enabled": True}))


@pytest.mark.parametrize("path", ["/confirm", "/reset", "/recover-username", "/register", "/login"])
@pytest.mark.parametrize("style", ["json", "form"])
@pytest.mark.parametrize("word", ["battery staple", "short"])
def test_replies_are_alike(ours, path, style, word):
    """Asked of Lychgate alone: nothing but tokens and what was typed may differ."""
    more = {"passwordless": path == "/login"}
    side = ours(on(*ALL, "username_recovery", login_without_confirmation=True, **more))
    replies = []
    for email in ("nobody1@lp.com", "joe@lp.com", "JOE@lp.com", "tiya@lp.com"):
        client = side.browser()
        reply = sent_by(client, style, path, dict(email=email, password=word, password_confirm=word))
        shown = side.normal.reply(reply)
        replies.append(repr(shown).replace(email, "<address>"))
    assert len(set(replies)) == 1, "\n".join(replies)


def sent_by(client, style, path, body):
    return client.post(path, json=body) if style == "json" else client.post(path, form=body)
