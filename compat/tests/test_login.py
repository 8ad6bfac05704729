"""Signing in by JSON and by form: every branch of the checks, the payloads, the cookies and the rows left behind."""

import pytest
from libpass_hashes import HASHES, hashed

JSON = "application/json"

BODIES = {
    "right": {"email": "joe@lp.com", "password": "password"},
    "case of the address": {"email": "JOE@LP.com", "password": "password"},
    "spaces around the address": {"email": " joe@lp.com ", "password": "password"},
    "remembered": {"email": "joe@lp.com", "password": "password", "remember": True},
    "unknown user": {"email": "nobody@lp.com", "password": "password"},
    "wrong password": {"email": "joe@lp.com", "password": "Password"},
    "user without password": {"email": "jess@lp.com", "password": "password"},
    "inactive": {"email": "tiya@lp.com", "password": "password"},
    "inactive, wrong password": {"email": "tiya@lp.com", "password": "wrong"},
    "no address": {"password": "password"},
    "empty address": {"email": "", "password": "password"},
    "blank address": {"email": "  ", "password": "password"},
    "no password": {"email": "joe@lp.com"},
    "empty password": {"email": "joe@lp.com", "password": ""},
    "nothing": {},
    "not an address": {"email": "joe", "password": "password"},
    "address without domain": {"email": "joe@", "password": "password"},
    "single label domain": {"email": "joe@localhost", "password": "password"},
    "two at signs": {"email": "joe@@lp.com", "password": "password"},
    "username as address": {"email": "matt", "password": "password"},
    "foreign next": {"email": "joe@lp.com", "password": "password", "next": "http://evil.example/"},
    "good next": {"email": "joe@lp.com", "password": "password", "next": "/page1"},
    "unknown field": {"email": "joe@lp.com", "password": "password", "colour": "red"},
    "several things wrong": {"email": "nobody", "password": "", "next": "//evil.example"},
    "unknown user and no password": {"email": "nobody@lp.com", "password": ""},
    "a code for nobody": {"email": "joe@lp.com", "password": "password", "submit": "yes"},
}


@pytest.mark.parametrize("name", BODIES)
def test_json(play, name):
    def story(side):
        side.post("/login", json=BODIES[name])
        side.get("/profile", accept=JSON)
        side.get("/")

    story.label = f"login json: {name}"
    play(story)


@pytest.mark.parametrize("name", BODIES)
def test_form(play, name):
    def story(side):
        fields = {key: "y" if value is True else value for key, value in BODIES[name].items()}
        side.post("/login", form=fields)
        side.get("/profile")
        side.get("/")

    story.label = f"login form: {name}"
    play(story)


@pytest.mark.parametrize("name", ["right", "wrong password", "nothing", "inactive"])
def test_form_answered_in_json(play, name):
    def story(side):
        side.post("/login", form=BODIES[name], accept=JSON)
        side.get("/profile", accept=JSON)

    story.label = f"login form for json: {name}"
    play(story)


def test_pages_of_anonymous_callers(play):
    def story(side):
        side.get("/login")
        side.get("/login", accept=JSON)
        side.get("/login?next=/page1&x=%22%3E")
        side.get("/login?next=/profile?a%3D1%26b%3D2")
        side.get("/login?next=")
        side.post("/login")
        side.post("/login", accept=JSON)
        side.send("HEAD", "/login")
        side.get("/verify")
        side.get("/verify", accept=JSON)
        side.post("/verify")
        side.post("/verify", json={})
        side.post("/logout")
        side.post("/logout", json={})

    play(story)


def test_pages_of_signed_in_callers(play):
    def story(side):
        side.login()
        side.get("/login")
        side.get("/login", accept=JSON)
        side.get("/login?next=/page1")
        side.post("/login")
        side.post("/login", json={})
        side.post("/login", json={"email": "matt@lp.com", "password": "password"})
        side.post("/login?next=/page1", form={"email": "matt@lp.com", "password": "password"})
        side.get("/login?include_auth_token", accept=JSON)
        side.get("/profile")
        side.get("/verify")
        side.get("/verify", accept=JSON)
        side.post("/verify")
        side.post("/verify", json={})

    play(story)


def test_the_token_is_given_on_request_only(play):
    def story(side):
        for query in ("", "?include_auth_token", "?include_auth_token=0", "?include_auth_token=true&x=1"):
            client = side.browser()
            client.post("/login" + query, json=BODIES["right"])
        side.browser().post("/login?include_auth_token", form=BODIES["right"], accept=JSON)
        side.browser().post("/login?include_auth_token", json=BODIES["wrong password"])
        side.browser().post("/login", json=dict(BODIES["right"], include_auth_token=True))

    play(story)


def test_the_token_is_always_given_when_configured(play):
    def story(side):
        side.post("/login", json=BODIES["right"])
        side.post("/verify", json={"password": "password"})

    play(story, {"security": {"backwards_compat_auth_token": True}})


def test_tracking(play):
    columns = "login_count, current_login_ip, last_login_ip, current_login_at IS NULL, last_login_at IS NULL"

    def story(side):
        row = f"SELECT {columns}, current_login_at = last_login_at FROM user WHERE email = 'joe@lp.com'"
        side.note_rows("before", row)
        side.login()
        side.note_rows("first", row)
        side.browser().post("/login", json=BODIES["wrong password"])
        side.note_rows("after a failure", row)
        side.login(client=side.browser())
        side.note_rows("second", row)

    play(story, {"security": {"trackable": True}})
    play(story)


@pytest.mark.parametrize("hops", [0, 1, 2])
def test_tracking_behind_proxies(play, hops):
    def story(side):
        sent = {"X-Forwarded-For": "203.0.113.5, 198.51.100.7, 192.0.2.9"}
        side.client.post("/login", json=BODIES["right"], headers=sent)
        side.note_rows("address", "SELECT current_login_ip FROM user WHERE email = 'joe@lp.com'")
        side.get("/profile", headers=sent)
        side.note("fresh", side.session().get("_fresh"))

    play(story, {"security": {"trackable": True}, "proxy": {"x_for": hops}})


def test_update_datetime_moves_with_the_row(play):
    def story(side):
        query = "SELECT update_datetime FROM user WHERE email = 'joe@lp.com'"
        before = side.query(query)
        side.login()
        after = side.query(query)
        side.note("moved", after != before)
        side.note("written as", [len(after[0][0]), after[0][0][10], after[0][0][19]])

    play(story, {"security": {"trackable": True}})


def test_confirmation(play):
    def story(side):
        side.post("/login", json=BODIES["right"])
        side.browser().post("/login", form=BODIES["right"])
        side.browser().post("/login", json=BODIES["wrong password"])
        side.browser().post("/login", json=BODIES["inactive"])
        side.execute("UPDATE user SET confirmed_at = '2026-01-01 00:00:00.000000' WHERE email = 'joe@lp.com'")
        side.login(client=side.browser())

    play(story, {"security": {"confirmable": True}})
    play(story, {"security": {"confirmable": True, "requires_confirmation_error_view": "/confirm"}})


def test_confirmation_not_needed_to_sign_in(play):
    def story(side):
        side.post("/login", json=BODIES["right"])
        side.get("/profile")

    play(story, {"security": {"confirmable": True, "login_without_confirmation": True}})


@pytest.mark.parametrize("style", ["json", "form"])
def test_generic_replies(play, style):
    def story(side):
        for body in BODIES.values():
            how = {style: body}
            side.browser().post("/login", **how)

    story.label = f"generic login {style}"
    play(story, {"security": {"return_generic_responses": True}})


def test_generic_reply_hides_a_missing_confirmation(play):
    def story(side):
        side.browser().post("/login", json=BODIES["right"])
        side.browser().post("/login", form=BODIES["right"])

    security = {"return_generic_responses": True, "confirmable": True, "requires_confirmation_error_view": "/confirm"}
    play(story, {"security": security})


@pytest.mark.parametrize("view", ["/page1", "page_1", "post_login", ".verify", "security.login", "/login?x=1", "http://localhost/page1"])
def test_post_login_view(play, view):
    def story(side):
        side.browser().post("/login", form=BODIES["right"])
        side.post("/login", json=BODIES["right"])
        side.get("/login")
        side.post("/login", form=BODIES["right"])

    story.label = f"post login view {view}"
    play(story, {"security": {"post_login_view": view}})


def test_two_sign_ins_in_one_browser(play):
    def story(side):
        side.login("joe@lp.com")
        side.post("/logout", json={})
        side.login("matt@lp.com")
        side.get("/")

    play(story)


def test_flashes_wait_in_the_session(play):
    def story(side):
        side.get("/profile")
        side.get("/post_login?x=1&y=2")
        side.get("/page1")
        side.get("/login")
        side.get("/")

    play(story)


def test_flashes_can_be_off(play):
    def story(side):
        side.get("/profile")
        side.get("/login")
        side.post("/login", form=BODIES["foreign next"])

    play(story, {"security": {"flash_messages": False}})


def test_identity_with_username(play):
    def story(side):
        side.get("/login")
        side.get("/login", accept=JSON)
        for body in (
            {"username": "joe", "password": "password"},
            {"username": "JOE", "password": "password"},
            {"username": " joe", "password": "password"},
            {"email": "joe@lp.com", "password": "password"},
            {"email": "joe@lp.com", "username": "matt", "password": "password"},
            {"email": "nobody@lp.com", "username": "matt", "password": "password"},
            {"email": "", "username": "matt", "password": "password"},
            {"username": "nobody", "password": "password"},
            {"username": "joe", "password": "wrong"},
            {"username": "tiya", "password": "password"},
            {"username": "jess", "password": "password"},
            {"username": "joe@lp.com", "password": "password"},
            {"username": "<b>joe</b>", "password": "password"},
            {"email": "joe", "password": "password"},
            {"password": "password"},
            {"username": "", "email": "", "password": "password"},
            {"username": "joe"},
            {},
        ):
            side.browser().post("/login", json=body)
            side.browser().post("/login", form=body)

    play(story, {"security": {"username_enable": True}})


def test_generic_replies_with_username(play):
    def story(side):
        for body in (
            {"username": "nobody", "password": "password"},
            {"username": "joe", "password": "wrong"},
            {"email": "nobody@lp.com", "password": "password"},
            {"username": "tiya", "password": "password"},
            {"password": "password"},
            {},
        ):
            side.browser().post("/login", json=body)
            side.browser().post("/login", form=body)

    play(story, {"security": {"username_enable": True, "return_generic_responses": True}})


IDENTITIES = {
    "username only": [{"username": {"mapper": "uia_username_mapper", "case_insensitive": True}}],
    "username with case": [{"username": {"mapper": "uia_username_mapper"}}],
    "address with case": [{"email": {"mapper": "uia_email_mapper"}}],
    "phone": [
        {"email": {"mapper": "uia_email_mapper", "case_insensitive": True}},
        {"us_phone_number": {"mapper": "uia_phone_mapper"}},
    ],
    "as typed": [{"security_number": {"mapper": "identity"}}, {"email": {"mapper": "uia_email_mapper"}}],
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_attributes(play, name):
    def story(side):
        side.execute("UPDATE user SET us_phone_number = '+16502777098' WHERE email = 'matt@lp.com'")
        side.get("/login", accept=JSON)
        side.get("/login")
        for who in ("joe@lp.com", "JOE@lp.com", "joe", "JOE", "650-277-7098", "+16502777098", "(650) 277 7098", "1002"):
            side.browser().post("/login", json={"email": who, "password": "password"})
            side.browser().post("/login", json={"username": who, "password": "password"})
            side.browser().get("/http", basic=(who, "password"))
        side.login("joe@lp.com") if "email" in str(IDENTITIES[name]) else None
        side.get("/")

    story.label = f"identities: {name}"
    play(story, {"security": {"user_identity_attributes": IDENTITIES[name]}})


@pytest.mark.parametrize("scheme", ["argon2", "bcrypt", "pbkdf2_sha512", "pbkdf2_sha256", "sha512_crypt", "plaintext"])
def test_a_deprecated_hash_is_replaced(play, scheme):
    from libpass_hashes import HASHES

    def story(side):
        side.execute("UPDATE user SET password = ? WHERE email = 'joe@lp.com'", HASHES[scheme])
        side.browser().post("/login", json={"email": "joe@lp.com", "password": "wrong"})
        side.note_rows("kept", "SELECT password = ? FROM user WHERE email = 'joe@lp.com'", HASHES[scheme])
        side.post("/login", json=BODIES["right"])
        side.note_rows("now", "SELECT substr(password, 1, 28) FROM user WHERE email = 'joe@lp.com'")
        side.get("/profile", accept=JSON)
        side.browser().post("/login", json=BODIES["right"])

    story.label = f"rehash {scheme}"
    play(story)


def test_passwords_are_normalised(play):
    def story(side):
        for stored in ("fine p\u00e4ssword", "fine pa\u0308ssword"):
            side.execute("UPDATE user SET password = ? WHERE email = 'joe@lp.com'", hashed(stored))
            for typed in ("\ufb01ne p\u00e4ssword", "fine pa\u0308ssword", "fine p\u00e4ssword", "fine password"):
                side.browser().post("/login", json={"email": "joe@lp.com", "password": typed})
                side.browser().get("/http", basic=("joe@lp.com", typed))

    play(story)
