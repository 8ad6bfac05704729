"""Registration: every check, by JSON and by form, the mail, the row, and who is signed in afterwards."""

import pytest
from letters import JSON, link, lines, mails, note_user, on, sent

NEW = {"email": "new@lp.com", "password": "battery staple", "password_confirm": "battery staple"}
STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])


def but(**changes):
    """The good body with other values; None leaves a field out."""
    body = dict(NEW, **changes)
    return {key: value for key, value in body.items() if value is not None}


BODIES = {
    "right": NEW,
    "domain in capitals": but(email="New@LP.Com"),
    "spaces around the address": but(email=" new@lp.com "),
    "taken": but(email="joe@lp.com"),
    "taken, other case": but(email="JOE@lp.com"),
    "taken by somebody inactive": but(email="tiya@lp.com"),
    "no address": but(email=None),
    "empty address": but(email=""),
    "not an address": but(email="new"),
    "single label domain": but(email="new@localhost"),
    "special domain": but(email="new@lp.test"),
    "quoted local part": but(email='"new"@lp.com'),
    "address literal": but(email="new@[127.0.0.1]"),
    "plus in the address": but(email="new+tag@lp.com"),
    "international domain": but(email="new@bücher.de"),
    "international domain in ASCII": but(email="new@xn--bcher-kva.de"),
    "no password": but(password=None, password_confirm=None),
    "empty password": but(password="", password_confirm=""),
    "blank password": but(password="         ", password_confirm="         "),
    "short password": but(password="short", password_confirm="short"),
    "seven characters": but(password="sevench", password_confirm="sevench"),
    "eight characters": but(password="eightchr", password_confirm="eightchr"),
    "128 characters": but(password="p" * 128, password_confirm="p" * 128),
    "129 characters": but(password="p" * 129, password_confirm="p" * 129),
    "password of letters beyond ASCII": but(password="pässwörter", password_confirm="pässwörter"),
    "passwords differ": but(password_confirm="battery stapler"),
    "passwords differ in normalisation": but(password="ﬁne battery", password_confirm="fine battery"),
    "not repeated": but(password_confirm=None),
    "repeated empty": but(password_confirm=""),
    "short and not repeated": but(password="short", password_confirm=None),
    "everything wrong": {"email": "joe", "password": "a", "password_confirm": "b", "next": "http://evil.example/"},
    "taken and short": but(email="joe@lp.com", password="short", password_confirm="short"),
    "nothing": {},
    "good next": but(next="/page1"),
    "foreign next": but(next="http://evil.example/"),
    "unknown fields": but(colour="red", submit="yes"),
    "fields of the table": but(active="0", fs_uniquifier="mine", id="1", security_number="5", confirmed_at="2020-01-01"),
    "username where there is none": but(username="newname"),
    "list": but(email=["new@lp.com", "other@lp.com"]),
    "number as password": but(password=1234567890, password_confirm=1234567890),
    "null as password": dict(NEW, password=None, password_confirm=None),
}


def _after(side, body, mailed=True):
    mails(side)
    for email in ("new@lp.com", "New@lp.com", "new@bücher.de"):
        note_user(side, email)
    side.note_rows("how many", "SELECT count(*) FROM user")
    side.get("/profile", accept=JSON)
    side.get("/")


@STYLES
@pytest.mark.parametrize("name", BODIES)
def test_bodies(play, style, name):
    if style != "json" and name in ("list", "number as password", "null as password"):
        pytest.skip("a form has texts only")

    def story(side):
        sent(side, style, "/register", BODIES[name])
        _after(side, BODIES[name])

    story.label = f"register {style}: {name}"
    play(story, on("registerable"))


@STYLES
@pytest.mark.parametrize("name", ["right", "taken", "nothing", "good next"])
def test_bodies_with_confirmation(play, style, name):
    def story(side):
        sent(side, style, "/register", BODIES[name])
        _after(side, BODIES[name])
        if name in ("right", "good next"):
            body = {"email": "new@lp.com", "password": NEW["password"]}
            side.browser().post("/login", json=body)

    story.label = f"register, to confirm, {style}: {name}"
    play(story, on("registerable", "confirmable"))


def test_pages(play):
    def story(side):
        side.get("/register")
        side.get("/register", accept=JSON)
        side.get("/register?next=/page1")
        side.send("HEAD", "/register")
        side.send("PUT", "/register")
        side.post("/register")
        side.post("/register", json={})
        side.login()
        side.get("/register")
        side.get("/register", accept=JSON)
        side.get("/register?next=/page1")
        side.post("/register", json=NEW)
        side.post("/register", form=NEW)
        mails(side)
        side.note_rows("how many", "SELECT count(*) FROM user")

    play(story, on("registerable"))


@pytest.mark.parametrize("place", ["form", "query", "both", "endpoint"])
def test_next(play, place):
    def story(side):
        query = "?next=/page1" if place in ("query", "both") else ""
        body = dict(NEW)
        if place in ("form", "both"):
            body["next"] = "/post_login"
        if place == "endpoint":
            body["next"] = "page_1"
        side.post(f"/register{query}", form=body)
        mails(side)

    story.label = f"register next in {place}"
    play(story, on("registerable"))
    play(story, on("registerable", post_register_view="/post_register"))
    play(story, on("registerable", "confirmable", post_register_view="/post_register", post_confirm_view="/post_confirm"))


def test_confirming_by_the_welcome_mail(play):
    def story(side):
        side.post("/register", json=NEW)
        (mail,) = mails(side)
        side.browser().post("/login", json={"email": NEW["email"], "password": NEW["password"]})
        side.get(link(mail))
        note_user(side, "new@lp.com")
        side.get(link(mail))
        side.get("/")
        side.login(NEW["email"], NEW["password"])
        mails(side)

    play(story, on("registerable", "confirmable"))


@STYLES
def test_signed_in_without_confirmation(play, style):
    def story(side):
        sent(side, style, "/register?include_auth_token", NEW)
        (mail,) = mails(side)
        note_user(side, "new@lp.com")
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get(link(mail))
        note_user(side, "new@lp.com")
        side.get("/profile", accept=JSON)

    story.label = f"register, confirm later, {style}"
    play(story, on("registerable", "confirmable", login_without_confirmation=True))


@STYLES
def test_the_token_and_tracking(play, style):
    def story(side):
        reply = sent(side, style, "/register?include_auth_token", NEW)
        note_user(side, "new@lp.com")
        if style != "form":
            side.browser().get("/token", token=reply.response["user"]["authentication_token"])
        side.get("/fresh")

    story.label = f"register with token {style}"
    play(story, on("registerable", "trackable"))


USERNAMES = {
    "none": None,
    "empty": "",
    "blank": "  ",
    "good": "newname",
    "spaces around": "  newname  ",
    "taken": "joe",
    "taken, other case": "JOE",
    "too short": "abc",
    "shortest": "abcd",
    "longest": "n" * 32,
    "too long": "n" * 33,
    "space inside": "new name",
    "markup": "<b>new</b>",
    "ampersand": "new&name",
    "at sign": "new@name",
    "underscore": "new_name",
    "compatibility letters": "ﬁnename",
    "combining": "ne\u0301wname",
    "digits": "12345",
    "number": 12345,
}


@pytest.mark.parametrize("style", ["json", "form"])
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("name", USERNAMES)
def test_usernames(play, style, required, name):
    if style == "form" and name == "number":
        pytest.skip("a form has texts only")
    if required and USERNAMES[name] not in (None, "", "  ", "newname"):
        pytest.skip("whether it has to be there concerns those who give none")

    def story(side):
        body = but(username=USERNAMES[name])
        sent(side, style, "/register", body)
        mails(side)
        note_user(side, "new@lp.com")

    story.label = f"register username {name}{', required' if required else ''}, {style}"
    play(story, on("registerable", "username_enable", username_required=required))


def test_page_with_username(play):
    def story(side):
        side.get("/register")
        side.get("/register", accept=JSON)
        side.post("/register", form={})

    play(story, on("registerable", "username_enable", username_required=True))
    play(story, on("registerable", "username_enable", username_required=False))


@pytest.mark.parametrize("style", ["json", "form"])
@pytest.mark.parametrize("name", ["right", "passwords differ", "not repeated", "repeated empty", "nothing"])
def test_password_once(play, style, name):
    def story(side):
        side.get("/register")
        sent(side, style, "/register", BODIES[name])
        _after(side, BODIES[name])

    story.label = f"register, password once, {style}: {name}"
    play(story, on("registerable", password_confirm_required=False))


@pytest.mark.parametrize("style", ["json", "form"])
@pytest.mark.parametrize("confirmable", [False, True])
@pytest.mark.parametrize("name", ["right", "passwords differ", "not repeated", "repeated empty", "nothing"])
def test_older_forms(play, style, confirmable, name):
    def story(side):
        side.get("/register")
        sent(side, style, "/register", BODIES[name])
        _after(side, BODIES[name])

    story.label = f"register, older form{', to confirm' if confirmable else ''}, {style}: {name}"
    play(story, on("registerable", confirmable=confirmable, use_register_v2=False))


def test_without_a_mail(play):
    def story(side):
        side.post("/register", json=NEW)
        mails(side)
        note_user(side, "new@lp.com")

    play(story, on("registerable", send_register_email=False))


@pytest.mark.parametrize("password", ["password1", "newnewnew", "tr0ub4dor&3 horse", "lpcomlpcom", "short"])
def test_strength(play, password):
    pytest.importorskip("zxcvbn")

    def story(side):
        for style in ("json", "form"):
            client = side.client = side.browser()
            client.post("/logout", json={})
            sent(side, style, "/register", dict(NEW, password=password, password_confirm=password, email=f"{style}@lp.com"))
            mails(side)

    story.label = f"register strength {password}"
    play(story, on("registerable", password_complexity_checker="zxcvbn", password_length_min=6))


def test_shortest_password_is_a_setting(play):
    def story(side):
        for length in (11, 12):
            side.client = side.browser()
            body = dict(NEW, email=f"n{length}@lp.com", password="p" * length, password_confirm="p" * length)
            side.post("/register", json=body)
            side.browser().post("/register", form=dict(body, email=f"f{length}@lp.com"))
            mails(side)

    play(story, on("registerable", password_length_min=12))


def test_with_csrf_tokens(play):
    def story(side):
        side.post("/register", json=NEW)
        side.browser().post("/register", form=NEW)
        mails(side)
        page = side.get("/register")
        side.post("/register", form=dict(NEW, csrf_token=page.csrf()))
        mails(side)
        client = side.browser()
        token = client.get("/register", accept=JSON).csrf()
        client.post("/register", json=dict(NEW, email="other@lp.com", csrf_token=token))
        mails(side)

    play(story, dict(on("registerable"), csrf={"enabled": True}))


def test_under_another_address(play):
    def story(side):
        side.get("/register")
        side.get("/api/join")
        side.post("/api/join", form=NEW)
        (mail,) = mails(side)
        note_user(side, "new@lp.com")
        side.get(link(mail))
        side.get("/")

    play(story, on("registerable", "confirmable", url_prefix="/api", register_url="/join", confirm_url="/sure/"))


def test_twice_in_one_browser(play):
    def story(side):
        side.post("/register", json=NEW)
        side.post("/register", json=dict(NEW, email="other@lp.com"))
        side.post("/logout", json={})
        side.post("/register", json=NEW)
        side.post("/register", json=dict(NEW, email="other@lp.com"))
        mails(side)
        side.get("/profile", accept=JSON)
        side.login("new@lp.com", NEW["password"], client=side.browser())

    play(story, on("registerable"))


def test_welcome_lines(play):
    def story(side):
        side.post("/register", json=NEW)
        (mail,) = mails(side)
        found = lines(mail)
        assert list(found) == ["Link", "Email", "Token", "RegisterBlueprint", "ExtraContext"]
        assert found["Link"] == f"http://localhost/confirm/{found['Token']}"
        assert (found["Email"], found["RegisterBlueprint"], found["ExtraContext"]) == ("new@lp.com", "True", "")

    play(story, on("registerable", "confirmable"))
