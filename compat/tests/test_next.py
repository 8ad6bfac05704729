"""Where a sign-in may lead: every way of writing `next`, from the form, the query and the configuration."""

import pytest
from urllib.parse import quote

GOOD = {"email": "joe@lp.com", "password": "password"}

INPUTS = [
    "/page1", "page1", "?x=1", "#f", "/page1?a=1&b=2#frag", "/", "", " ", "/a b", "/é", "%2Fpage1", "/%2Fpage1",
    "/page1?a=é", "/page1?next=http://evil.example", "/page1?a=%26&b=%3D", "/page1#é", "./page1", "../page1",
    "http://localhost/x", "https://localhost/x", "//localhost/x", "http://localhost", "//localhost",
    "http://localhost:80/x", "HTTP://LOCALHOST/x", "http://LOCALHOST/x", "http://user:pw@localhost/", "http://localhost.",
    "http://evil.example", "https://evil.example/", "//evil.example", "//evil.example/x", "http://localhost@evil.example/",
    "http://localhost.evil.example/", "http://evil.example\\.localhost/x", "http://evil.example#localhost",
    "http://evil.example?localhost", "http://evil.example:80\\@localhost/", "///evil.example", "////evil.example",
    "/////evil.example", "http:evil.example", "http:/evil.example", "http:///evil.example", "https:evil.example",
    "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "ftp://localhost/x",
    "mailto:a@lp.com", "file:///etc/passwd", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\\/evil.example",
    " //evil.example", "\t//evil.example", "\n//evil.example", "\x19//evil.example", "/\t/evil.example", "/\n/evil.example",
    " ///evil.example", "\x19////evil.example", "\u200a///evil.example", "/..//evil.example", "/.//evil.example",
    "/page1\r\nX-Injected: 1", "/page1%0d%0aX-Injected:%201", "/page1\x00", "//", "///", "//\\evil.example", "http://",
    "https:", "http:", ":", "//:80", "http://[::1]/", "http://[::1", "//[::1]/x",
    "security.login", ".login", "index", "profile", "page_1", "static", "login", "nothing.such",
    "@evil.example", "/@evil.example", "localhost", "localhost:80", "evil.example", "?next=//evil.example", ";x", "/;x",
]  # fmt: skip


def _label(text):
    return text.encode("unicode_escape").decode()


@pytest.mark.parametrize("text", INPUTS, ids=_label)
def test_next(play, text):
    def story(side):
        side.browser().post("/login", form=dict(GOOD, next=text))
        side.browser().post("/login?next=" + quote(text, safe=""), form=GOOD)
        side.browser().post("/login", json=dict(GOOD, next=text))
        side.browser().get("/login?next=" + quote(text, safe=""))

    story.label = f"next {_label(text)}"
    play(story)


def test_which_source_wins(play):
    def story(side):
        side.browser().post("/login?next=/page1", form=dict(GOOD, next="/profile"))
        side.browser().post("/login?next=/page1", form=dict(GOOD, next=""))
        side.browser().post("/login?next=//evil.example", form=dict(GOOD, next="/profile"))
        side.browser().post("/login?next=/page1", form=dict(GOOD, next="//evil.example"))
        side.browser().post("/login?next=/page1&next=/profile", form=GOOD)
        side.browser().post("/login?next=/page1", json=GOOD)
        client = side.browser()
        side.login(client=client)
        client.post("/login?next=/page1", form=dict(GOOD, next="/profile"))
        client.post("/logout?next=/page1")
        side.login(client=client)
        client.post("/logout", form={"next": "/profile"})
        client.post("/logout?next=//evil.example")
        client.post("/logout?next=http://localhost/x")

    play(story, {"security": {"post_login_view": "/post_login", "post_logout_view": "/post_logout"}})


@pytest.mark.parametrize("text", ["/page1?a=1&b=2", "/x?next=/y", "/x%20y", "/é", "/a+b", "/a'b(c)*d,e;f:g@h!$"])
def test_the_address_asked_for_is_kept(play, text):
    def story(side):
        side.get("/profile?q=" + quote(text, safe=""))
        side.get("/post_login" + quote(text, safe="/?=&'()*,;:@!$"))
        reply = side.get("/session?x=" + quote(text, safe=""))
        where = reply.header("location")
        side.get(where)
        side.post(where, form=GOOD)

    story.label = f"kept {_label(text)}"
    play(story)


SUBDOMAINS = [
    "http://lp.com/x", "http://a.lp.com/x", "https://a.b.lp.com/x", "http://alp.com", "http://lp.com.evil.example/",
    "http://lp.com:80/", "//a.lp.com/x", "http://A.lp.com/", "http://evil.example/.lp.com", "/page1",
    "http://.lp.com/", "http://lp.com@evil.example/",
]  # fmt: skip


def test_subdomains_of_the_server_name(play):
    def story(side):
        for text in SUBDOMAINS:
            client = side.browser(host="lp.com")
            client.post("/login", form=dict(GOOD, next=text))
            client.post("/login?next=" + quote(text, safe=""), form=GOOD)

    play(story, {"server_name": "lp.com", "security": {"redirect_allow_subdomains": True}})


def test_subdomains_stay_closed_by_default(play):
    def story(side):
        for text in SUBDOMAINS:
            side.browser(host="lp.com").post("/login", form=dict(GOOD, next=text))

    play(story, {"server_name": "lp.com"})


def test_listed_subdomains_of_another_domain(play):
    def story(side):
        for host in ("blog.", "my.photo.", "", "other.", "x.blog.", "evil", "photo."):
            for scheme in ("http://", "https://", "//"):
                side.browser().post("/login", form=dict(GOOD, next=f"{scheme}{host}bigidea.example/x"))
        side.browser().post("/login", form=dict(GOOD, next="http://blog.bigidea.example:80/x"))

    security = {
        "redirect_base_domain": "bigidea.example",
        "redirect_allowed_subdomains": ["my.photo", "blog", "."],
        "redirect_allow_subdomains": True,
    }
    play(story, {"security": security})
