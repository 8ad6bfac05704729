"""A person signs in, opens a protected page, signs out, and Back does not bring the page's owner back."""

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WHO = "joe@lp.com"


def _wait(driver, condition):
    return WebDriverWait(driver, 10).until(condition)


def _path(driver):
    return driver.current_url.split("//", 1)[1].partition("/")[2].partition("?")[0]


def _sign_in(driver, password="password"):
    driver.find_element(By.ID, "email").clear()
    driver.find_element(By.ID, "email").send_keys(WHO)
    driver.find_element(By.ID, "password").send_keys(password)
    driver.find_element(By.CSS_SELECTOR, "form[name=login_user_form] [type=submit]").click()


def _body(driver):
    return driver.find_element(By.TAG_NAME, "body").text


def test_story(chromium, site):
    driver = chromium
    # Asked for a protected page, led to sign-in.
    driver.get(f"{site}/verify")
    _wait(driver, lambda d: _path(d) == "login")
    assert "next=" in driver.current_url

    # A wrong password is told apart from nothing else, and keeps the address.
    _sign_in(driver, "not the password")
    _wait(driver, lambda d: d.find_elements(By.CSS_SELECTOR, ".fs-error-msg, #fs-form-errors"))
    assert _path(driver) == "login"
    assert driver.find_element(By.ID, "email").get_attribute("value") == WHO
    assert driver.find_element(By.ID, "password").get_attribute("value") == ""

    # The right one leads back to what was asked for.
    _sign_in(driver)
    _wait(driver, lambda d: _path(d) == "verify")
    assert driver.find_elements(By.CSS_SELECTOR, "form[name=verify_form] #password")
    held = {cookie["name"]: cookie for cookie in driver.get_cookies()}
    assert held["session"]["httpOnly"]

    # Sign out by what the page offers.
    driver.find_element(By.CSS_SELECTOR, "form[name=logout_form] [type=submit]").click()
    _wait(driver, lambda d: _path(d) != "verify")
    assert not driver.find_elements(By.NAME, "logout_form")

    # Back shows no page of the account: it was not to be stored, so it is asked for again and refused.
    driver.back()
    _wait(driver, lambda d: _path(d) in ("login", ""))
    assert not driver.find_elements(By.NAME, "verify_form")
    assert WHO not in _body(driver)
    driver.get(f"{site}/verify")
    _wait(driver, lambda d: _path(d) == "login")


def test_the_page_fits(chromium, site):
    driver = chromium
    driver.get(f"{site}/login")
    if driver.with_script:
        wide = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1] == driver.wanted_width
    for name in ("email", "password", "submit"):
        box = driver.find_element(By.ID, name).rect
        assert box["width"] > 0 and box["x"] >= 0
        assert box["x"] + box["width"] <= driver.wanted_width
    # Every input has a label of its own.
    for name in ("email", "password", "remember"):
        assert driver.find_elements(By.CSS_SELECTOR, f"label[for={name}]"), name
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang")
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE" and "favicon" not in entry["message"]] == []
