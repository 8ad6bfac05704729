"""The intended differences of second factors, recovery codes, passkeys and unified sign-in."""

import re

from .difference import MISSING, Difference, StepDifference, same, status, unsigned

# What is compared beside each of these, or declared elsewhere.
AROUND = {"session", "cookies", "vary"}
# What a session holds of a second factor, and of whoever is signed in with it.
PENDING = r"> session > tf_(state|user_id|primary_method|totp_secret)$"


def _in(reply):
    return reply.get("session", {}).get("_user_id")


def _own_template(peer, ours):
    """The peer's templates hold the words alone, those of the testbed stand in its page."""
    words = peer.get("body") or ""
    shown = (ours.get("page") or {}).get("paragraphs", [])
    return words.startswith("CUSTOM ") and words in shown and same(peer, ours, AROUND | {"body", "page", "text"})


STEPS = [
    StepDifference("own-template", "what an application's template holds is its own", "GET /", _own_template),
    StepDifference(
        "foreign-key-second",
        "the passkey that comes second must belong to whoever proved the first factor",
        "",
        lambda peer, ours: _in(peer) == "<matt@lp.com>" and _in(ours) is None and status(ours) in (400, 401, 200),
        "^test_somebody_elses_key_is_no_second_factor$",
    ),
    StepDifference(
        "second-step-deactivated",
        "an account that was deactivated in the meantime is not signed in",
        "",
        lambda peer, ours: _in(peer) and not _in(ours) and status(ours) in (302, 400, 401),
        "^(test_deactivated_in_between$|passkey of a deactivated user)",
    ),
    StepDifference(
        "out-of-turn-stays-in",
        "who is signed in and has no business with the second step is told so, and stays signed in",
        r"(GET|POST) /(tf-validate|profile)?$",
        lambda peer, ours: _in(ours) == "<joe@lp.com>" and not _in(peer) and status(ours) in (200, status(peer)),
        "^out of turn /tf-validate joe@lp.com",
    ),
    StepDifference(
        "second-step-again",
        "a code that comes twice does not sign out whom it has signed in",
        "POST /tf-validate$",
        lambda peer, ours: _in(ours) and not _in(peer) and status(ours) == status(peer),
        "^second factor ",
    ),
    StepDifference(
        "basic-second-factor",
        "HTTP Basic is refused to users with a second factor",
        "GET /http$",
        lambda peer, ours: (status(peer), status(ours)) == (200, 401),
        "^test_basic_asks_for_no_second_factor$",
    ),
    StepDifference(
        "recovery-code-spelling",
        "capitals, spaces and missing dashes of a recovery code are forgiven",
        "",
        lambda peer, ours: not _in(peer) and _in(ours) and status(ours) == 200,
        "^recovery code with (capitals|spaces around|without dashes)$",
    ),
    StepDifference(
        "nothing-to-disable",
        "who has no second factor is told that there is none to switch off",
        "POST /tf-setup$",
        lambda peer, ours: status(peer) in (200, 302)
        and ("Two factor method not available." in str(ours) and status(ours) in (200, 400)),
        r"^set up refused .*disable",
    ),
    StepDifference(
        "setup-wrong-code-again",
        "a browser with a wrong code at set-up is asked again, and need not begin anew",
        r"POST /(tf|us)-setup/",
        lambda peer, ours: (status(peer), status(ours)) == (302, 200) and ours["page"]["errors"],
        "^((unified, )?set up |test_setup_states)",
    ),
    StepDifference(
        "code-once",
        "a code works once",
        r"POST /us-signin$",
        lambda peer, ours: _in(peer) and not _in(ours) and status(ours) in (200, 400) and "Invalid password code." in str(ours),
        "^unified, code by ",
    ),
    StepDifference(
        "link-takes-a-click",
        "a mailed link may ask for a click, which is a POST",
        r"POST /us-verify-link$",
        lambda peer, ours: status(peer) == 405 and status(ours) in (302, 400),
    ),
    StepDifference(
        "unified-next-in-address",
        "a target that is none is refused in the address too, as everywhere",
        r"(POST /us-signin\?next=http://evil|GET /profile$)",
        lambda peer, ours: _in(peer) and not _in(ours) and status(ours) in (200, 401),
        "^unified, next query http://evil.example$",
    ),
    StepDifference(
        "password-needs-no-setup",
        "a password is not set up here",
        r"POST /us-setup$",
        lambda peer, ours: status(ours) in (200, 400) and "Us method not available." in str(ours),
        "^unified, (methods|set up refused .*'password')",
    ),
]
DECLARED = [
    Difference(
        "setup-wrong-code-told",
        "a wrong code at set-up is told at once, and not again on the next page",
        r"GET / > page > flashes$",
        lambda peer, ours: ours == [] and all("nvalid " in text for _, text in peer),
        "^(set up with a wrong code form|unified, set up .* form)$",
    ),
    Difference(
        "setup-state",
        "a set-up of somebody signed in is kept in its state token, not in the session",
        PENDING,
        lambda peer, ours: ours == MISSING,
    ),
    Difference(
        "passkey-ends-the-step",
        "what a session holds of the second step goes with its end",
        PENDING,
        lambda peer, ours: ours == MISSING,
        "^test_not_as_first_factor$",
    ),
    Difference(
        "phone-before-proof",
        "a telephone number is stored when its code has come back, not before",
        r"factors of \S+ > tf > 1$",
        lambda peer, ours: (peer, ours) == ("650-273-3780", None),
    ),
    Difference(
        "payload-before-proof",
        "nothing about the user is shown before the second factor",
        r"GET /tf-validate > json > response > user$",
        lambda peer, ours: ours == MISSING,
    ),
    Difference(
        "no-next-of-its-own",
        "the page of the first factor is no target for after the second",
        r"> (location|action)$",
        lambda peer, ours: "next=http://localhost/" in str(peer) and unsigned(peer).partition("?")[0] == unsigned(ours),
    ),
    Difference(
        "no-next-of-its-own-followed",
        "the same, followed",
        r"POST /tf-validate\?next=http\S+ > location$",
        lambda peer, ours: peer.startswith("http://localhost/login") and ours == "/",
        "^second factor, next",
    ),
    Difference(
        "next-in-the-form",
        "a form carries `next` also where the address does",
        r"> fields > next > value$",
        lambda peer, ours: (peer, ours) == ("", "/page1"),
    ),
    Difference(
        "choice-required",
        "a choice that must be made is marked as required",
        r"> fields > (setup|help_setup|which|usage|chosen_method)=\w+ > required$",
        lambda peer, ours: (peer, ours) == (MISSING, True),
    ),
    Difference(
        "choice-shown-once",
        "the rescue page begins without a choice",
        r"> two_factor_rescue_form > fields > help_setup=\w+ > checked$",
        lambda peer, ours: (peer, ours) == (True, MISSING),
    ),
    Difference(
        "autocomplete",
        "fields that a browser can fill in, or must not, say so",
        r"> fields > (phone|code|identity|email|passcode) > autocomplete$",
        lambda peer, ours: peer in (MISSING, "email", "username", "off")
        and ours in ("tel", "off", "username", "username webauthn", "one-time-code", "current-password"),
    ),
    Difference(
        "codes-are-not-shown-again",
        "a code that was typed is not written into a page",
        r"> fields > (code|passcode) > value$",
        lambda peer, ours: ours == "",
    ),
    Difference(
        "no-rescue-at-set-up",
        "while a second factor is set up there is nothing to rescue",
        r"> two_factor_rescue_form$",
        lambda peer, ours: ours == MISSING,
        "^required ",
    ),
    Difference(
        "mail-is-email",
        "`mail`, the old name of `email`, means the same and sends a code",
        r"(> tf_(primary_)?method$|mails$)",
        lambda peer, ours: (peer, ours) == ("mail", "email") or peer == [] and len(ours) == 1,
        r"^set up refused .*'mail'",
    ),
    Difference(
        "send-failure-place",
        "that a code could not be sent is an error of the whole form",
        r"POST /tf-setup > (json > response > field_errors|page > (errors|form_errors|forms > \w+))$",
        lambda peer, ours: "Failed to send code." in str(peer) + str(ours) or "two_factor_verify_code_form" not in str(ours),
        "^sending fails",
    ),
    Difference(
        "send-failure-stays",
        "who could not be sent a code stays with the second step, where there are other ways",
        r"POST /login > location$",
        lambda peer, ours: (peer, ours) == ("/login", "/tf-validate"),
        "^sending fails",
    ),
    Difference(
        "refused-without-session",
        "a request that is refused gets no new session",
        r"> session > csrf_token$",
        lambda peer, ours: (peer, ours) == ("<raw>", MISSING),
        "^test_signing_out_in_between$",
    ),
    Difference(
        "reason-words",
        "why a passkey was refused is told in words of our own where there is more than one way to say it",
        r"(> (errors|credential|flashes > \d+|_flashes > \d+) > \d+)$",
        lambda peer, ours: peer.startswith("Webauthn no verify, cause ") and ours.startswith("Webauthn no verify, cause "),
        "^(register|sign in by passkey|helper)",
    ),
    Difference(
        "passkey-button",
        "each passkey is deleted by its own button",
        r"> forms > wan_delete_form( > fields > (name > (required|type|value)|submit))?$",
        lambda peer, ours: ours == MISSING or (peer, ours) in (("text", "hidden"), ("", "key")),
    ),
    Difference(
        "passkey-form",
        "the form that leads to a passkey names its address, in the reference its button",
        r"GET /(verify|login|us-signin|us-verify)\S* > page > forms > wan_(verify|signin)_form > (action|fields > (submit|wan_signin|next))$",
        lambda peer, ours: ours in (None, MISSING, "/wan-signin", "/wan-verify") or (peer == MISSING and ours["type"] == "hidden"),
    ),
    Difference(
        "whole-choice",
        "the choice above the first code is the whole one, with what switches off",
        r"POST /tf-setup > page > forms > two_factor_setup_form > fields > setup=disable$",
        lambda peer, ours: peer == MISSING,
    ),
    Difference(
        "no-hint-no-field",
        "where hints are switched off nobody is asked for one",
        r"GET /wan-signin > page > forms > wan_signin_form > fields > identity$",
        lambda peer, ours: ours == MISSING,
        "^test_without_hints$",
    ),
    Difference(
        "refused-and-told",
        "a passkey that is not deleted for its CSRF token: the page says so",
        r"POST /wan-delete > session > _flashes$",
        lambda peer, ours: peer == MISSING and len(ours) == 1 and ours[0][1].startswith("The CSRF"),
        "^test_with_csrf_tokens$",
    ),
    Difference(
        "passkey-autofill",
        "the sign-in page offers passkeys where the address is filled in",
        r"> forms > passkey_autofill_form$",
        lambda peer, ours: peer == MISSING,
    ),
    Difference(
        "remember-hidden",
        "a box that is not ticked is empty, because every other text means a tick",
        r"> wan_signin_response_form > fields > remember > value$",
        lambda peer, ours: (peer, ours) == ("False", ""),
    ),
    Difference(
        "errors-shown",
        "every page that refuses a form says why",
        r"POST /(wan-register|tf-setup|tf-rescue|tf-select|us-setup|us-verify|us-signin)\S* > page > errors$",
        lambda peer, ours: peer == [] and len(ours) == 1,
    ),
    Difference(
        "remember-identifier-factors",
        "a session that a remember cookie made carries the identifier too, so it is protected like any other",
        r"> session > _id$",
        lambda peer, ours: peer == MISSING and bool(re.fullmatch("[0-9a-f]{128}", ours)),
        "^(test_(stale_sessions|codes_need_a_fresh_proof|setup_needs_a_fresh_proof|remember_and_token)$|unified, verify )",
    ),
    Difference(
        "verify-grace-factors",
        "proving identity again starts anew, so the grace period of the earlier proof goes",
        r"> session > fs_gexp$",
        lambda peer, ours: peer == "int now+3600" and ours == MISSING,
        "^(verify by passkey|unified, verify)",
    ),
    Difference(
        "first-way-chosen",
        "the first way to send a code is chosen to begin with",
        r"> us_\w+_form > fields > chosen_method=\w+ > checked$",
        lambda peer, ours: (peer, ours) == (MISSING, True),
    ),
    Difference(
        "set-up-anew",
        "a way that is set up can be set up anew, with another telephone for one",
        r"/us-setup > page > forms > us_setup_form > fields > (chosen_method=\w+|phone|submit)$",
        lambda peer, ours: peer == MISSING,
    ),
    Difference(
        "phone-as-typed",
        "a form that is shown again holds what was typed",
        r"> us_setup_form > fields > phone > value$",
        lambda peer, ours: peer == "" and ours != "",
    ),
    Difference(
        "generic-members",
        "replies that must not tell cases apart have the same members",
        r"POST /us-signin/send-code > json > response > (available_methods|code_methods|identity_attributes)$",
        lambda peer, ours: ours == MISSING,
    ),
    Difference(
        "odd-types",
        "a number where a text belongs is told as such",
        r"> (errors|field_errors)( > (chosen_method)?)?( > 0)?$",
        lambda peer, ours: True,
        r"'chosen_method': 7\}",
    ),
    Difference(
        "link-tells-nothing",
        "a link that does not count tells nothing of the account it was made for",
        r"(GET /us-verify-link\?id=\S+ > location|> session > _flashes > \d+ > 1)$",
        lambda peer, ours: ours in ("Invalid code.", "/spa/error?error=Invalid+code.")
        and (peer.startswith("/spa/error?error=") or peer == "Disabled account."),
        "^bad sign-in links",
    ),
    Difference(
        "link-takes-a-click-too",
        "a mailed link may ask for a click, which is a POST",
        r"(PUT /us-verify-link > allow|GET / > page > flashes)$",
        lambda peer, ours: set(ours) - set(peer) == {"POST"} if "GET" in peer else (peer, ours) == ([], [["error", "Api error."]]),
        "^out of turn /us-verify-link",
    ),
    Difference(
        "one-way-to-send",
        "where there is one way to send a code there is nothing to choose",
        r"> us_(signin|verify)_form > fields > chosen_method(=\w+)?$",
        lambda peer, ours: ours in (MISSING, {"type": "hidden", "value": "email"}, {"type": "hidden", "value": "sms"}),
        "^unified, ",
    ),
]
