"""Signing out: methods, redirects, what is cleared, and its own CSRF check."""

import pytest

JSON = "application/json"


def test_json_and_form(play):
    def story(side):
        for how in ({}, {"json": {}}, {"form": {"a": "b"}}, {"accept": JSON}, {"form": {}, "accept": JSON}):
            side.login(remember=True)
            side.get("/fresh", accept=JSON)
            side.post("/logout", **how)
            side.get("/profile", accept=JSON)
            side.post("/logout", **how)

    play(story)


@pytest.mark.parametrize("methods", [["GET"], ["GET", "POST"], ["POST"], []], ids=str)
def test_methods(play, methods):
    def story(side):
        side.login()
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            side.send(method, "/logout")
        side.get("/logout", accept=JSON)
        side.get("/logout?next=/page1")
        side.login() if side.get("/profile", accept=JSON).status == 401 else None
        side.post("/logout?next=/page1")
        side.get("/profile", accept=JSON)

    story.label = f"logout methods {methods}"
    play(story, {"security": {"logout_methods": methods}})


@pytest.mark.parametrize("view", ["/post_logout", "post_logout", ".login", "page_1"])
def test_where_it_leads(play, view):
    def story(side):
        side.login()
        side.post("/logout")
        side.post("/logout", json={})
        side.post("/logout?next=/page1")

    story.label = f"post logout view {view}"
    play(story, {"security": {"post_logout_view": view}})


def test_a_token_does_not_need_to_sign_out(play):
    def story(side):
        token = side.token()
        side.post("/logout", json={}, token=token)
        side.get("/token", token=token, accept=JSON)

    play(story)


@pytest.mark.parametrize("methods", [["POST"], ["GET", "POST"]], ids=str)
@pytest.mark.parametrize("protect", [None, "default", "off"])
def test_with_a_csrf_check(play, methods, protect):
    def story(side):
        header = {"X-CSRF-Token": side.get("/login", accept=JSON).csrf()} if protect else {}
        fields = {"email": "joe@lp.com", "password": "password", "csrf_token": side.get("/login").csrf()}
        side.post("/login", form=fields, headers=header)
        side.get("/")
        side.post("/logout")
        side.post("/logout", json={})
        side.post("/logout", form={"csrf_token": "wrong"})
        side.get("/profile", accept=JSON)
        token = side.get("/verify").csrf()
        side.post("/logout", form={"csrf_token": token})
        side.get("/profile", accept=JSON)

    csrf = {"enabled": True, "protect": bool(protect), "check_default": protect != "off"}
    story.label = f"logout csrf {protect} {methods}"
    play(story, {"csrf": csrf, "security": {"logout_csrf": True, "logout_methods": methods}})


def test_get_with_a_csrf_check(play):
    def story(side):
        token = side.get("/login").csrf()
        side.post("/login", form={"email": "joe@lp.com", "password": "password", "csrf_token": token})
        side.get("/logout")

    play(story, {"csrf": {"enabled": True}, "security": {"logout_csrf": True, "logout_methods": ["GET", "POST"]}})


def test_the_confirmation_page(play):
    def story(side):
        token = side.get("/login").csrf()
        side.post("/login", form={"email": "joe@lp.com", "password": "password", "csrf_token": token})
        page = side.post("/logout?next=/page1")
        side.post("/logout", form={"csrf_token": page.csrf()})
        side.get("/profile", accept=JSON)

    play(story, {"csrf": {"enabled": True}, "security": {"logout_csrf": True}})


def test_json_with_a_csrf_check(play):
    def story(side):
        token = side.get("/login", accept=JSON).csrf()
        side.post("/login", json={"email": "joe@lp.com", "password": "password", "csrf_token": token})
        side.post("/logout", json={})
        side.post("/logout", json={"csrf_token": token})
        side.post("/logout", json={"csrf_token": token})

    play(story, {"csrf": {"enabled": True}, "security": {"logout_csrf": True}})
