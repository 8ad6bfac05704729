"""The intended differences, each with its reason and what Lychgate must answer instead.

This list mirrors docs/COMPATIBILITY.md, with those of second factors in `differences_factors.py`.  A difference is
matched by scenario and by the path of the place inside the reply; its check sees both values, so that a declared place
cannot hide an undeclared change.
"""

import json
import re
from urllib.parse import unquote

from . import differences_factors as factors
from .difference import MISSING, Difference, StepDifference, same, status, unsigned

FORMAT = {"allow", "json", "text", "type", "charset", "vary", "page", "body", "empty"}


def _error_in_json(peer, ours):
    code = status(ours)
    return (
        code in (400, 404, 405)
        and (peer.get("type"), ours.get("type")) == ("text/html", "application/json")
        and (ours.get("empty") or ours["json"]["meta"]["code"] == code and bool(ours["json"]["response"]["errors"]))
        and same(peer, ours, FORMAT)
    )


def _signed_in(reply):
    return "_user_id" in reply.get("session", {})


def _refused(peer, ours):
    """The peer signs in, Lychgate does not and says so."""
    return _signed_in(peer) and not _signed_in(ours) and status(ours) in (200, 400)


def _plain(text):
    """Without any escaping, however deep."""
    while isinstance(text, str) and text != unquote(text):
        text = unquote(text)
    return text


STEPS = [
    StepDifference(
        "never-5xx",
        "the reference fails on input that it does not expect; Lychgate refuses it",
        "",
        lambda peer, ours: status(peer) >= 500 and status(ours) < 500,
    ),
    StepDifference(
        "error-format",
        "a client that asked for JSON gets 404, 405 and failures of the application-wide CSRF check in JSON too",
        "",
        _error_in_json,
    ),
    StepDifference(
        "accept",
        "media types are compared without regard to case, and q=0 means not acceptable (RFC 9110 8.3.1, 12.4.2)",
        "",
        lambda peer, ours: status(ours) < 500,
        r"^accept '(APPLICATION/JSON|application/json;q=0)'",
    ),
    StepDifference(
        "strict-signature",
        "a signature is accepted in one spelling only",
        r"^2[45] POST /login",
        _refused,
        "^csrf errors",
    ),
    StepDifference(
        "field-twice",
        "a form that gives a field twice is refused, because two readers may take different ones",
        "^[18] POST /login",
        _refused,
        "^test_form_shapes",
    ),
    StepDifference(
        "form-encoding",
        "a form that is not percent-encoded UTF-8 is refused instead of read with replacements",
        "^9 POST /login",
        lambda peer, ours: (status(peer), status(ours)) == (200, 400),
        "^test_form_shapes",
    ),
    StepDifference(
        "next-as-written",
        "a target is judged as it will be written into Location: escaped slashes pass, what could be a host does not",
        "",
        lambda peer, ours: _refused(peer, ours)
        or (_refused(ours, peer) and str(ours.get("location") or "/%5C/").startswith("/%5C/")),
        r"^next (/\\\\/evil.example|\\x19////evil.example|//)$",
    ),
    StepDifference(
        "subdomain-own-routes",
        "the setting moves the library's routes; on which hosts the application's own answer is the application's",
        r"GET /page1$",
        lambda peer, ours: (status(peer), status(ours)) == (404, 200),
        "^test_subdomain",
    ),
    StepDifference(
        "plain-text-password",
        "a password column in plain text never signs in",
        "^([3-6] |now)",
        lambda peer, ours: True,
        "^rehash plaintext",
    ),
    StepDifference(
        "logout-get",
        "where signing out needs a CSRF token, following a link shows the page that asks for the click",
        "GET /logout",
        lambda peer, ours: status(peer) == 302 and status(ours) == 200 and _signed_in(ours),
        "^test_get_with_a_csrf_check",
    ),
    StepDifference(
        "options",
        "OPTIONS names the methods; its empty body has no type, and the application's own routes answer as axum does",
        " OPTIONS /",
        lambda peer, ours: (peer["status"], peer["allow"]) == (ours["status"], ours["allow"])
        or (status(ours) == 405 and set(peer["allow"]) - set(ours["allow"]) == {"OPTIONS"}),
    ),
    StepDifference(
        "generic-recover",
        "recovering a username looks the same for everybody",
        "POST /recover-username",
        lambda peer, ours: (status(peer), status(ours), ours["location"]) == (200, 302, "/login"),
        "^generic recover username form:",
    ),
    StepDifference(
        "outside-the-root",
        "what lies outside of the application's root is answered by whoever mounts it; the root needs no slash",
        r"^[123] GET /(login|app)?$",
        lambda peer, ours: (status(peer), status(ours)) in ((404, 404), (308, 200)),
        "^test_application_root",
    ),
]
# What zxcvbn says in the stories, and the message that stands for it.
WARNINGS = {
    'Repeats like "abcabcabc" are only slightly harder to guess than "abc".': "Repeating something makes it hardly any harder to guess.",
    "This is a top-10 common password.": "Hardly any password is as common as this one.",
    "This is a top-100 common password.": "A great many people use this password.",
    "This is a very common password.": "Many people use this password.",
    "This is similar to a commonly used password.": "This looks much like a password that many people use.",
    "A word by itself is easy to guess.": "One word alone is easy to guess.",
}  # fmt: skip

DECLARED = [
    Difference(
        "session-sent",
        "a session cookie is sent when its content changed; what it holds after each reply is compared beside this",
        r"cookies > session$",
        lambda peer, ours: MISSING in (peer, ours),
    ),
    Difference(
        "vary",
        "a reply that does not depend on the session does not vary by cookie; test_safer.py has the pages that do",
        r"> vary$",
        lambda peer, ours: peer == ["cookie"] and ours == [],
    ),
    Difference(
        "own-form",
        "what the testbed's own form answers when it refuses is each application's own",
        r"POST /form > (json|page|body|text|type|charset)\b",
        lambda peer, ours: True,
    ),
    Difference(
        "own-json",
        "how an own route words that it wants JSON is each application's own",
        r"(GET|POST) /json(_auth)? > (type|charset|body|page)$",
        lambda peer, ours: True,
    ),
    Difference(
        "own-allow",
        "the application's own routes name their methods as axum does",
        r"> allow$",
        lambda peer, ours: set(peer) - set(ours) == {"OPTIONS"} and set(ours) < set(peer),
    ),
    Difference(
        "token-grace",
        "a request with a token does not write a grace period into somebody's session",
        r"/fresh.* > session > fs_gexp$",
        lambda peer, ours: peer == "int now+3600" and ours == MISSING,
        r"^(token /fresh|test_tokens|csrf .*, token$)",
    ),
    Difference(
        "csrf-before-fresh",
        "a request refused for its CSRF token does not extend the grace period",
        r"POST /fresh > session > fs_gexp$",
        lambda peer, ours: peer == "int now+3600" and ours == MISSING,
        r"^csrf .*, session$",
    ),
    Difference(
        "logout-anonymous",
        "signing out drops what a session holds also when nobody is signed in with it",
        r"POST /logout > session > (csrf_token|fs_paa)$",
        lambda peer, ours: ours == MISSING,
    ),
    Difference(
        "csrf-cookie-asked",
        "the sign-in page asks for the CSRF cookie whoever opens it",
        r"GET /login > session > fs_cc$",
        lambda peer, ours: (peer, ours) == (MISSING, "set"),
        "^test_the_cookie_alone_signs_in_but_is_not_fresh",
    ),
    Difference(
        "verify-grace",
        "proving identity again starts anew, so the grace period of the earlier proof goes",
        r"> session > fs_gexp$",
        lambda peer, ours: peer == "int now+3600" and ours == MISSING,
        r"^(protection basic|test_application_root)",
    ),
    Difference(
        "lazy-remember",
        "a page that needs nobody does not turn a remember cookie into a session",
        r"GET /page1 > session > (_user_id|_fresh)$",
        lambda peer, ours: ours == MISSING,
        "^attributes",
    ),
    Difference(
        "remember-identifier",
        "a session that a remember cookie made carries the identifier too, so it is protected like any other",
        r"> session > _id$",
        lambda peer, ours: peer == MISSING,
        r"^(attributes |test_cookie_attributes|test_bad_cookies|test_the_cookie_alone)",
    ),
    Difference(
        "dead-session",
        "a session that nobody is signed in with is left as it is; it opens nothing",
        r"> session > (_fresh|_user_id)$",
        lambda peer, ours: True,
        "^test_(deactivation|a_new_uniquifier_ends_everything|a_deleted_user)",
    ),
    Difference(
        "identifier-address",
        "the session's identifier takes the address from trusted hops only",
        r"> session > (_id|_fresh)$",
        lambda peer, ours: True,
        "^test_(tracking_behind_proxies|identifier_follows_forwarded_address)",
    ),
    Difference(
        "basic-normalised",
        "a password is normalised for HTTP Basic as it is for the form, because that is what was stored",
        r"GET /http > (status|body|www-authenticate)$",
        lambda peer, ours: True,
        "^test_(passwords_are_normalised|basic_passwords_with_colons_and_letters)",
    ),
    Difference(
        "unauthorized-relative",
        "a view may be named relative to the library everywhere",
        r"> location$",
        lambda peer, ours: (peer, ours) == (".login", "/login"),
        r"^unauthorized view \.login",
    ),
    Difference(
        "redisplay",
        "a form that is shown again holds what was typed",
        r"fields > username > value$",
        lambda peer, ours: isinstance(ours, str) and peer in ("", ours.strip()),
    ),
    Difference(
        "address-not-an-identity",
        "where the address is no identity and usernames are off nobody can sign in by the form; the field says so itself",
        r"> (page > forms > login_user_form > fields > email|json > response > field_errors > (email)?)$",
        lambda peer, ours: MISSING in (peer, ours)
        and (ours == ["User does not exist."] or peer in (MISSING, ["User does not exist."])),
        "^identities: username",
    ),
    Difference(
        "generic-neither",
        "generic replies also when no identity was given",
        r"",
        lambda peer, ours: (peer, ours) == ("User does not exist.", "Generic authn failed."),
        "^test_generic_replies_with_username",
    ),
    Difference(
        "referrer-text",
        "how a missing or foreign Referer is worded is each side's own",
        r"> json > response > errors > 0$",
        lambda peer, ours: "referrer" in peer and ("page" in ours),
        "^test_referrer_over_https",
    ),
    Difference(
        "csrf-shown",
        "every page that refuses for the CSRF token says so",
        r"POST /(verify|login) > page > errors$",
        lambda peer, ours: peer == [] and len(ours) == 1 and ours[0].startswith("The CSRF"),
    ),
    Difference(
        "csrf-no-session",
        "a token without a session is told as such, whoever checks it",
        r"> (json > response|page) > (errors|field_errors > csrf_token) > 0$",
        lambda peer, ours: peer == "The CSRF tokens do not match." and ours == "The CSRF session token is missing.",
    ),
    Difference(
        "csrf-no-session-made",
        "a refused request does not get a session",
        r"> session > csrf_token$",
        lambda peer, ours: (peer, ours) == ("<raw>", MISSING),
        "^(csrf|test_the_session_keeps_its_token)",
    ),
    Difference(
        "query-spelling",
        "the address that was asked for keeps its spelling",
        r"> (location|action|value)$",
        lambda peer, ours: _plain(peer) == _plain(ours),
        "^kept ",
    ),
    Difference(
        "relative-location",
        "redirects within the site are relative (RFC 9110 10.2.2)",
        r"> location$",
        lambda peer, ours: peer == f"http://localhost{ours}",
    ),
    Difference(
        "host-spelling",
        "a host keeps its spelling",
        r"> location$",
        lambda peer, ours: (peer, ours) == ("http://a.lp.com/", "http://A.lp.com/"),
    ),
    Difference(
        "foreign-host",
        "a page of an unexpected host is not carried on as an address there",
        r"> location$",
        lambda peer, ours: (peer, ours) == ("/login?next=http://other.example/profile", "/login?next=/profile"),
        "^test_server_name",
    ),
    Difference(
        "root-slash",
        "the root of the application is its address with the slash",
        r"> location$",
        lambda peer, ours: (peer, ours) == ("/app", "/app/"),
        "^test_application_root",
    ),
    Difference(
        "row-as-written",
        "what a reply tells of a user that was just written is what was written",
        r"> json > response > user > last_update$",
        lambda peer, ours: peer is None and ours == "<http date>",
    ),
    Difference(
        "one-error-a-field",
        "a username that cannot be used is not looked up as well",
        r"POST /register > (json > response > (errors|field_errors > username)|page > errors)$",
        lambda peer, ours: peer[:1] == ours and len(peer) == 2 and "already associated" in peer[1],
        "^register username taken",
    ),
    Difference(
        "strength-words",
        "why a password is weak is told in the words of Lychgate's own messages",
        r"> (errors|field_errors > (new_)?password) > 0$",
        lambda peer, ours: peer in WARNINGS and ours == WARNINGS[peer],
        "strength",
    ),
    Difference(
        "next-in-action",
        "every form carries `next` in its address",
        r"> (register_user|forgot_password|change_password|send_login)_form > action$",
        lambda peer, ours: ours.startswith(f"{peer}?next="),
    ),
    Difference(
        "form-as-sent",
        "a form that is shown again holds what was typed, also for somebody signed in",
        r"POST /reset > page > forms > forgot_password_form > fields > email > value$",
        lambda peer, ours: (peer, ours) == ("joe@lp.com", "matt@lp.com"),
    ),
    Difference(
        "csrf-shown-everywhere",
        "every page that refuses for the CSRF token says so",
        r"POST /[a-z-]+(/\S+)? > page > errors$",
        lambda peer, ours: peer == [] and len(ours) == 1 and ours[0].startswith("The CSRF"),
        "^test_(with_csrf_tokens|csrf_tokens_still_matter)",
    ),
    Difference(
        "remember-identifier-here",
        "a session that a remember cookie made carries the identifier too, so it is protected like any other",
        r"> session > _id$",
        lambda peer, ours: peer == MISSING,
        "^test_(user_without_password_must_be_fresh|remembered_users|what_ends|only_fresh_sessions|everything_signed_in)",
    ),
    Difference(
        "grace-ends-with-a-new-session",
        "a new sign-in, as after a change of password, starts without the grace period of the earlier one",
        r"/change > session > fs_gexp$",
        lambda peer, ours: peer == "int now+3600" and ours == MISSING,
        "^test_user_without_password$",
    ),
    Difference(
        "token-grace-here",
        "a request with a token does not write a grace period into somebody's session",
        r"> session > fs_gexp$",
        lambda peer, ours: peer == "int now+3600" and ours == MISSING,
        "^test_by_token$",
    ),
    Difference(
        "dead-session-here",
        "a session that nobody is signed in with is left as it is; it opens nothing",
        r"GET /profile > session > (_fresh|_user_id)$",
        lambda peer, ours: True,
        "^test_(everything_signed_in_ends|what_ends_and_what_goes_on)",
    ),
    Difference(
        "csrf-no-session-for-refused",
        "a request that is refused for its CSRF token does not get a session",
        r"> session > csrf_token$",
        lambda peer, ours: (peer, ours) == ("<raw>", MISSING),
        "^test_(with_csrf_tokens|csrf_tokens_still_matter)",
    ),
    Difference(
        "nothing-to-clear",
        "where nobody was signed in, and there is no CSRF cookie, nothing is marked to be cleared",
        r"> session > fs_cc$",
        lambda peer, ours: (peer, ours) == ("clear", MISSING),
    ),
    Difference(
        "generic-as-typed",
        "where replies must not tell, an address is shown as it was typed, not as it is stored",
        r"POST /login > page > flashes > 0 > 1$",
        lambda peer, ours: peer != ours and peer.lower() == ours.lower(),
        "^generic passwordless",
    ),
    Difference(
        "generic-user",
        "generic replies to a registration have the same members for everybody",
        r"POST /register > json > response > (user|tf_required)$",
        lambda peer, ours: ours == MISSING,
        "^generic register",
    ),
    Difference(
        "generic-no-sign-in",
        "with generic replies nobody is signed in by registering, because that would tell",
        r"(POST /register|GET /profile) > (session > (_\w+|fs_\w+|csrf_token)|json > (message|meta|response)|status|text|type)$",
        lambda peer, ours: True,
        "^generic register, at once, .*: new$",
    ),
    Difference(
        "generic-recover-flash",
        "recovering a username looks the same for everybody",
        r"GET / > page > flashes$",
        lambda peer, ours: (peer, ours) == ([], [["info", "Username recovery request."]]),
        "^generic recover username form:",
    ),
    Difference(
        "token-in-every-form",
        "a form carries its CSRF token also where the check lets strangers off",
        r"> (session > csrf_token|fields > csrf_token)$",
        lambda peer, ours: peer == MISSING and ours in ("<raw>", {"type": "hidden", "value": "<csrf>"}),
        "^test_forms_keep_their_redirects",
    ),
    Difference(
        "passwordless-user",
        "asking for a sign-in link tells nothing of the user",
        r"POST (/api/accounts)?/login > json > response > user$",
        lambda peer, ours: ours == MISSING,
        "^(ask for a link|generic passwordless|spa|follow a sign-in link|test_(following_while_signed_in|pages|bad_links)|"
        "test_(with_csrf_tokens|expired_links_are_replaced|lines_of_the_mail))",
    ),
    Difference(
        "link-in-action",
        "a form behind a mailed link is sent to that link",
        r"> action$",
        lambda peer, ours: unsigned(peer) == unsigned(ours) != peer,
    ),
]


def undeclared(scenario, peer, ours):
    """Texts for every difference that nothing declares."""
    found = []
    if len(peer) != len(ours):
        found.append(f"the peer took {len(peer)} steps, Lychgate {len(ours)}")
    for (name, theirs), (_, mine) in zip(peer, ours):
        if theirs == mine or _matches(STEPS + factors.STEPS, scenario, name, theirs, mine):
            continue
        for path, left, right in _walk(theirs, mine, name):
            if not _matches(DECLARED + factors.DECLARED, scenario, path, left, right):
                found.append(f"{path}\n    peer:     {_show(left)}\n    lychgate: {_show(right)}")
    return found


def _matches(rules, scenario, path, left, right):
    return any(
        re.search(rule.scenario, scenario) and re.search(rule.where, path) and rule.check(left, right)
        for rule in rules
    )


def _walk(left, right, path):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right), key=str):
            yield from _walk(left.get(key, MISSING), right.get(key, MISSING), f"{path} > {key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (mine, other) in enumerate(zip(left, right)):
            yield from _walk(mine, other, f"{path} > {index}")
    elif left != right or type(left) is not type(right):
        yield path, left, right


def _show(value):
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) < 600 else text[:600] + "…"
