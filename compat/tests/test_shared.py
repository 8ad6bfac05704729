"""One database and one secret, both servers running: what one issues the other honours, what one ends is over."""

import threading

import pytest

JSON = "application/json"
GOOD = {"email": "joe@lp.com", "password": "password"}
WAYS = pytest.mark.parametrize("made, used", [("peer", "lychgate"), ("lychgate", "peer")])


def _pair(shared, made, used, changes=None):
    sides = shared(changes)
    return sides[made], sides[used]


def _status(side, path="/profile", **how):
    return side.browser().get(path, accept=JSON, **how).status


@WAYS
def test_session(shared, made, used):
    a, b = _pair(shared, made, used)
    a.login()
    cookies = {"session": a.client.cookie("session")}
    reply = b.browser().get("/profile", accept=JSON, cookies=cookies)
    assert (reply.status, reply.json) == (200, {"message": "profile"})
    assert "Welcome joe@lp.com" in b.browser().get("/", cookies=cookies).text
    assert _status(b, "/fresh", cookies=cookies) == 200
    assert _status(b, "/admin_or_editor", cookies=cookies) == 200
    assert _status(b, "/admin", cookies=cookies) == 403


@WAYS
def test_a_session_goes_to_and_fro(shared, made, used):
    a, b = _pair(shared, made, used)
    a.login()
    for side in (b, a, b, a):
        side.client.jar = dict(a.client.jar)
        assert side.get("/fresh", accept=JSON).status == 200
        a.client.jar = dict(side.client.jar)
    b.client.jar = dict(a.client.jar)
    assert b.post("/logout", json={}).status == 200
    assert b.get("/profile", accept=JSON).status == 401
    a.client.jar = dict(b.client.jar)
    assert a.get("/profile", accept=JSON).status == 401


@WAYS
def test_remember_cookie(shared, made, used):
    a, b = _pair(shared, made, used)
    a.login(remember=True)
    b.client.jar = {("remember_token", "/"): a.client.cookie("remember_token")}
    assert b.get("/profile", accept=JSON).status == 200
    assert b.get("/fresh", accept=JSON).status == 401
    a.client.jar = {("session", "/"): b.client.cookie("session")}
    assert a.get("/profile", accept=JSON).status == 200
    assert a.get("/fresh", accept=JSON).status == 401
    assert a.post("/verify", json={"password": "password"}).status == 200
    b.client.jar = dict(a.client.jar)
    assert b.get("/fresh", accept=JSON).status == 200


@WAYS
def test_auth_token(shared, made, used):
    a, b = _pair(shared, made, used)
    token = a.token()
    assert _status(b, "/token", token=token) == 200
    assert _status(b, "/fresh", token=token) == 200
    assert b.browser().post("/json_auth", json={"a": 1}, token=token).json == {"a": 1}


@WAYS
def test_csrf_token(shared, made, used):
    a, b = _pair(shared, made, used, {"csrf": {"enabled": True}})
    token = a.get("/login", accept=JSON).csrf()
    b.client.jar = dict(a.client.jar)
    assert b.post("/login", json=dict(GOOD, csrf_token=token + "x")).status == 400
    reply = b.post("/login", json=dict(GOOD, csrf_token=token))
    assert reply.status == 200
    a.client.jar = dict(b.client.jar)
    assert a.post("/verify", json={"password": "password", "csrf_token": reply.csrf()}).status == 200
    form = a.get("/form").csrf()
    b.client.jar = dict(a.client.jar)
    assert b.post("/form", form={"message": "hi", "csrf_token": form}).json == {"message": "hi"}


@WAYS
def test_flashed_message(shared, made, used):
    a, b = _pair(shared, made, used)
    a.get("/profile")
    b.client.jar = dict(a.client.jar)
    assert '<li class="error">Unauthenticated.</li>' in b.get("/").text
    assert "Unauthenticated." not in b.get("/").text


@WAYS
def test_rehashed_password(shared, made, used):
    from libpass_hashes import HASHES

    a, b = _pair(shared, made, used)
    for old in ("bcrypt", "pbkdf2_sha512", "sha512_crypt", "argon2"):
        a.execute("UPDATE user SET password = ? WHERE email = 'joe@lp.com'", HASHES[old])
        assert a.browser().post("/login", json=GOOD).status == 200
        (now,) = a.query("SELECT password FROM user WHERE email = 'joe@lp.com'")[0]
        assert now != HASHES[old]
        assert b.browser().post("/login", json=GOOD).status == 200
        assert b.browser().post("/login", json=dict(GOOD, password="wrong")).status == 400
        assert a.query("SELECT password FROM user WHERE email = 'joe@lp.com'")[0][0] == now


@WAYS
def test_deactivation_is_seen_by_the_next_request(shared, made, used):
    a, b = _pair(shared, made, used)
    a.login(remember=True)
    token = a.token()
    b.client.jar = dict(a.client.jar)
    for _ in range(3):
        for side in (a, b):
            assert side.get("/profile", accept=JSON).status == 200
            assert _status(side, "/token", token=token) == 200
        a.execute("UPDATE user SET active = 0 WHERE email = 'joe@lp.com'")
        for side in (a, b):
            assert side.get("/profile", accept=JSON).status == 401
            assert _status(side, "/token", token=token) == 401
            assert _status(side, "/http", basic=("joe@lp.com", "password")) == 401
            assert _status(side, cookies={"remember_token": a.client.cookie("remember_token")}) == 401
        a.execute("UPDATE user SET active = 1 WHERE email = 'joe@lp.com'")


@WAYS
def test_roles_are_seen_by_the_next_request(shared, made, used):
    a, b = _pair(shared, made, used)
    a.login()
    b.client.jar = dict(a.client.jar)
    for _ in range(3):
        assert [side.get("/admin", accept=JSON).status for side in (a, b)] == [403, 403]
        a.execute(
            "INSERT INTO roles_users (user_id, role_id)"
            " SELECT user.id, role.id FROM user, role WHERE email = 'joe@lp.com' AND role.name = 'admin'"
        )
        assert [side.get("/admin", accept=JSON).status for side in (a, b)] == [200, 200]
        a.execute("DELETE FROM roles_users WHERE role_id = (SELECT id FROM role WHERE name = 'admin')")


@WAYS
def test_a_new_uniquifier_ends_sessions_and_tokens(shared, made, used):
    a, b = _pair(shared, made, used)
    a.login(remember=True)
    token = a.token()
    b.client.jar = dict(a.client.jar)
    a.execute("UPDATE user SET fs_uniquifier = 'ffffffffffffffffffffffffffffffff' WHERE email = 'joe@lp.com'")
    for side in (a, b):
        assert side.get("/profile", accept=JSON).status == 401
        assert _status(side, "/token", token=token) == 401


def test_logins_are_counted_by_both(shared):
    sides = shared({"security": {"trackable": True}})
    for kind in ("peer", "lychgate", "peer", "lychgate", "lychgate"):
        sides[kind].login(client=sides[kind].browser())
    row = sides["peer"].query(
        "SELECT login_count, last_login_ip, current_login_ip, last_login_at <= current_login_at FROM user"
        " WHERE email = 'joe@lp.com'"
    )
    assert row == [(5, "127.0.0.1", "127.0.0.1", 1)]


def test_both_write_at_once(shared):
    """Neither keeps the other waiting past its patience, and no count is lost between different users."""
    sides = shared({"security": {"trackable": True}})
    failed, rounds = [], 15

    def run(side, email):
        for _ in range(rounds):
            reply = side.browser().post("/login", json={"email": email, "password": "password"})
            if reply.status != 200:
                failed.append((side.kind, email, reply.status, reply.text[:200]))

    work = [
        threading.Thread(target=run, args=(sides[kind], email))
        for kind, emails in (("peer", ("matt@lp.com", "dave@lp.com")), ("lychgate", ("joe@lp.com", "jill@lp.com")))
        for email in emails
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert not failed
    counts = sides["peer"].query("SELECT login_count FROM user WHERE login_count IS NOT NULL")
    assert counts == [(rounds,)] * 4


@WAYS
def test_sessions_survive_a_restart(pool, made, used):
    """Nothing that a client holds depends on the process that issued it."""
    from lib import config as configs
    from lib import seed, server
    from lib.scenario import Side

    config = configs.make({"csrf": {"enabled": True}})
    database = pool.folder / f"restart-{made}.db"
    seed.copy(pool.seed(config), database)
    kind = made if pool.mail and not _peer_only() else "peer"
    first = server.Server(kind, pool.aimed(config, kind), database, pool.folder).wait()
    side = Side(first, pool.mail[kind], pool.sms[kind])
    token = side.get("/login", accept=JSON).csrf()
    reply = side.post("/login?include_auth_token", json=dict(GOOD, remember=True, csrf_token=token))
    assert reply.status == 200
    jar = dict(side.client.jar)
    first.stop()
    second = server.Server(kind, pool.aimed(config, kind), database, pool.folder).wait()
    try:
        side = Side(second, pool.mail[kind], pool.sms[kind])
        side.client.jar = jar
        assert side.get("/fresh", accept=JSON).status == 200
        assert side.post("/verify", json={"password": "password", "csrf_token": reply.csrf()}).status == 200
        auth = reply.response["user"]["authentication_token"]
        assert _status(side, "/token", token=auth) == 200
        assert _status(side, cookies={"remember_token": side.client.cookie("remember_token")}) == 200
    finally:
        second.stop()


def _peer_only():
    from lib.scenario import PEER_ONLY

    return PEER_ONLY
