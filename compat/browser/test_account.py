"""A person opens an account, confirms the address, forgets and changes things: each task to its end, on each page."""

from urllib.parse import urlsplit

OLD, NEW = "correct horse battery", "another staple entirely"


def _name(address):
    return address.partition("@")[0].replace("-", "")


def _open_account(person, site, address):
    """Somebody with an account, signed in."""
    person.open(f"{site.url}/register").fill(email=address, username=_name(address), password=OLD, password_confirm=OLD)
    person.send("register_user_form")
    person.until(lambda: person.path != "/register", "registered")
    # Registering signs nobody in, because that would tell whose address is taken.
    return person.sign_in(site.url, address, OLD)


def test_register_and_confirm(person, account, address):
    person.open(f"{account.url}/register").look("register")
    person.fill(email=address, username=_name(address), password="short", password_confirm="shorter")
    person.send("register_user_form").at("/register").refused("password").look("register-refused")
    assert person.one("#email").get_attribute("value") == address
    assert person.one("#password").get_attribute("value") == ""
    person.fill(password=OLD, password_confirm=OLD).send("register_user_form")
    person.until(lambda: person.path != "/register", "registered")
    # The letter is in the inbox of development; its link leads to a page that asks for the click.
    person.open(f"{account.url}/dev/mail").look("inbox")
    row = next(row for row in person.all("li.row") if address in row.text)
    letter = row.find_element("css selector", "a").get_attribute("href")
    person.open(letter).look("letter")
    link = next(a for a in person.all(".rows a") if "/confirm/" in a.get_attribute("href")).get_attribute("href")
    person.open(link).look("confirm")
    person.send("relay_form")
    person.until(lambda: "/confirm/" not in person.path, "confirmed")
    person.look("confirmed")
    assert person.one(".flashes li.success").is_displayed()
    # It was for once.
    person.open(link)
    if person.all("form[name=relay_form]"):
        person.send("relay_form")
    assert person.one(".flashes li:not(.success)").is_displayed()


def test_ask_for_another_confirmation(person, account, address):
    _open_account(person, account, address).sign_out()
    person.open(f"{account.url}/confirm").look("confirm-again")
    person.fill(email=address).send("send_confirmation_form").look("confirm-asked")
    assert person.one(".flashes li").is_displayed()
    assert account.link(address, "/confirm/")


def test_reset(person, account, address):
    _open_account(person, account, address).sign_out()
    person.open(f"{account.url}/login").click("a[href*='/reset']").at("/reset").look("forgot")
    person.fill(email=address).send("forgot_password_form").look("forgot-asked")
    link = account.link(address, "/reset/")
    person.open(link).look("reset")
    person.fill(password=NEW, password_confirm="something else altogether").send("reset_password_form")
    person.refused("password_confirm").look("reset-refused")
    person.fill(password=NEW, password_confirm=NEW).send("reset_password_form").look("reset-done")
    if person.path != "/login":
        person.open(f"{account.url}/login")
    person.fill(email=address, password=OLD).send("login_user_form").at("/login").refused()
    person.fill(email=address, password=NEW).send("login_user_form").open(f"{account.url}/").signed_in_as(address)
    # A used link says so, and where to go.
    person.sign_out().open(link).look("reset-used")
    assert person.one(".flashes li.error, .flashes li.info, [role=alert]").is_displayed()


def test_change_password(person, account, address):
    _open_account(person, account, address).open(f"{account.url}/change").look("change-password")
    person.fill(password="not the old one", new_password=NEW, new_password_confirm=NEW).send("change_password_form")
    person.refused("password").look("change-password-refused")
    person.fill(password=OLD, new_password=NEW, new_password_confirm=NEW).send("change_password_form")
    person.until(lambda: person.path != "/change", "changed")
    person.look("change-password-done").open(f"{account.url}/").signed_in_as(address).sign_out()
    person.open(f"{account.url}/login").fill(email=address, password=OLD).send("login_user_form").refused()
    person.sign_in(account.url, address, NEW)


def test_change_email(person, account, address):
    new = f"new-{address}"
    _open_account(person, account, address).open(f"{account.url}/change-email").look("change-email")
    person.fill(email="matt@lp.com").send("change_email_form").look("change-email-sent-or-refused")
    person.open(f"{account.url}/change-email").fill(email=new).send("change_email_form").look("change-email-sent")
    person.open(account.link(new, "/change-email/")).look("change-email-link").send("relay_form")
    person.until(lambda: "/change-email/" not in person.path, "changed")
    person.look("change-email-done").open(f"{account.url}/").signed_in_as(new).sign_out()
    person.sign_in(account.url, new, OLD)


def test_change_and_recover_username(person, account, address):
    new = f"re{_name(address)}"
    _open_account(person, account, address).open(f"{account.url}/change-username").look("change-username")
    person.fill(username="a b").send("change_username_form").refused("username").look("change-username-refused")
    person.fill(username=new).send("change_username_form")
    person.until(lambda: person.path != "/change-username", "changed")
    person.look("change-username-done").open(f"{account.url}/").sign_out()
    person.open(f"{account.url}/recover-username").look("recover-username")
    person.fill(email=address).send("username_recovery_form").look("recover-username-sent")
    said = person.until(lambda: [x["text"] for x in account.letters(address) if new in (x.get("text") or "")], "mailed")
    assert said
    person.open(f"{account.url}/login").fill(username=new, password=OLD).send("login_user_form")
    person.open(f"{account.url}/").signed_in_as(address)


def test_prove_it_again(person, account, address):
    """Who comes back by "keep me signed in" is asked for the password before anything sensitive, and then goes on."""
    _open_account(person, account, address).sign_out()
    person.sign_in(account.url, address, OLD, remember=True)
    person.drop_cookie("session", account.url).open(f"{account.url}/change-email").at("/verify").look("verify")
    person.fill(password="not the one").send("verify_form").refused("password").look("verify-refused")
    person.fill(password=OLD).send("verify_form").at("/change-email")
    assert person.all("form[name=change_email_form]")


def test_sign_out(person, account, address):
    _open_account(person, account, address).open(f"{account.url}/").look("home")
    person.sign_out().look("signed-out")
    assert not person.all("form[name=logout_form]")
    person.open(f"{account.url}/change").at("/login").look("asked-to-sign-in")
    assert "next=" in person.driver.current_url


def test_sign_in_by_mail(person, serve, address):
    site = serve({"passwordless": True, "registerable": True, "email_validator_args": {"check_deliverability": False}})
    person.open(f"{site.url}/register").fill(email=address, password=OLD, password_confirm=OLD).send("register_user_form")
    person.open(f"{site.url}/login").look("send-login").fill(email=address).send("send_login_form").look("send-login-sent")
    link = site.link(address, "/login/")
    assert urlsplit(link).path.startswith("/login/")
    person.open(link).look("login-link").send("relay_form")
    person.open(f"{site.url}/").signed_in_as(address)


def test_a_page_that_is_not_there(person, account):
    person.open(f"{account.url}/nothing-here").look("not-found")
    assert person.all("a[href]"), "a way on"
