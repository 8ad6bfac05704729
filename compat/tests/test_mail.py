"""The mails themselves: parts, subjects, senders, absolute links, overridden templates, and a mail server that is away."""

import pytest
from letters import JSON, SIGNED, SUBJECTS, lines, link, links, mails, note_user, on

NEW = {"email": "new@lp.com", "password": "battery staple", "password_confirm": "battery staple"}
CHANGED = {"password": "password", "new_password": "battery staple", "new_password_confirm": "battery staple"}
ALL = ("registerable", "confirmable", "recoverable", "changeable", "change_email", "change_username", "username_enable", "username_recovery")
# Each mail by its subject: what brings it about.
OCCASIONS = {
    "email_subject_register": lambda side: side.post("/register", json=NEW),
    "email_subject_confirm": lambda side: side.post("/confirm", json={"email": "joe@lp.com"}),
    "email_subject_password_reset": lambda side: side.post("/reset", json={"email": "joe@lp.com"}),
    "email_subject_username_recovery": lambda side: side.post("/recover-username", json={"email": "joe@lp.com"}),
    "email_subject_username_change_notice": lambda side: _in(side).post("/change-username", json={"username": "joseph"}),
    "change_email_subject": lambda side: _in(side).post("/change-email", json={"email": "joseph@lp.com"}),
    "email_subject_password_change_notice": lambda side: _in(side).post("/change", json=CHANGED),
    "email_subject_password_notice": lambda side: _reset(side),
}


def _in(side):
    side.login()
    return side


def _reset(side):
    side.post("/reset", json={"email": "joe@lp.com"})
    (mail,) = mails(side)
    side.browser().post(link(mail), json={"password": "battery staple", "password_confirm": "battery staple"})


def everything(**more):
    return on(*ALL, login_without_confirmation=True, **more)


@pytest.mark.parametrize("subject", OCCASIONS)
@pytest.mark.parametrize("parts", ["both", "text", "html"])
def test_parts(play, subject, parts):
    def story(side):
        OCCASIONS[subject](side)
        (mail,) = mails(side)
        assert mail["subject"] == SUBJECTS[subject]
        assert (bool(mail["text"]), bool(mail["html"])) == (parts != "html", parts != "text")

    story.label = f"mail {subject}, {parts}"
    play(story, everything(email_plaintext=parts != "html", email_html=parts != "text"))


@pytest.mark.parametrize("subject", OCCASIONS)
def test_built_in_templates(play, subject):
    """Prose is free; recipient, subject and links are not."""
    built_in = {
        "email_template_confirm": "security/email/confirmation_instructions",
        "email_template_password_reset": "security/email/reset_instructions",
        "change_email_email_template": "security/email/change_email_instructions",
    }

    def story(side):
        OCCASIONS[subject](side)
        (mail,) = side.mail.take()
        side.note("mail", {key: mail[key] for key in ("to", "from", "subject")})
        for kind in ("text", "html"):
            found = [SIGNED.sub("<signed>", address) for address in links(mail[kind]) if SIGNED.search(address)]
            side.note(f"links of {kind}", sorted(set(found)))

    story.label = f"built-in mail {subject}"
    play(story, everything(**built_in))


@pytest.mark.parametrize("sender", ["someone@lp.com", ["Some One", "someone@lp.com"]])
@pytest.mark.parametrize("where", ["mail", "security"])
def test_sender(play, sender, where):
    def story(side):
        side.post("/reset", json={"email": "joe@lp.com"})
        mails(side)

    story.label = f"sender {sender} in {where}"
    changes = on("recoverable")
    if where == "mail":
        changes["mail"] = {"default_sender": sender}
    else:
        changes["security"]["email_sender"] = sender
    play(story, changes)


@pytest.mark.parametrize(
    "how",
    ["port", "https behind a proxy", "mounted", "server name"],
)
def test_links_are_absolute(play, how):
    changes = everything()
    headers = {"X-Forwarded-Proto": "https"} if how == "https behind a proxy" else {}
    if how == "mounted":
        changes["application_root"] = "/app"
    if how == "server name":
        changes["server_name"] = "lp.com"
    root = "/app" if how == "mounted" else ""

    def story(side):
        client = side.browser(host={"port": "localhost:8080", "server name": "lp.com"}.get(how, "localhost"))
        for path, body in (("/register", NEW), ("/confirm", {"email": "joe@lp.com"}), ("/reset", {"email": "joe@lp.com"})):
            client.post(root + path, json=body, headers=headers)
            client.jar.clear()
        taken = mails(side)
        assert len(taken) == 3
        client.get(link(taken[1]), headers=headers)
        client.get(link(taken[2]), headers=headers)
        note_user(side, "joe@lp.com")

    story.label = f"links with {how}"
    play(story, changes)


def test_templates_that_are_not_overridden_in_html(play):
    """Only the text of the welcome is the testbed's; its HTML part is each library's own."""

    def story(side):
        side.post("/register", json=NEW)
        (mail,) = mails(side)
        assert "RegisterBlueprint" not in mail["html"]
        assert lines(mail)["RegisterBlueprint"] == "True"
        token = lines(mail)["Token"]
        assert f"http://localhost/confirm/{token}" in mail["html"]

    play(story, everything())


def test_templates_that_settings_select(play):
    def story(side):
        side.post("/reset", json={"email": "joe@lp.com"})
        (mail,) = mails(side)
        found = lines(mail)
        # The built-in text follows, and has the link as well.
        rest = mail["text"].partition("Within:")[2]
        assert found["Link"] in rest and found["Within"] in rest

    play(story, everything(reset_password_within=5400))


@pytest.mark.parametrize("setting", ["email_subject_password_reset", "email_subject_register", "change_email_subject"])
@pytest.mark.parametrize("subject", ["Grüße 😀", "a" * 150, "50% off: %(name)s", "{{ 7*7 }} {% if %}", "<b>&amp;"])
def test_subjects(play, setting, subject):
    def story(side):
        OCCASIONS[setting](side)
        (mail,) = mails(side)
        side.note("subject", mail["subject"])

    story.label = f"subject {setting}: {subject[:20]}"
    play(story, everything(**{setting: subject}))


@pytest.mark.parametrize("name", ["o'brien+x@lp.com", "a&b@lp.com", "x{{7*7}}@lp.com", "new@bücher.de"])
def test_recipients(play, name):
    def story(side):
        side.post("/register", json=dict(NEW, email=name))
        (mail,) = mails(side)
        side.get(link(mail))
        note_user(side, name)

    story.label = f"mail to {name}"
    play(story, everything())


def test_the_flask_profile_sends_before_the_reply(ours):
    side = ours(everything())
    for _ in range(5):
        side.mail.take()
        assert side.post("/reset", json={"email": "joe@lp.com"}).status == 200
        assert len(side.mail.mails) == 1, "the mail must be there when the reply is"


def test_a_server_that_is_away(play):
    """The account is there all the same, and signs in, although the mail could not go out."""
    def story(side):
        side.post("/register", json=NEW)
        side.login("new@lp.com", NEW["password"], client=side.browser())
        note_user(side, "new@lp.com")
        side.post("/reset", json={"email": "joe@lp.com"})
        side.browser().post("/reset", form={"email": "joe@lp.com"})
        side.login(client=side.browser())

    changes = everything()
    # The sink listens at another address.
    changes["mail"] = {"server": "127.0.0.2"}
    play(story, changes)


def test_no_password_in_mails_and_replies(play):
    """No mail, no reply holds a password or its hash."""

    def story(side):
        client = side.browser()
        client.post("/register", json=NEW)
        side.post("/reset", json={"email": "new@lp.com"})
        rows = side.query("SELECT password FROM user WHERE email = 'new@lp.com'")
        for mail in side.mail.take():
            for kind in ("text", "html"):
                assert NEW["password"] not in mail[kind] and rows[0][0] not in mail[kind]
        for _, seen in side.steps:
            assert NEW["password"] not in repr(seen) and rows[0][0] not in repr(seen)
        side.get("/profile", accept=JSON)

    play(story, everything())
