"""Somebody whose account is suspended: a page that was open, signing in, and the letter."""


def test_suspended(person, account):
    account.run("users", "activate", "gene@lp.com")
    person.sign_in(account.url, "gene@lp.com").open(f"{account.url}/account")
    account.run("users", "suspend", "gene@lp.com", "--until", "3 days", "--reason", "Too loud after ten.")
    person.open(f"{account.url}/account").look("suspended")
    for words in ("Your account is suspended", "Too loud after ten."):
        assert words in person.body, person.body
    person.drop_cookie("session", account.url)
    person.open(f"{account.url}/login").fill(email="gene@lp.com", password="not this one")
    person.send("login_user_form").at("/login")
    assert "suspended" not in person.body, "a stranger learns nothing"
    person.fill(email="gene@lp.com", password="password").send("login_user_form")
    assert "Your account is suspended" in person.body
    account.run("users", "unsuspend", "gene@lp.com")
    person.sign_in(account.url, "gene@lp.com").open(f"{account.url}/account").at("/account")
    assert any("no longer suspended" in letter["text"] for letter in account.letters("gene@lp.com"))
