"""Several tabs, impatient fingers, and the way back: nothing is done twice, and nothing to somebody else's account."""

import sqlite3

OLD = "correct horse battery"
JOE, MATT = "joe@lp.com", "matt@lp.com"
# Two clicks in one go, faster than any reply.
TWICE = "const button = document.querySelector(arguments[0]); button.click(); button.click();"


def _rows(site, sql, *values):
    link = sqlite3.connect(f"file:{site.database}?mode=ro", uri=True, timeout=10)
    try:
        return link.execute(sql, values).fetchall()
    finally:
        link.close()


def _username(site, email):
    return _rows(site, "SELECT username FROM user WHERE email = ?", email)[0][0]


def test_an_older_sign_in_form(desk, account):
    desk.open(f"{account.url}/login")
    older = desk.new_tab()
    desk.sign_in(account.url, JOE)
    # The other tab's form was written before; it does not run into an error.
    desk.tab(older).fill(email=JOE, password="password").send("login_user_form")
    desk.until(lambda: desk.path != "/login", "signed in")
    assert not desk.all("[role=alert]")
    desk.open(f"{account.url}/").signed_in_as(JOE)


def test_forms_in_two_tabs_both_work(desk, account):
    desk.sign_in(account.url, "dave@lp.com").open(f"{account.url}/change-username")
    older = desk.new_tab()
    desk.open(f"{account.url}/change-username").fill(username="davefirst").send("change_username_form")
    desk.tab(older).fill(username="davesecond").send("change_username_form")
    desk.until(lambda: desk.path != "/change-username", "changed")
    assert _username(account, "dave@lp.com") == "davesecond"


def test_a_form_of_somebody_who_has_left(desk, account):
    desk.sign_in(account.url, JOE).open(f"{account.url}/change-username").fill(username="joseph")
    older = desk.new_tab()
    desk.open(f"{account.url}/").sign_out().sign_in(account.url, MATT)
    before = _username(account, JOE), _username(account, MATT)
    # What Joe was typing must not change Matt.
    desk.tab(older).send("change_username_form")
    assert not desk.all(".flashes li.success")
    assert (_username(account, JOE), _username(account, MATT)) == before
    assert desk.all("a[href], [type=submit]"), "a way on"


def test_a_form_after_signing_out(desk, account):
    desk.sign_in(account.url, JOE).open(f"{account.url}/change-username").fill(username="joseph")
    older = desk.new_tab()
    desk.open(f"{account.url}/").sign_out()
    desk.tab(older).send("change_username_form")
    assert _username(account, JOE) == "joe"
    assert "joseph" not in desk.body
    # Signing in from there leads on.
    if desk.path != "/login":
        desk.open(f"{account.url}/change-username").at("/login")
    desk.fill(email=JOE, password="password").send("login_user_form").at("/change-username")


def test_signing_out_twice(desk, account):
    desk.sign_in(account.url, JOE).open(f"{account.url}/change")
    older = desk.new_tab()
    desk.open(f"{account.url}/").sign_out()
    desk.tab(older).sign_out()
    assert not desk.all("form[name=logout_form]")
    desk.open(f"{account.url}/change").at("/login")


def test_registering_with_two_clicks(desk, account, address):
    name = address.partition("@")[0].replace("-", "")
    desk.open(f"{account.url}/register").fill(email=address, username=name, password=OLD, password_confirm=OLD)
    desk.driver.execute_script(TWICE, "form[name=register_user_form] [type=submit]")
    desk.until(lambda: desk.path != "/register", "registered")
    assert _rows(account, "SELECT count(*) FROM user WHERE email = ?", address) == [(1,)]
    desk.sign_in(account.url, address, OLD)


def test_changing_a_password_with_two_clicks(scripted, account, address):
    """With the script the second click sends nothing, so the person sees that it has worked."""
    name, new = address.partition("@")[0].replace("-", ""), "another staple entirely"
    scripted.open(f"{account.url}/register").fill(email=address, username=name, password=OLD, password_confirm=OLD)
    scripted.send("register_user_form").sign_in(account.url, address, OLD).open(f"{account.url}/change")
    scripted.fill(password=OLD, new_password=new, new_password_confirm=new)
    scripted.driver.execute_script(TWICE, "form[name=change_password_form] [type=submit]")
    scripted.until(lambda: scripted.path != "/change", "changed")
    assert not scripted.all("[role=alert]")
    assert len(scripted.all(".flashes li.success")) == 1
    notices = [letter for letter in account.letters(address) if "password" in letter["subject"].lower()]
    assert len(notices) == 1


def test_back_after_a_change(desk, account):
    desk.sign_in(account.url, "jill@lp.com").open(f"{account.url}/change-username").fill(username="jillian")
    desk.send("change_username_form")
    desk.until(lambda: desk.path != "/change-username", "changed")
    desk.driver.back()
    desk.at("/change-username").fill(username="jillianne").send("change_username_form")
    desk.until(lambda: desk.path != "/change-username", "changed")
    assert _username(account, "jill@lp.com") == "jillianne"
