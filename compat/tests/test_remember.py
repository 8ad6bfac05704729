"""The remember cookie, session protection, cookie attributes and deactivation."""

import pytest

JSON = "application/json"
VALUES = [True, False, None, 0, 1, 0.0, "", "false", "False", "0", "no", "true", "y", "on", [], ["false"], ["true"], {}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_counts_as_yes_in_json(play, value):
    def story(side):
        side.post("/login", json={"email": "joe@lp.com", "password": "password", "remember": value})

    story.label = f"remember json {value!r}"
    play(story)


@pytest.mark.parametrize("value", ["", "false", "False", "FALSE", "0", "no", "true", "y", "on", " ", "false "])
def test_what_counts_as_yes_in_a_form(play, value):
    def story(side):
        side.post("/login", form={"email": "joe@lp.com", "password": "password", "remember": value})

    story.label = f"remember form {value!r}"
    play(story)


@pytest.mark.parametrize("default", [True, False])
def test_default(play, default):
    def story(side):
        side.get("/login")
        side.browser().post("/login", form={"email": "joe@lp.com", "password": "password"})
        side.browser().post("/login", json={"email": "joe@lp.com", "password": "password"})

    story.label = f"default remember {default}"
    play(story, {"security": {"default_remember_me": default}})


def test_the_cookie_alone_signs_in_but_is_not_fresh(play):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        side.get("/profile")
        side.get("/profile", accept=JSON)
        side.get("/fresh")
        side.get("/fresh", accept=JSON)
        side.post("/verify", json={"password": "password"})
        side.get("/fresh", accept=JSON)
        side.client.drop("session")
        side.get("/session")
        side.get("/admin_or_editor")
        side.client.drop("session")
        side.get("/")
        side.client.drop("session")
        side.get("/login", accept=JSON)
        side.client.drop("session")
        side.post("/logout", json={})
        side.get("/profile", accept=JSON)

    play(story)


def test_bad_cookies(play):
    def story(side):
        side.login(remember=True)
        good = side.client.cookie("remember_token")
        uid, _, digest = good.rpartition("|")
        for bad in (
            digest, "|" + digest, uid, uid + "|", uid + "|" + digest[:-1], uid + "|" + digest.upper(),
            "x" + good, good + "0", uid + "||" + digest, "", "|", "a|b", good[::-1],
        ):  # fmt: skip
            client = side.browser()
            client.get("/profile", accept=JSON, cookies={"remember_token": bad})
        side.browser().get("/profile", accept=JSON, cookies={"remember_token": good})

    play(story)


ATTRIBUTES = {
    "session": {"session": {"cookie_name": "sid", "cookie_secure": True, "cookie_samesite": "Lax", "cookie_path": "/"}},
    "session open": {"session": {"cookie_httponly": False, "cookie_samesite": "Strict", "cookie_domain": "localhost"}},
    "session partitioned": {"session": {"cookie_partitioned": True, "cookie_secure": True, "cookie_samesite": "None"}},
    "session path": {"session": {"cookie_path": "/login"}},
    "remember": {"remember": {"cookie_name": "keep", "cookie_secure": True, "cookie_samesite": "Strict"}},
    "remember open": {"remember": {"cookie_httponly": False, "cookie_path": "/login", "cookie_domain": "localhost"}},
    "remember short": {"remember": {"cookie_duration": 600}},
    "remember again": {"remember": {"cookie_duration": 600, "cookie_refresh_each_request": True}},
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_cookie_attributes(play, name):
    def story(side):
        side.login(remember=True)
        side.get("/profile", accept=JSON)
        side.get("/page1")
        side.client.drop("session")
        side.client.drop("sid")
        side.get("/profile", accept=JSON)
        side.get("/verify")
        side.post("/logout")

    story.label = f"attributes {name}"
    play(story, ATTRIBUTES[name])


def test_session_is_sent_when_it_changed_only(play):
    def story(side):
        side.get("/page1")
        side.get("/")
        side.get("/profile", accept=JSON)
        side.login()
        side.get("/page1")
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.post("/logout", json={})
        side.get("/")
        side.post("/logout", json={})

    play(story)


@pytest.mark.parametrize("mode", ["basic", "strong"])
def test_protection_against_moved_sessions(play, mode):
    def story(side):
        side.login(remember=True)
        side.get("/profile", accept=JSON)
        side.client.agent = "another browser"
        side.get("/profile", accept=JSON)
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.client.agent = "compat/1.0"
        side.get("/profile", accept=JSON)
        side.post("/verify", json={"password": "password"})
        side.client.agent = None
        side.get("/profile", accept=JSON)

    story.label = f"protection {mode}"
    play(story, {"session": {"protection": mode}})


def test_moved_session_without_remember_cookie(play):
    def story(side):
        side.login()
        side.client.agent = "another browser"
        side.get("/profile")
        side.get("/")
        side.post("/logout", json={})

    play(story, {"session": {"protection": "strong"}})
    play(story)


def test_identifier_follows_forwarded_address(play):
    def story(side):
        side.client.post(
            "/login",
            json={"email": "joe@lp.com", "password": "password"},
            headers={"X-Forwarded-For": "203.0.113.9, 10.0.0.1"},
        )
        side.get("/profile", accept=JSON)
        side.get("/profile", accept=JSON, headers={"X-Forwarded-For": "203.0.113.9"})
        client = side.browser()
        client.agent = "it's \"quoted\" \\ caf\u00e9".encode().decode("latin-1")
        side.login(client=client)

    play(story)


def test_deactivation(play):
    def story(side):
        side.login(remember=True)
        token = side.token()
        side.execute("UPDATE user SET active = 0 WHERE email = 'joe@lp.com'")
        side.get("/profile")
        side.get("/profile", accept=JSON)
        side.get("/")
        side.browser().get("/token", token=token, accept=JSON)
        side.browser().get("/http", basic=("joe@lp.com", "password"))
        side.get("/admin_or_editor", accept=JSON)
        side.browser().get("/profile", accept=JSON, cookies={"remember_token": side.client.cookie("remember_token")})
        side.post("/verify", json={"password": "password"})
        side.get("/login", accept=JSON)
        side.post("/login", json={"email": "joe@lp.com", "password": "password"})
        side.execute("UPDATE user SET active = 1 WHERE email = 'joe@lp.com'")
        side.get("/profile", accept=JSON)
        side.browser().get("/token", token=token, accept=JSON)

    play(story)


def test_a_new_uniquifier_ends_everything(play):
    def story(side):
        side.login(remember=True)
        token = side.token()
        side.execute("UPDATE user SET fs_uniquifier = 'ffffffffffffffffffffffffffffffff' WHERE email = 'joe@lp.com'")
        side.get("/profile", accept=JSON)
        side.browser().get("/token", token=token, accept=JSON)
        side.get("/")
        side.login()
        side.get("/")

    play(story)


def test_a_deleted_user(play):
    def story(side):
        side.login(remember=True)
        side.execute("DELETE FROM roles_users WHERE user_id = (SELECT id FROM user WHERE email = 'joe@lp.com')")
        side.execute("DELETE FROM user WHERE email = 'joe@lp.com'")
        side.get("/profile", accept=JSON)
        side.get("/profile")
        side.post("/login", json={"email": "joe@lp.com", "password": "password"})

    play(story)


def test_roles_are_read_anew(play):
    def story(side):
        side.login()
        side.get("/admin", accept=JSON)
        side.execute("INSERT INTO roles_users (user_id, role_id) SELECT user.id, role.id FROM user, role WHERE email = 'joe@lp.com' AND name = 'admin'")
        side.get("/admin", accept=JSON)
        side.get("/")
        side.execute("UPDATE role SET permissions = 'full-write,super' WHERE name = 'editor'")
        side.execute("DELETE FROM roles_users WHERE role_id = (SELECT id FROM role WHERE name = 'admin')")
        side.get("/admin", accept=JSON)
        side.get("/admin_perm_required", accept=JSON)
        side.execute("UPDATE role SET permissions = '' WHERE name = 'editor'")
        side.get("/admin_perm", accept=JSON)
        side.execute("UPDATE role SET permissions = NULL WHERE name = 'editor'")
        side.get("/admin_perm", accept=JSON)

    play(story)


def test_permanent_lifetime(play):
    def story(side):
        side.login(remember=True)
        side.get("/profile", accept=JSON)

    play(story, {"session": {"permanent_lifetime": 600, "refresh_each_request": False}})
