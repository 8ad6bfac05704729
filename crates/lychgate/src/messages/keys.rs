//! The keys of all messages.
//!
//! Those of Flask-Security keep their names, as applications override texts by them; our own stand
//! in the same list.

use super::MessageKey;

/// Declares the keys and the list of them.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident)+) => {
        $($(#[doc = $doc])+ pub const $name: MessageKey = MessageKey(stringify!($name));)+

        pub(super) const ALL: &[MessageKey] = &[$($name),+];
    };
}

keys! {
    /// A value of a request has the wrong type.
    API_ERROR
    /// Signing in failed, without saying why.
    GENERIC_AUTHN_FAILED
    /// A page needs a signed-in user.
    UNAUTHENTICATED
    /// A role or permission is missing.
    UNAUTHORIZED
    /// A page needs a fresh proof of identity.
    REAUTHENTICATION_REQUIRED
    /// The fresh proof was given.
    REAUTHENTICATION_SUCCESSFUL
    /// A page is for visitors who are not signed in.
    ANONYMOUS_USER_REQUIRED
    /// Flask-Login's request to sign in.
    LOGIN
    /// Flask-Login's request to sign in again.
    REFRESH
    /// The password is wrong.
    INVALID_PASSWORD
    /// The password or code is wrong.
    INVALID_PASSWORD_CODE
    /// The password is missing.
    PASSWORD_NOT_PROVIDED
    /// Nobody has this identity.
    USER_DOES_NOT_EXIST
    /// The user is not active.
    DISABLED_ACCOUNT
    /// `next` leads to another site.
    INVALID_REDIRECT
    /// The mail address is missing.
    EMAIL_NOT_PROVIDED
    /// The mail address is malformed.
    INVALID_EMAIL_ADDRESS
    /// The mail address is taken; `email`.
    EMAIL_ALREADY_ASSOCIATED
    /// An identity is taken; `attr`, `value`.
    IDENTITY_ALREADY_ASSOCIATED
    /// Another service's identity is unknown; `id`.
    IDENTITY_NOT_REGISTERED
    /// The phone number is malformed.
    PHONE_INVALID
    /// The user name is missing.
    USERNAME_NOT_PROVIDED
    /// The user name is too short or long; `min`, `max`.
    USERNAME_INVALID_LENGTH
    /// The user name holds other characters than allowed.
    USERNAME_DISALLOWED_CHARACTERS
    /// The user name is taken; `username`.
    USERNAME_ALREADY_ASSOCIATED
    /// The user name was changed.
    USERNAME_CHANGE
    /// The user name was asked for by mail.
    USERNAME_RECOVERY_REQUEST
    /// Input holds characters that are not allowed.
    INVALID_INPUT
    /// Input is too long; `length`.
    INVALID_INPUT_LENGTH
    /// A required field is empty.
    FIELD_REQUIRED
    /// A field holds none of its choices.
    INVALID_CHOICE
    /// The password is too short or long; `length`.
    PASSWORD_INVALID_LENGTH
    /// The password is easy to guess.
    PASSWORD_TOO_SIMPLE
    /// Why the password is easy to guess: it is a row of keys.
    PASSWORD_KEYBOARD_ROW
    /// Why the password is easy to guess: it is a short pattern on the keyboard.
    PASSWORD_KEYBOARD_PATTERN
    /// Why the password is easy to guess: it repeats one character.
    PASSWORD_REPEATED_CHARACTER
    /// Why the password is easy to guess: it repeats a few characters.
    PASSWORD_REPEATED_WORD
    /// Why the password is easy to guess: it is among the ten most common ones.
    PASSWORD_MOST_COMMON
    /// Why the password is easy to guess: it is among the hundred most common ones.
    PASSWORD_VERY_COMMON
    /// Why the password is easy to guess: it is a common one.
    PASSWORD_COMMON
    /// Why the password is easy to guess: it is like a common one.
    PASSWORD_LIKE_A_COMMON_ONE
    /// Why the password is easy to guess: it is a run of letters or digits.
    PASSWORD_SEQUENCE
    /// Why the password is easy to guess: it is a recent year.
    PASSWORD_YEAR
    /// Why the password is easy to guess: it is a single word.
    PASSWORD_SINGLE_WORD
    /// Why the password is easy to guess: it is a date.
    PASSWORD_DATE
    /// Why the password is easy to guess: it is a name.
    PASSWORD_NAME
    /// Why the password is easy to guess: it holds a common name.
    PASSWORD_COMMON_NAME
    /// The password is known from a breach.
    PASSWORD_BREACHED
    /// Breaches could not be looked up.
    PASSWORD_BREACHED_SITE_ERROR
    /// The new password equals the old one.
    PASSWORD_IS_THE_SAME
    /// Kept for its name: the passwords differ.
    PASSWORD_MISMATCH
    /// The repeated password differs.
    RETYPE_PASSWORD_MISMATCH
    /// The password was changed.
    PASSWORD_CHANGE
    /// The question beside the password field.
    FORGOT_PASSWORD
    /// A reset mail was sent; `email`.
    PASSWORD_RESET_REQUEST
    /// The reset link is too old; `within`.
    PASSWORD_RESET_EXPIRED
    /// The reset link is bad.
    INVALID_RESET_PASSWORD_TOKEN
    /// The password was reset and the user signed in.
    PASSWORD_RESET
    /// The password was reset.
    PASSWORD_RESET_NO_LOGIN
    /// Recovery was asked for, without saying whether the account exists.
    GENERIC_RECOVERY
    /// A confirmation mail was sent after registration; `email`.
    CONFIRM_REGISTRATION
    /// The mail address is not confirmed.
    CONFIRMATION_REQUIRED
    /// A confirmation mail was sent; `email`.
    CONFIRMATION_REQUEST
    /// The confirmation link is too old; `within`.
    CONFIRMATION_EXPIRED
    /// The confirmation link is bad.
    INVALID_CONFIRMATION_TOKEN
    /// The mail address was confirmed.
    EMAIL_CONFIRMED
    /// The mail address was confirmed before.
    ALREADY_CONFIRMED
    /// A mail went to the new address; `email`.
    CHANGE_EMAIL_SENT
    /// The mail address was changed.
    CHANGE_EMAIL_CONFIRMED
    /// The link to the new address is too old; `within`.
    CHANGE_EMAIL_EXPIRED
    /// A sign-in link was sent; `email`.
    LOGIN_EMAIL_SENT
    /// The sign-in link is too old; `within`, `email`.
    LOGIN_EXPIRED
    /// The sign-in link is bad.
    INVALID_LOGIN_TOKEN
    /// The sign-in link worked.
    PASSWORDLESS_LOGIN_SUCCESSFUL
    /// The code is wrong.
    INVALID_CODE
    /// A code was sent.
    CODE_HAS_BEEN_SENT
    /// A code could not be sent.
    FAILED_TO_SEND_CODE
    /// The text of a code message; `code`.
    USE_CODE
    /// The code of the second factor is wrong.
    TWO_FACTOR_INVALID_TOKEN
    /// The second factor was proved.
    TWO_FACTOR_LOGIN_SUCCESSFUL
    /// The second factor was set up.
    TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL
    /// The sign-in is not at this step.
    TWO_FACTOR_PERMISSION_DENIED
    /// The second factor asked for is not available.
    TWO_FACTOR_METHOD_NOT_AVAILABLE
    /// The second factor was switched off.
    TWO_FACTOR_DISABLED
    /// What the code of a second factor is called.
    SECOND_FACTOR_CODE
    /// A second factor: an authenticator app.
    SECOND_FACTOR_AUTHENTICATOR
    /// A second factor: codes by mail.
    SECOND_FACTOR_EMAIL
    /// A second factor: codes by text message.
    SECOND_FACTOR_SMS
    /// The second factor would prove what the first has proved.
    SECOND_FACTOR_SAME_WAY
    /// A token is not given for a password alone.
    JWT_SECOND_FACTOR
    /// Setting up took too long; `within`.
    TWO_FACTOR_SETUP_EXPIRED
    /// The recovery code is wrong.
    INVALID_RECOVERY_CODE
    /// There are no recovery codes.
    NO_RECOVERY_CODES_SETUP
    /// A code was asked for, without saying whether the account exists.
    GENERIC_US_SIGNIN
    /// The methods that are set up; `method_list`.
    US_CURRENT_METHODS
    /// The method asked for is not available.
    US_METHOD_NOT_AVAILABLE
    /// Setting up took too long; `within`.
    US_SETUP_EXPIRED
    /// A method was set up.
    US_SETUP_SUCCESSFUL
    /// The identity is missing or unknown.
    US_SPECIFY_IDENTITY
    /// A kind of code cannot go: nothing would be left to sign in with.
    US_LAST_WAY_IN
    /// A kind of code.
    CODE_BY_EMAIL
    /// A kind of code.
    CODE_BY_SMS
    /// A kind of code.
    CODE_BY_AUTHENTICATOR
    /// Not a code, but in the same list.
    CODE_PASSWORD
    /// Beside a kind of code that is set up.
    CODE_AGAIN
    /// The ceremony took too long; `within`.
    WEBAUTHN_EXPIRED
    /// The passkey's name is missing.
    WEBAUTHN_NAME_REQUIRED
    /// The passkey's name is taken; `name`.
    WEBAUTHN_NAME_INUSE
    /// There is no such passkey; `name`.
    WEBAUTHN_NAME_NOT_FOUND
    /// The passkey's name holds characters that are not allowed.
    WEBAUTHN_NAME_DISALLOWED_CHARACTERS
    /// A passkey was removed; `name`.
    WEBAUTHN_CREDENTIAL_DELETED
    /// A passkey was registered; `name`.
    WEBAUTHN_REGISTER_SUCCESSFUL
    /// The passkey is registered already.
    WEBAUTHN_CREDENTIAL_ID_INUSE
    /// The passkey is unknown.
    WEBAUTHN_UNKNOWN_CREDENTIAL_ID
    /// The passkey has no user.
    WEBAUTHN_ORPHAN_CREDENTIAL_ID
    /// The passkey's answer does not hold; `cause`.
    WEBAUTHN_NO_VERIFY
    /// The passkey is for another step.
    WEBAUTHN_CREDENTIAL_WRONG_USAGE
    /// The passkey is another user's.
    WEBAUTHN_MISMATCH_USER_HANDLE
    /// The user has as many passkeys as one may have; `count`.
    WEBAUTHN_TOO_MANY
    /// The passkey is all that its user can sign in with.
    WEBAUTHN_LAST_WAY_IN
    /// Another service failed; `exerror`, `exdesc`.
    OAUTH_HANDSHAKE_ERROR
    /// A refresh token was refused; `reason`.
    REFRESH_TOKEN_INVALID
    /// The CSRF token is missing.
    CSRF_MISSING
    /// The session holds no CSRF token.
    CSRF_NO_SESSION
    /// The CSRF token is bad.
    CSRF_INVALID
    /// The CSRF token is too old.
    CSRF_EXPIRED
    /// The CSRF token is another session's.
    CSRF_MISMATCH
    /// A request over https has no referrer.
    CSRF_REFERER_MISSING
    /// A request over https comes from another host.
    CSRF_REFERER_MISMATCH
    /// The browser says that a request comes from another site.
    CSRF_FOREIGN_ORIGIN
    /// The request cannot be understood.
    BAD_REQUEST
    /// The body is neither a form nor a JSON object.
    MALFORMED_BODY
    /// The body is too large.
    BODY_TOO_LARGE
    /// The body comes too slowly.
    BODY_TOO_SLOW
    /// The body is compressed.
    BODY_ENCODED
    /// A sent file is of a kind that is not taken, or not what its name says.
    UPLOAD_KIND
    /// The form has too many fields.
    TOO_MANY_FIELDS
    /// The address of the request may not ask for this.
    ADDRESS_NOT_ALLOWED
    /// There is no such page.
    NOT_FOUND
    /// The page does not take this method.
    METHOD_NOT_ALLOWED
    /// A rate limit was reached; `within`.
    TOO_MANY_REQUESTS
    /// The account is locked for a while; `within`.
    ACCOUNT_LOCKED
    /// There is too much to do, or the database cannot be reached.
    TRY_AGAIN_LATER
    /// Something failed inside.
    INTERNAL_ERROR
    /// Title of the part of the account page on address, username and password.
    ACCOUNT_SIGN_IN
    /// Title of the part of the account page on passkeys.
    ACCOUNT_PASSKEYS
    /// What a passkey is for, and when it was last used; `ago`.
    ACCOUNT_PASSKEY_FIRST
    /// The same of one that is a second step; `ago`.
    ACCOUNT_PASSKEY_SECOND
    /// The way to the first passkey.
    ACCOUNT_PASSKEY_ADD
    /// The way to the passkeys.
    ACCOUNT_PASSKEY_MANAGE
    /// Title of the part of the account page on second factors.
    ACCOUNT_SECOND_FACTOR
    /// Title of the part of the account page on API keys.
    ACCOUNT_API_KEYS
    /// The way to the first API key.
    ACCOUNT_API_KEY_ADD
    /// The way to the API keys.
    ACCOUNT_API_KEYS_MANAGE
    /// When an API key was used last; `ago`.
    API_KEY_USED
    /// An API key was never used.
    API_KEY_UNUSED
    /// An API key has expired.
    API_KEY_EXPIRED
    /// There is no such API key, or it was removed.
    API_KEY_UNKNOWN
    /// An API key was removed.
    API_KEY_REVOKED
    /// The name of an API key is too long, or holds what cannot be shown.
    API_KEY_NAME_INVALID
    /// An API key was to be given a permission that its owner does not have.
    API_KEY_SCOPE_MISSING
    /// There are as many API keys as may be; `count`.
    API_KEYS_TOO_MANY
    /// Something is switched on.
    ACCOUNT_ON
    /// Name of the row with the mail address.
    ACCOUNT_EMAIL
    /// The mail address is confirmed; `email`.
    ACCOUNT_EMAIL_CONFIRMED
    /// The mail address is not confirmed; `email`.
    ACCOUNT_EMAIL_UNCONFIRMED
    /// Name of the row with the username.
    ACCOUNT_USERNAME
    /// Name of the row on the password.
    ACCOUNT_PASSWORD
    /// When the password was changed; `ago`.
    ACCOUNT_PASSWORD_CHANGED
    /// A row of the account page: the kinds of code.
    ACCOUNT_CODES
    /// There is no username or no password.
    ACCOUNT_NONE
    /// Button that leads to a page where something is changed.
    ACCOUNT_CHANGE
    /// Button that leads to the page where the mail address is confirmed.
    ACCOUNT_CONFIRM
    /// Button that leads to a page where something is chosen for the first time.
    ACCOUNT_CHOOSE
    /// What the account page calls recovery codes.
    ACCOUNT_RECOVERY_CODES
    /// How many are left.
    ACCOUNT_RECOVERY_CODES_LEFT
    /// The button to the page that shows and makes them.
    ACCOUNT_RECOVERY_CODES_SHOW
    /// A session was ended from the account page.
    ACCOUNT_SESSION_ENDED
    /// There is no such session, or it has ended.
    ACCOUNT_SESSION_UNKNOWN
    /// A program was signed out from the account page.
    ACCOUNT_PROGRAM_ENDED
    /// There is no such program, or it was signed out.
    ACCOUNT_PROGRAM_UNKNOWN
    /// All other sessions were ended from the account page.
    ACCOUNT_OTHERS_ENDED
    /// The account will be deleted; `date`.
    ACCOUNT_DELETION_SCHEDULED
    /// Somebody signs in whose account will be deleted; `date`.
    ACCOUNT_DELETION_PENDING
    /// The deletion was asked for before.
    ACCOUNT_DELETION_ASKED
    /// The account cannot go: nobody would be left who may let others in.
    LAST_ADMINISTRATOR
    /// The account was deleted at once.
    ACCOUNT_DELETED
    /// The deletion was taken back.
    ACCOUNT_DELETION_CANCELLED
    /// A link that keeps an account is bad.
    ACCOUNT_KEEP_LINK_INVALID
    /// Less than a minute ago.
    AGO_NOW
    /// One minute ago.
    AGO_MINUTE
    /// Several minutes ago; `count`.
    AGO_MINUTES
    /// One hour ago.
    AGO_HOUR
    /// Several hours ago; `count`.
    AGO_HOURS
    /// One day ago.
    AGO_DAY
    /// Several days ago; `count`.
    AGO_DAYS
    /// One month ago.
    AGO_MONTH
    /// Several months ago; `count`.
    AGO_MONTHS
    /// One year ago.
    AGO_YEAR
    /// Several years ago; `count`.
    AGO_YEARS
    /// Somebody signed in.
    ACTIVITY_SIGNED_IN
    /// Activity: signed in with the password.
    ACTIVITY_SIGNED_IN_PASSWORD
    /// Activity: signed in by a mailed link.
    ACTIVITY_SIGNED_IN_LINK
    /// Activity: signed in with a passkey.
    ACTIVITY_SIGNED_IN_PASSKEY
    /// Activity: signed in by itself, as this device is remembered.
    ACTIVITY_SIGNED_IN_REMEMBERED
    /// Activity: made the account.
    ACTIVITY_REGISTERED
    /// Activity: somebody typed a wrong password or code.
    ACTIVITY_SIGN_IN_FAILED
    /// The same several times in a row; `count`.
    ACTIVITY_SIGN_IN_FAILED_OFTEN
    /// Activity: signed out.
    ACTIVITY_SIGNED_OUT
    /// Activity: signed another device out.
    ACTIVITY_SESSION_ENDED
    /// Activity: signed a program out.
    ACTIVITY_PROGRAM_ENDED
    /// Activity: signed out everywhere else.
    ACTIVITY_OTHERS_ENDED
    /// Activity: changed the password.
    ACTIVITY_PASSWORD_CHANGED
    /// Activity: chose a new password by a mailed link.
    ACTIVITY_PASSWORD_RESET
    /// Activity: confirmed the email address.
    ACTIVITY_EMAIL_CONFIRMED
    /// Activity: moved the account to another email address.
    ACTIVITY_EMAIL_CHANGED
    /// Activity: changed the user name.
    ACTIVITY_USERNAME_CHANGED
    /// Activity: changed the phone number.
    ACTIVITY_PHONE_CHANGED
    /// Activity: changed the kinds of code.
    ACTIVITY_SIGN_IN_METHODS_CHANGED
    /// Activity: changed the second factor.
    ACTIVITY_SECOND_FACTOR_CHANGED
    /// Activity: added the passkey called `detail`.
    ACTIVITY_PASSKEY_ADDED
    /// Activity: removed the passkey called `detail`.
    ACTIVITY_PASSKEY_REMOVED
    /// Activity: made new recovery codes.
    ACTIVITY_RECOVERY_CODES_REPLACED
    /// Activity: used a recovery code.
    ACTIVITY_RECOVERY_CODE_USED
    /// Activity: an old refresh token came back.
    ACTIVITY_REFRESH_TOKEN_REUSED
    /// Activity: made an API key; `detail`.
    ACTIVITY_API_KEY_ADDED
    /// Activity: removed an API key; `detail`.
    ACTIVITY_API_KEY_REVOKED
    /// Activity: secured the account by the link in a notice.
    ACTIVITY_SECURED
    /// Activity: what an administrator did, in `detail`.
    ACTIVITY_ADMINISTERED
    /// An administrator acts as the owner; `detail` is the reason.
    ACTIVITY_SUPPORT_BEGAN
    /// An administrator stopped acting as the owner.
    ACTIVITY_SUPPORT_ENDED
    /// Whoever acts as somebody else may not see or change this.
    IMPERSONATION_CLOSED
    /// Whoever acted as somebody else is themself again.
    IMPERSONATION_ENDED
    /// Nobody acts as somebody else here.
    IMPERSONATION_NONE
    /// Activity: downloaded the data of the account.
    ACTIVITY_DATA_EXPORTED
    /// Activity: asked for the account to be deleted.
    ACTIVITY_DELETION_ASKED
    /// Activity: kept the account.
    ACTIVITY_DELETION_CANCELLED
    /// A kind of activity that has no text of its own.
    ACTIVITY_OTHER
    /// The first administrator is to be created.
    SETUP_WELCOME
    /// The set-up link is bad.
    SETUP_LINK_INVALID
    /// The set-up link is too old.
    SETUP_LINK_EXPIRED
    /// There is an administrator already.
    SETUP_ALREADY_DONE
    /// The first administrator was created.
    SETUP_DONE
    /// The language is none of those to choose from.
    LANGUAGE_NOT_OFFERED
    /// A code that a mailed link showed is wrong, too old or of another request.
    RELAY_CODE_INVALID
    /// A form asks for a calculation of the browser that was not done.
    CHALLENGE_REQUIRED
    /// The link by which an owner says that it was not them is used, too old or not one of ours.
    NOT_ME_LINK_INVALID
    /// A notice: the second factor was changed.
    NOTICE_SECOND_FACTOR_CHANGED
    /// A notice: there is no second factor any more.
    NOTICE_SECOND_FACTOR_REMOVED
    /// A notice: the ways to sign in were changed.
    NOTICE_SIGN_IN_METHODS_CHANGED
    /// A notice: there is another phone number.
    NOTICE_PHONE_CHANGED
    /// A notice: a passkey was added; `name`.
    NOTICE_PASSKEY_ADDED
    /// A notice: a passkey was removed; `name`.
    NOTICE_PASSKEY_REMOVED
    /// A notice: the recovery codes were replaced.
    NOTICE_RECOVERY_CODES_REPLACED
    /// A notice: somebody signed in with a recovery code; `left` are left.
    NOTICE_RECOVERY_CODE_USED
    /// Notice: an old refresh token came back.
    NOTICE_REFRESH_TOKEN_REUSED
    /// Notice: an API key was made; `name`.
    NOTICE_API_KEY_ADDED
    /// Nobody may register.
    REGISTRATION_CLOSED
    /// The address is of a domain that may not register.
    REGISTRATION_DOMAIN
    /// The account was made and waits to be approved.
    REGISTRATION_WAITING
    /// Nobody may register without an invitation that can still be used.
    INVITATION_REQUIRED
    /// The invitation is for another address.
    INVITATION_ADDRESS
    /// The account waits to be approved.
    ACCOUNT_WAITING
    /// The account was not approved.
    ACCOUNT_DECLINED
    /// The account is suspended, nobody knows until when.
    ACCOUNT_SUSPENDED
    /// The account is suspended; `until`.
    ACCOUNT_SUSPENDED_UNTIL
    /// The account was locked by an administrator.
    ACCOUNT_CLOSED
    /// The account was approved.
    ACTIVITY_APPROVED
    /// The account was declined.
    ACTIVITY_DECLINED
    /// The account was suspended.
    ACTIVITY_SUSPENDED
    /// The suspension of the account ended.
    ACTIVITY_UNSUSPENDED
    /// The account was locked.
    ACTIVITY_LOCKED
    /// The account was unlocked.
    ACTIVITY_UNLOCKED
    /// The user signed out.
    LOGOUT_SUCCESSFUL
}
