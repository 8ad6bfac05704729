//! Registration.

use crate::settings::setting::{DAY, Setting, choice, duration, flag, list, opt_text, path, text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("registerable", false).means("Whether people can register."),
    path("register_url", "/register").means("Route of the registration page."),
    opt_text("post_register_view").means("Where a browser goes after registration; off for `post_login_view`."),
    text("register_user_template", "security/register_user.html").means("Template of the registration page."),
    flag("use_register_v2", true).means("Whether the unified registration form is used rather than the older pair."),
    flag("password_confirm_required", true).means("Whether the registration form asks for the password twice."),
    flag("send_register_email", true).means("Whether a welcome mail is sent."),
    text("register_email_template", "security/email/welcome").means("Template of the welcome mail."),
    text("register_email_existing_template", "security/email/welcome_existing").means(
        "Template of the mail to somebody whose address is registered already, with \
             generic replies.",
    ),
    text("register_email_existing_username_template", "security/email/welcome_existing_username").means(
        "Template of the mail to somebody who asked for a taken user name, with generic \
             replies.",
    ),
    choice("register_mode", &["open", "domain", "invitation", "approval", "closed"], "open").means(
        "Who may register: anybody, people with an address in `register_domains`, the invited, anybody whom an operator \
         then approves, or nobody. An invitation lets in under each of them.",
    ),
    duration("invitation_within", 7 * DAY).means("How long an invitation works."),
    text("invitation_salt", "invitation-salt").means("Salt of invitations."),
    text("invitation_email_template", "security/email/invitation").means("Template of the mail with an invitation."),
    text("email_subject_invitation", "You are invited").means("Subject of that mail."),
    text("account_approved_email_template", "security/email/account_approved")
        .means("Template of the mail to somebody whose account was approved."),
    text("email_subject_account_approved", "Your account is ready").means("Subject of that mail."),
    list("register_domains", &[]).means("Domains of mail addresses that may register."),
];
