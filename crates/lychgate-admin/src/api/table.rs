//! The routes in words.

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Number,
    Flag,
    Texts,
    Object,
    Objects,
}

use Kind::{Flag, Number, Object, Objects, Text, Texts};

/// Name, kind and meaning of members of a JSON object.
type Members = &'static [(&'static str, Kind, &'static str)];

/// What is read.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [(&'static str, &'static str)],
    /// Nothing for a table.
    pub(super) reply: Members,
}

/// What changes something, or looks at something that is sent.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) body: Members,
    /// Besides a message.
    pub(super) reply: Members,
    pub(super) fresh: bool,
}

const fn page(path: &'static str, summary: &'static str, reply: Members) -> Page {
    Page { path, summary, query: &[], reply }
}

const fn change(path: &'static str, summary: &'static str, body: Members) -> Change {
    Change { path, summary, body, reply: &[], fresh: true }
}

impl Page {
    const fn asked(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }
}

impl Change {
    const fn replying(self, reply: Members) -> Self {
        Self { reply, ..self }
    }

    const fn not_fresh(self) -> Self {
        Self { fresh: false, ..self }
    }
}

const LIST: &[(&str, &str)] = &[
    ("q", "What address or username begins with, or an id."),
    ("anywhere", "`yes`: `q` may stand anywhere in them."),
    ("role", "Who has this role."),
    ("active", "`yes` or `no`."),
    ("confirmed", "`yes` or `no`."),
    ("second_factor", "`yes` or `no`."),
    ("state", "`waiting`, `declined`, `suspended` or `locked`."),
    ("sort", "`id`, `email`, `last_sign_in` or `created`; with `-` before it turned round."),
    ("limit", "1 to 100 on a page."),
    ("column", "Columns of the page and of the table, several times; JSON has all."),
    ("after", "`next` of another page."),
    ("before", "`previous` of another page."),
];

pub(super) static PAGES: &[Page] = &[
    page(
        "/",
        "How things are",
        &[
            ("users", Number, "All accounts."),
            ("waiting", Number, "Accounts that wait for approval, counted to 1000."),
            ("suspended", Number, "Suspended accounts, counted to 1000."),
            ("signed_in_today", Number, "Sign-ins since midnight, UTC."),
            ("failed_last_hour", Number, "Sign-ins that failed in the last hour."),
            ("dead_letters", Number, "Mails and text messages that were given up."),
            ("waiting_letters", Number, "Those that are to be sent."),
            ("days", Objects, "Sign-ins and failures of the last 14 days: `day`, `sign_ins`, `failures`."),
            ("chart", Text, "Nothing for programs."),
        ],
    ),
    page(
        "/users",
        "A page of the users",
        &[
            ("users", Objects, "The users of this page."),
            ("next", Text, "For `after`, if there are more."),
            ("previous", Text, "For `before`, if there are some before."),
            ("cut", Flag, "Whether more than 1000 match `q`, of whom the first by name are listed."),
            ("anywhere", Flag, "Whether `q` was looked for anywhere, as nobody begins so."),
            ("total", Number, "All accounts."),
        ],
    )
    .asked(LIST),
    page("/users.csv", "The same list as a table", &[]).asked(LIST),
    page("/users/new", "What a new account can be given", &[("all_roles", Texts, "Names of roles.")]),
    page("/users/import", "What a table may hold", &[("most", Number, "The most accounts in one.")]),
    page(
        "/users/bulk/progress",
        "How far the last change of many users is",
        &[(
            "job",
            Object,
            "`action`, `by`, `state` (`running`, `done`, `cancelled`, `stopped`), `total`, `seen`, `changed`, `not_changed`, `refused`.",
        )],
    ),
    page(
        "/users/{id}",
        "A user",
        &[
            ("subject", Object, "The user as in the list."),
            ("has_password", Flag, "Whether there is a password."),
            ("phone", Text, "The number that signs in."),
            ("recovery_codes", Number, "Recovery codes that are left."),
            ("sign_ins", Number, "How often the user signed in."),
            ("last_sign_in_from", Text, "The address of the last sign-in."),
            ("deletion_due_at", Text, "When the account will be deleted."),
            (
                "passwords_wait_until",
                Text,
                "Until when the next password is not looked at, as too many were wrong; null where nobody waits.",
            ),
            ("subject_roles", Objects, "Roles with what they permit and where they come from."),
            ("missing_roles", Texts, "Roles that the user has not."),
            ("subject_permissions", Texts, "All that the roles permit."),
            ("sessions", Objects, "Where the user is signed in."),
            ("passkey_list", Objects, "Passkeys."),
            ("api_keys", Objects, "API keys that are not taken back, without what is kept of them."),
            ("refresh_families", Objects, "Families of refresh tokens that go on."),
            (
                "impersonation",
                Object,
                "Whether the caller `may` act as this user, and `why` not; nothing if that is off.",
            ),
            ("activity", Objects, "What happened lately, the last first."),
            ("is_self", Flag, "Whether it is the caller."),
        ],
    ),
    page(
        "/approvals",
        "Who waits, and who was invited",
        &[
            ("waiting_users", Objects, "Who waits, the longest first."),
            ("invitations", Objects, "Invitations, the newest first."),
            ("all_roles", Texts, "Names of roles."),
            ("can_invite", Flag, "Whether registration is on."),
        ],
    ),
    page("/roles", "All roles", &[("roles", Objects, "Name, description, permissions and how many have it.")]),
    page(
        "/rights",
        "Who has a permission and why; why a request was refused",
        &[
            ("permission", Text, "What was asked for."),
            ("refusal", Text, "The reference that was asked for."),
            ("people", Objects, "Who has the permission, with `why`."),
            ("next", Text, "For `after`."),
            ("next_url", Text, "The query of the next page."),
            ("refused", Object, "The request that was refused: what it needed and what was missing."),
        ],
    )
    .asked(&[
        ("permission", "Name of a permission, or `role:` and the name of a role."),
        ("refusal", "The reference that the reply to a refused request shows."),
        ("after", "`next` of another page."),
    ]),
    page(
        "/sessions",
        "Who is signed in",
        &[
            ("sessions", Objects, "The last to sign in first."),
            ("next", Text, "For `before`."),
            ("next_url", Text, "The query of the next page."),
        ],
    )
    .asked(&[("before", "`next` of another page.")]),
    page(
        "/audit",
        "The audit log",
        &[
            ("entries", Objects, "Entries, the last first."),
            ("next", Number, "For `before`; nothing on the last page."),
            ("next_url", Text, "The query of the next page."),
            ("on", Flag, "Whether anything is entered."),
            ("asked_user", Text, "As it was asked for."),
            ("asked_kind", Text, "As it was asked for."),
            ("asked_request", Text, "As it was asked for."),
        ],
    )
    .asked(&[
        ("user", "Id of a user who did it or whom it is about."),
        ("kind", "What happened."),
        ("request", "Id of a request."),
        ("before", "`next` of another page."),
    ]),
    page(
        "/outbox",
        "What is to be sent, and what could not be",
        &[("items", Objects, "The newest first, without what they say."), ("state", Text, "As it was asked for.")],
    )
    .asked(&[("state", "`waiting`, `sent` or `dead`.")]),
    page(
        "/settings",
        "The settings as they run; secrets are dotted out",
        &[
            ("settings", Objects, "Name, value, source and meaning."),
            ("profile", Text, "`flask` or `modern`."),
            ("warnings", Texts, "What is odd about them."),
            ("q", Text, "As it was asked for."),
            ("all", Flag, "Whether those are listed that nobody has set."),
        ],
    )
    .asked(&[("q", "A part of name or meaning."), ("all", "`yes`: also those that nobody has set.")]),
];

const REASON: Members = &[("reason", Text, "Its owner is told.")];
const GIVEN: Members = &[
    ("role", Text, "Name of a role."),
    ("ask", Flag, "Say what it would do to the user, and do nothing."),
    ("confirm", Flag, "Do it although `ask` is there."),
];
const GIVEN_CHANGE: Members = &[
    ("action", Text, "With `ask`: what was asked about."),
    ("role_name", Text, "With `ask`: the role."),
    ("person", Object, "With `ask`: the user."),
    ("concerned", Objects, "With `ask`: what the user would gain or lose; nothing if nothing."),
    ("concerned_more", Flag, "With `ask`: whether there are more of them."),
];
const USER: Members = &[("id", Number, "Id of the user.")];
const ITEM: Members = &[("id", Text, "Id of the item.")];
const TABLE: Members = &[("csv", Text, "A table whose first line names the columns.")];
const CHECKED: Members = &[
    ("most", Number, "The most accounts in a table."),
    ("lines", Objects, "Each line with its mistake."),
    ("right", Number, "Lines that can be imported."),
    ("wrong", Number, "Lines with a mistake."),
    ("csv", Text, "Nothing for programs."),
];
const RESULTS: Members = &[
    ("action", Text, "What was done."),
    ("results", Objects, "Each with `done` and `error`."),
    ("changed", Number, "How many were changed."),
];
const ROLE_CHANGE: Members = &[
    ("role", Object, "Without `confirm`: the role."),
    ("gained", Texts, "Permissions that are new."),
    ("lost", Texts, "Permissions that are gone."),
    ("concerned", Objects, "Without `confirm`: the first of the people who would gain or lose by it."),
];
const CONFIRM: (&str, Kind, &str) = ("confirm", Flag, "Do it; without it, say what would be done.");

pub(super) static CHANGES: &[Change] = &[
    change(
        "/users/create",
        "Make an account",
        &[
            ("email", Text, "The address."),
            ("username", Text, "The username."),
            ("role", Texts, "Names of roles."),
            ("confirmed", Flag, "Whether the address counts as confirmed."),
            ("invite", Flag, "Mail its owner a link to choose a password."),
        ],
    )
    .replying(&[("id", Number, "Id of the new user.")]),
    change(
        "/users/bulk",
        "Change several users",
        &[
            ("action", Text, "`activate`, `deactivate`, `end-sessions`, `send-reset`, `reset-access` or `delete`."),
            ("id", Texts, "Ids of 1 to 100 users."),
            ("all", Flag, "Instead: all whom a list finds, in the background."),
            ("matching", Text, "The query of that list, such as `role=editor&active=yes`."),
            CONFIRM,
        ],
    )
    .replying(&[
        ("action", Text, "What was asked for."),
        ("subjects", Objects, "Without `confirm`: whom it is about."),
        ("count", Number, "Without `confirm`, of all in a list: how many they are."),
        ("results", Objects, "Each user with `done` and `error`."),
        ("changed", Number, "How many were changed."),
        ("total", Number, "How many the background has to do."),
    ]),
    change("/users/bulk/cancel", "Cancel the change of many users that is running", &[]),
    change("/users/bulk/resume", "Go on with one that stopped or was cancelled", &[]),
    change("/users/import", "Look at a table of accounts", TABLE).replying(CHECKED).not_fresh(),
    change("/users/import/run", "Make the accounts of a table, if no line has a mistake", TABLE).replying(RESULTS),
    change("/users/{id}/activate", "Let an account be used", &[]),
    change("/users/{id}/deactivate", "Let an account not be used; its sessions end", &[]),
    change(
        "/users/{id}/suspend",
        "Suspend an account",
        &[("until", Text, "A day, or a time (RFC 3339); nothing for no end."), ("reason", Text, "Its owner is told.")],
    ),
    change("/users/{id}/unsuspend", "End a suspension", &[]),
    change("/users/{id}/lock", "Lock an account; all that was signed in ends", REASON),
    change("/users/{id}/unlock", "Open a locked account", &[]),
    change("/users/{id}/delete", "Delete an account", &[("confirm", Text, "The address of the account.")]),
    change("/users/{id}/reset-access", "Take away all that lets anybody in but the password", &[]),
    change("/users/{id}/send-reset", "Mail a link for a new password", &[]),
    change("/users/{id}/end-session", "End a session", &[("session", Text, "Its id, as the lists show it.")]),
    change("/users/{id}/end-sessions", "End all that a user is signed in with", &[]),
    change(
        "/users/{id}/revoke-key",
        "Take an API key back",
        &[("key", Text, "Its id, as the page of the user shows it.")],
    ),
    change(
        "/users/{id}/end-refresh",
        "End a family of refresh tokens",
        &[("family", Text, "Its id, as the page of the user shows it.")],
    ),
    change("/users/{id}/impersonate", "Act as a user, from the next request on", REASON).replying(&[
        ("until", Text, "When it ends by itself (RFC 3339)."),
        ("csrf_token", Text, "The CSRF token for the next request."),
    ]),
    change("/users/{id}/give-role", "Give a role", GIVEN).replying(GIVEN_CHANGE),
    change("/users/{id}/take-role", "Take a role away", GIVEN).replying(GIVEN_CHANGE),
    change("/approvals/approve", "Approve an account", USER),
    change(
        "/approvals/decline",
        "Decline an account",
        &[("id", Number, "Id of the user."), ("reason", Text, "Its owner is told.")],
    ),
    change(
        "/approvals/invite",
        "Invite somebody",
        &[("email", Text, "The address."), ("role", Texts, "Roles that the account gets.")],
    ),
    change("/approvals/uninvite", "Take an invitation back", &[("email", Text, "The address.")]),
    change(
        "/roles/create",
        "Make a role",
        &[
            ("role", Text, "Its name."),
            ("description", Text, "What it is for."),
            ("permissions", Texts, "What it permits."),
        ],
    ),
    change(
        "/roles/permissions",
        "Replace what a role permits",
        &[("role", Text, "Its name."), ("permissions", Texts, "All that it permits from now on."), CONFIRM],
    )
    .replying(ROLE_CHANGE),
    change("/roles/delete", "Delete a role", &[("role", Text, "Its name."), CONFIRM]).replying(ROLE_CHANGE),
    change("/outbox/retry", "Try a dead letter again", ITEM),
    change("/outbox/drop", "Drop a dead letter", ITEM),
    change("/outbox/test", "Send a mail to one's own address at once", &[]).replying(&[("to", Text, "The address.")]),
    change("/outbox/check", "Ask the mail server whether it would take mails", &[]).replying(&[(
        "to",
        Text,
        "Where mails go.",
    )]),
];
