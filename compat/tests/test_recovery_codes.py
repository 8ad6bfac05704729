"""Recovery codes: made, shown, used once instead of a second factor, kept encrypted or as they are."""

import pytest
from factors import (
    JSON, WHO, app_of, begin, mailed, note_factors, note_outgoing, sign_in, two_factor,
)  # fmt: skip
from letters import note_user, sent

STYLES = pytest.mark.parametrize("style", ["json", "form", "form for json"])
WHOM = WHO["authenticator"]
KEYS = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="]
BAD = {
    "wrong": "0000-0000-0000",
    "empty": "",
    "missing": None,
    "blank": "  ",
    "a comma": ",",
    "a number": 7,
    "a list": ["0000-0000-0000"],
    "long": "0000-" * 200,
}


def with_codes(**more):
    return two_factor(multi_factor_recovery_codes=True, **more)


def _make(side, email=WHOM, method="authenticator"):
    """Signs in with both factors and has codes made; forgets the session."""
    sign_in(side, email, method)
    reply = side.post("/mf-recovery-codes", json={})
    assert reply.status == 200, f"{side.kind}: {reply.text}"
    side.client = side.browser()
    return reply.response["recovery_codes"]


@STYLES
def test_making_and_showing(play, style):
    def story(side):
        sign_in(side, WHOM, "authenticator")
        for path in ("/mf-recovery-codes", "/mf-recovery-codes?show_codes=hi", "/mf-recovery-codes?show_codes="):
            side.get(path)
            side.get(path, accept=JSON)
        sent(side, style, "/mf-recovery-codes", {"generate_new_codes": "y"} if style != "json" else {})
        note_factors(side, WHOM)
        for path in ("/mf-recovery-codes", "/mf-recovery-codes?show_codes=hi"):
            side.get(path)
            side.get(path, accept=JSON)
        side.post("/mf-recovery-codes")
        note_factors(side, WHOM)
        note_outgoing(side)

    story.label = f"recovery codes {style}"
    play(story, with_codes())


def test_new_codes_take_the_place_of_the_old(play):
    def story(side):
        sign_in(side, WHOM, "authenticator")
        first = side.post("/mf-recovery-codes", json={}).response["recovery_codes"]
        shown = side.get("/mf-recovery-codes", accept=JSON).response["recovery_codes"]
        second = side.post("/mf-recovery-codes", json={}).response["recovery_codes"]
        side.note("counts", [len(set(first)), len(set(second)), len(set(first) & set(second)), len(shown)])
        side.client = side.browser()
        begin(side, WHOM)
        side.post("/mf-recovery", json={"code": first[0]})
        side.post("/mf-recovery", json={"code": second[0]})

    play(story, with_codes())


@STYLES
@pytest.mark.parametrize("keys", [[], KEYS], ids=["plain", "encrypted"])
def test_using(play, style, keys):
    def story(side):
        codes = _make(side)
        begin(side, WHOM)
        side.get("/mf-recovery")
        side.get("/mf-recovery", accept=JSON)
        sent(side, style, "/mf-recovery", {"code": "0000-0000-0000"})
        sent(side, style, "/mf-recovery", {"code": codes[1]})
        side.get("/profile", accept=JSON)
        side.get("/fresh", accept=JSON)
        side.get("/")
        note_factors(side, WHOM)
        note_user(side, WHOM)
        # Each is for once, the others stay.
        side.client = side.browser()
        begin(side, WHOM)
        sent(side, style, "/mf-recovery", {"code": codes[1]})
        sent(side, style, "/mf-recovery", {"code": codes[0]})
        note_outgoing(side)

    story.label = f"use a recovery code {style} {'encrypted' if keys else 'plain'}"
    more = {"multi_factor_recovery_codes_keys": keys} if keys else {}
    play(story, with_codes(trackable=True, **more))


@STYLES
@pytest.mark.parametrize("name", BAD)
def test_codes_that_are_none(play, style, name):
    if style != "json" and not isinstance(BAD[name], str | None):
        pytest.skip("a form has texts only")

    def story(side):
        _make(side)
        begin(side, WHOM)
        sent(side, style, "/mf-recovery", {} if BAD[name] is None else {"code": BAD[name]})
        side.get("/profile", accept=JSON)
        note_factors(side, WHOM)

    story.label = f"recovery code {style}: {name}"
    play(story, with_codes())


@pytest.mark.parametrize("spelling", ["capitals", "spaces around", "without dashes"])
def test_spellings(play, spelling):
    def story(side):
        code = _make(side)[0]
        begin(side, WHOM)
        spelled = {"capitals": code.upper(), "spaces around": f" {code} ", "without dashes": code.replace("-", "")}
        side.post("/mf-recovery", json={"code": spelled[spelling]})
        side.get("/profile", accept=JSON)

    story.label = f"recovery code with {spelling}"
    play(story, with_codes())


def test_who_has_none(play):
    def story(side):
        begin(side, WHOM)
        side.get("/tf-validate", accept=JSON)
        side.get("/mf-recovery", accept=JSON)
        for code in ("", "0000-0000-0000"):
            side.post("/mf-recovery", json={"code": code})
        side.get("/profile", accept=JSON)

    play(story, with_codes())


@STYLES
def test_by_the_rescue_page(play, style):
    def story(side):
        codes = _make(side)
        begin(side, WHOM)
        side.get("/tf-validate")
        side.get("/tf-rescue")
        side.get("/tf-rescue", accept=JSON)
        sent(side, style, "/tf-rescue", {"help_setup": "recovery_code"})
        side.post("/mf-recovery", form={"code": codes[0]})
        side.get("/profile", accept=JSON)

    story.label = f"recovery code by the rescue page {style}"
    play(story, with_codes())


@pytest.mark.parametrize("how", ["query", "token", "remember"])
def test_what_comes_with_it(play, how):
    def story(side):
        codes = _make(side)
        if how == "query":
            onward = begin(side, WHOM, style="form", path="/login?next=/page1").header("location")
            side.post(onward.replace("/tf-validate", "/mf-recovery"), form={"code": codes[0]})
        elif how == "token":
            begin(side, WHOM, path="/login?include_auth_token")
            side.post("/mf-recovery?include_auth_token", json={"code": codes[0]})
        else:
            begin(side, WHOM, remember=True)
            side.post("/mf-recovery", json={"code": codes[0]})

    story.label = f"recovery code with {how}"
    play(story, with_codes(two_factor_always_validate=False))


@pytest.mark.parametrize("path", ["/mf-recovery", "/mf-recovery-codes"])
@pytest.mark.parametrize("who", ["nobody", "joe@lp.com"])
def test_out_of_turn(play, path, who):
    def story(side):
        for how in ({}, {"accept": JSON}):
            for method in ("GET", "POST", "PUT"):
                side.client = side.browser()
                if who != "nobody":
                    side.login(who)
                side.send(method, path, **how)
                side.get("/")
        note_factors(side, "joe@lp.com")

    story.label = f"out of turn {path} {who}"
    play(story, with_codes())


def test_codes_need_a_fresh_proof(play):
    def story(side):
        side.login(remember=True)
        side.client.drop("session")
        side.get("/mf-recovery-codes")
        side.get("/mf-recovery-codes", accept=JSON)
        side.post("/mf-recovery-codes", json={})
        note_factors(side, "joe@lp.com")

    play(story, with_codes())


@pytest.mark.parametrize("number", [1, 12])
def test_how_many(play, number):
    def story(side):
        side.note("made", len(_make(side)))
        note_factors(side, WHOM)

    story.label = f"{number} recovery codes"
    play(story, with_codes(multi_factor_recovery_codes_n=number))


def test_keys_are_changed(pool):
    """Codes that an older key has encrypted are still good."""
    from lib import config as configs
    from lib import seed, server
    from lib.scenario import PEER_ONLY, Side

    database = pool.folder / "recovery-keys.db"
    before = configs.make(with_codes(multi_factor_recovery_codes_keys=KEYS[:1]))
    after = configs.make(with_codes(multi_factor_recovery_codes_keys=[KEYS[1], KEYS[0]]))
    for kind in ["peer"] if PEER_ONLY else ["peer", "lychgate"]:
        seed.copy(pool.seed(before), database)
        first = server.Server(kind, pool.aimed(before, kind), database, pool.folder).wait()
        codes = _make(Side(first, pool.mail[kind], pool.sms[kind]))
        first.stop()
        second = server.Server(kind, pool.aimed(after, kind), database, pool.folder).wait()
        try:
            side = Side(second, pool.mail[kind], pool.sms[kind])
            begin(side, WHOM)
            assert side.post("/mf-recovery", json={"code": codes[0]}).status == 200
        finally:
            second.stop()


def test_codes_that_are_too_old(play):
    def story(side):
        codes = _make(side)
        begin(side, WHOM)
        side.post("/mf-recovery", json={"code": codes[0]})

    play(story, with_codes(multi_factor_recovery_codes_keys=KEYS, multi_factor_recovery_code_ttl=-1))


def test_renamed(play):
    def story(side):
        sign_in(side, WHOM, "authenticator")
        assert "CUSTOM MF RECOVERY CODES" in side.get("/codes").text
        codes = side.post("/codes", json={}).response["recovery_codes"]
        side.client = side.browser()
        begin(side, WHOM)
        assert "CUSTOM MF RECOVERY" in side.get("/lost").text
        side.post("/lost", json={"code": codes[0]})

    names = {
        "multi_factor_recovery_codes_url": "/codes",
        "multi_factor_recovery_url": "/lost",
        "multi_factor_recovery_codes_template": "custom_security/mf_recovery_codes.html",
        "multi_factor_recovery_template": "custom_security/mf_recovery.html",
    }
    play(story, with_codes(**names))


def test_with_csrf_tokens(play):
    def story(side):
        token = side.get("/login", accept=JSON).csrf()
        begin(side, WHOM, csrf_token=token)
        code = app_of(side, WHOM).code()
        token = side.post("/tf-validate", json={"code": code, "csrf_token": token}).csrf()
        side.post("/mf-recovery-codes", json={})
        side.post("/mf-recovery-codes")
        reply = side.post("/mf-recovery-codes", json={"csrf_token": token})
        codes = reply.response["recovery_codes"]
        side.client = side.browser()
        token = side.get("/login", accept=JSON).csrf()
        begin(side, WHOM, csrf_token=token)
        side.post("/mf-recovery", json={"code": codes[0]})
        page = side.get("/mf-recovery")
        side.post("/mf-recovery", form={"code": codes[0], "csrf_token": page.csrf()})

    play(story, dict(with_codes(), csrf={"enabled": True}))


def test_other_second_factors(play):
    def story(side):
        codes = _make(side, WHO["email"], "email")
        begin(side, WHO["email"])
        mailed(side)
        side.post("/mf-recovery", json={"code": codes[0]})
        side.get("/profile", accept=JSON)

    play(story, with_codes())


# One database

WAYS = pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])


@WAYS
@pytest.mark.parametrize("keys", [[], KEYS], ids=["plain", "encrypted"])
def test_made_by_one_and_used_at_the_other(shared, made, used, keys):
    more = {"multi_factor_recovery_codes_keys": keys} if keys else {}
    sides = shared(with_codes(**more))
    a, b = sides[made], sides[used]
    codes = _make(a)
    b.client = b.browser()
    begin(b, WHOM)
    assert b.post("/mf-recovery", json={"code": codes[2]}).status == 200
    assert b.get("/profile", accept=JSON).status == 200
    # Used there, it is used up here too.
    a.client = a.browser()
    begin(a, WHOM)
    assert a.post("/mf-recovery", json={"code": codes[2]}).status == 400
    assert a.post("/mf-recovery", json={"code": codes[0]}).status == 200
    if keys:
        assert len(a.get("/mf-recovery-codes", accept=JSON).response["recovery_codes"]) == 3
