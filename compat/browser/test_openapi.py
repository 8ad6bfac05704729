"""The page that shows the interface for programs."""

from selenium.webdriver.common.by import By


def operations(person):
    return [one for one in person.all(".api-operation") if one.is_displayed()]


def test_everything_is_there_and_can_be_opened(person, site):
    person.open(f"{site}/openapi").look("openapi")
    shown = operations(person)
    assert len(shown) > 5
    # The list opens without a script, too.
    login = person.one("#post_login")
    login.find_element(By.TAG_NAME, "summary").click()
    text = login.text
    assert all(word in text for word in ("/login", "password", "csrf_token", "application/json", "400")), text
    person.look("openapi-open")


def test_finding(scripted, site):
    scripted.open(f"{site}/openapi")
    before = len(operations(scripted))
    scripted.fill(**{"api-find": "verify post"})
    scripted.until(lambda: 0 < len(operations(scripted)) < before, "showing fewer")
    assert [one.get_attribute("id") for one in operations(scripted)].count("post_verify") == 1
    scripted.fill(**{"api-find": "zebra"})
    scripted.until(lambda: scripted.one(".api-find [role=status]").text.strip(), "told that nothing fits")
    assert not operations(scripted)
    # A link to one opens it.
    scripted.open(f"{site}/openapi#post_login").until(
        lambda: scripted.one("#post_login").get_attribute("open"), "opened"
    )
