"""Work that senders prove: the browser does it by itself, and without JavaScript one waits."""

WORK = {"enabled": True, "free": "", "difficulty": 12, "wait": 1, "waits": "1000 per hour"}


def test_a_form_that_asks_for_work_lets_people_in(desk, serve):
    server = serve({}, {"challenge": WORK})
    desk.open(f"{server.url}/login").look("challenge")
    assert desk.one("[name=challenge]").get_attribute("value")
    scripted = desk.driver.with_script
    hint = "Without JavaScript, please wait 1 seconds" in desk.body
    assert hint != scripted
    # Whoever has no JavaScript and is too quick finds what they typed, and waits.
    for _ in range(1 if scripted else 30):
        desk.fill(email="joe@lp.com", password="password").send("login_user_form")
        if desk.path != "/login":
            break
        assert desk.one("#email").get_attribute("value") == "joe@lp.com"
    desk.until(lambda: desk.path != "/login", "signed in")


def test_work_that_is_too_old_is_fetched_anew(scripted, serve):
    server = serve({}, {"challenge": {**WORK, "wait": False}})
    scripted.open(f"{server.url}/login")
    # A page that was open for too long: what it holds counts no more.
    scripted.driver.execute_script(
        "const part = document.querySelector('[data-challenge]');"
        "part.dataset.lasts = '0'; part.querySelector('[name=challenge]').value = 'too old';"
    )
    scripted.fill(email="joe@lp.com", password="password").send("login_user_form")
    scripted.until(lambda: scripted.path != "/login", "signed in")
