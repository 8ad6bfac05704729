"""Asked of Lychgate alone: one proof counts once, however many use it at the same moment, and only for whom it is."""

import threading

import pytest
from factors import JSON, PHONE, WHO, app_of, begin, code_for, factors, mailed, sign_in, texted, two_factor
from lib.authenticator import ES256, Authenticator
from test_passkeys import HERE, _ask, _options, _register, passkeys
from test_recovery_codes import _make, with_codes
from test_unified import _have, _link, unified

ALL_AT_ONCE = 6
JOE = "joe@lp.com"


def _at_once(senders):
    """The replies to requests that are sent at the same moment."""
    replies, ready = [], threading.Barrier(len(senders))

    def run(send):
        ready.wait()
        replies.append(send())

    work = [threading.Thread(target=run, args=(send,)) for send in senders]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert all(reply.status < 500 for reply in replies), [reply.text for reply in replies]
    return replies


def _waiting(side, email, number=ALL_AT_ONCE):
    """Browsers that have proved the first factor."""
    browsers = [side.browser() for _ in range(number)]
    for browser in browsers:
        assert begin(side, email, client=browser).status == 200
    return browsers


def _inside(browsers):
    return sum(browser.get("/profile", accept=JSON).status == 200 for browser in browsers)


def test_a_code_counts_once(ours):
    side = ours(two_factor())
    email = WHO["authenticator"]
    browsers = _waiting(side, email)
    code = app_of(side, email).code()
    replies = _at_once([lambda b=browser: b.post("/tf-validate", json={"code": code}) for browser in browsers])
    assert [reply.status for reply in replies].count(200) == 1
    assert _inside(browsers) == 1


def test_a_recovery_code_counts_once(ours):
    side = ours(with_codes())
    codes = _make(side)
    browsers = _waiting(side, WHO["authenticator"])
    replies = _at_once([lambda b=browser: b.post("/mf-recovery", json={"code": codes[0]}) for browser in browsers])
    assert [reply.status for reply in replies].count(200) == 1
    assert _inside(browsers) == 1


def test_different_recovery_codes_at_once(ours):
    """Nobody's code is lost because somebody else's was used at the same moment."""
    side = ours(with_codes())
    codes = _make(side)
    browsers = _waiting(side, WHO["authenticator"], 3)
    sends = [lambda b=browser, c=code: b.post("/mf-recovery", json={"code": c}) for browser, code in zip(browsers, codes)]
    _at_once(sends)
    came_in = _inside(browsers)
    side.client = side.browser()
    left = side.query("SELECT mf_recovery_codes FROM user WHERE email = ?", WHO["authenticator"])[0][0].split(",")
    assert came_in + len(left) == len(codes)


def test_a_proof_by_passkey_counts_once(ours):
    side = ours(passkeys())
    side.login()
    device = Authenticator(algorithm=ES256, counts=False)
    _register(side, device)
    browser = side.browser()
    options, state = _options(browser.post("/wan-signin", json={}))
    used = {"credential": device.get(options, HERE)}
    replies = _at_once([lambda: browser.post(f"/wan-signin/{state}", json=used) for _ in range(ALL_AT_ONCE)])
    assert [reply.status for reply in replies].count(200) == 1
    # Nor is it anything in another browser, which did not ask for it.
    assert side.browser().post(f"/wan-signin/{state}", json=used).status == 400


def test_a_mailed_code_and_its_link_count_once(ours):
    side = ours(unified())
    _have(side, "email")
    side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "email"})
    path = _link(side)
    browsers = [side.browser() for _ in range(ALL_AT_ONCE)]
    _at_once([lambda b=browser: b.get(path) for browser in browsers])
    assert _inside(browsers) == 1


def test_the_newest_code_only(ours):
    side = ours(unified())
    _have(side, "sms")
    sent = []
    for _ in range(2):
        assert side.post("/us-signin/send-code", json={"identity": JOE, "chosen_method": "sms"}).status == 200
        sent.append(texted(side))
    statuses = [side.browser().post("/us-signin", json={"identity": JOE, "passcode": code}).status for code in sent]
    assert statuses == [400, 200]


def test_guesses_end(ours):
    side = ours(two_factor())
    email = WHO["email"]
    begin(side, email)
    code = mailed(side)
    wrong = "000000" if code != "000000" else "111111"
    statuses = [side.post("/tf-validate", json={"code": wrong}).status for _ in range(15)]
    assert set(statuses) <= {400, 429} and 429 in statuses or statuses.count(400) == 15
    # The right one comes too late, in this sign-in and in a new one.
    assert side.post("/tf-validate", json={"code": code}).status in (400, 429)
    assert side.get("/profile", accept=JSON).status == 401


def test_a_state_of_set_up_is_for_one(ours):
    side = ours(two_factor())
    side.login()
    state = side.post("/tf-setup", json={"setup": "sms", "phone": PHONE}).response["tf_state_token"]
    code = texted(side)
    other = side.browser()
    side.login("matt@lp.com", client=other)
    assert other.post(f"/tf-setup/{state}", json={"code": code}).status == 400
    same_user = side.browser()
    side.login(client=same_user)
    assert same_user.post(f"/tf-setup/{state}", json={"code": code}).status == 400
    assert side.query("SELECT count(*) FROM user WHERE tf_phone_number = ?", PHONE) == [(0,)]
    assert side.post(f"/tf-setup/{state}", json={"code": code}).status == 200
    assert side.post(f"/tf-setup/{state}", json={"code": code}).status == 400


def test_a_pending_sign_in_ends_with_signing_out(ours):
    """Also in copies of its cookie."""
    side = ours(two_factor())
    email = WHO["authenticator"]
    begin(side, email)
    copy = side.browser()
    copy.jar = dict(side.client.jar)
    side.post("/logout", json={})
    assert copy.post("/tf-validate", json={"code": app_of(side, email).code()}).status == 400
    assert copy.get("/profile", accept=JSON).status == 401


def test_a_trusted_browser_is_no_longer_so_after_a_change(ours):
    side = ours(two_factor(two_factor_always_validate=False))
    email = WHO["authenticator"]
    sign_in(side, email, "authenticator", remember=True)
    trusted = side.browser()
    trusted.jar = {key: value for key, value in side.client.jar.items() if key[0] == "tf_validity"}
    body = {"email": email, "password": "password"}
    assert trusted.post("/login", json=body).response["tf_required"] is False
    state = side.post("/tf-setup", json={"setup": "email"}).response["tf_state_token"]
    assert side.post(f"/tf-setup/{state}", json={"code": mailed(side)}).status == 200
    again = side.browser()
    again.jar = {key: value for key, value in side.client.jar.items() if key[0] == "tf_validity"}
    assert again.post("/login", json=body).response["tf_required"] is True


@pytest.mark.parametrize("known, unknown", [(JOE, "nobody@lp.com"), (JOE, "tiya@lp.com")])
def test_hints_tell_nothing(ours, known, unknown):
    side = ours(passkeys(return_generic_responses=True))
    side.login()
    _register(side, Authenticator(algorithm=ES256))
    shapes = []
    for who in (known, unknown):
        side.client = side.browser()
        options, _ = _ask(side, identity=who)
        twice, _ = _ask(side, identity=who)
        assert options["allowCredentials"] == twice["allowCredentials"]
        shapes.append([(sorted(one), len(one["id"])) for one in options["allowCredentials"]])
    assert all(shapes), "somebody has no passkeys"
    assert {tuple(names) for shape in shapes for names, _ in shape} == {("id", "transports", "type")} or shapes[0] == shapes[1]


def test_codes_for_nobody_look_alike(ours):
    side = ours(unified(return_generic_responses=True))
    _have(side, "email")
    replies = []
    for who in (JOE, "nobody@lp.com", "tiya@lp.com", "matt@lp.com"):
        reply = side.browser().post("/us-signin/send-code", json={"identity": who, "chosen_method": "email"})
        replies.append((reply.status, sorted(reply.response)))
    assert len(set(map(str, replies))) == 1, replies
    assert [mail["to"] for mail in side.mail.take()] == [[JOE]]


def test_everything_together(ours):
    """All features at once: the walk of one person through every second factor."""
    everything = factors(
        "two_factor", "webauthn", "unified_signin", "multi_factor_recovery_codes", two_factor_rescue_mail="help@lp.com"
    )
    side = ours(everything)
    for method, email in WHO.items():
        side.client = side.browser()
        begin(side, email)
        assert side.post("/tf-validate", json={"code": code_for(side, email, method)}).status == 200
        device = Authenticator(algorithm=ES256)
        assert _register(side, device, usage="secondary").status == 200
        codes = side.post("/mf-recovery-codes", json={}).response["recovery_codes"]
        side.client = side.browser()
        side.mail.take(), side.sms.take()
        reply = begin(side, email)
        assert sorted(reply.response["tf_setup_methods"]) == sorted([method, "webauthn"])
        # Who has lost the one may be left with the other, or with a recovery code.
        assert side.post("/tf-select", json={"which": "webauthn"}).status == 200
        assert '"/mf-recovery"' in side.get("/wan-signin").text
        assert side.post("/mf-recovery", json={"code": codes[0]}).status == 200
        assert side.get("/profile", accept=JSON).status == 200
        side.mail.take(), side.sms.take()
