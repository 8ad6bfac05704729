//! Events: what Flask-Security, Flask-Login and Flask-Principal send as signals.

use std::{borrow::Cow, fmt, sync::Arc};

use parking_lot::RwLock;

use crate::flow::account::AccountStatus;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody signed in.
    UserAuthenticated {
        /// The key of the user's row.
        user_id: i64,
        /// By what: `password`, `register`, `email` …
        via: &'static str,
    },
    /// Somebody tried to sign in and failed; without an id, as nobody known.
    UserFailedAuthentication {
        /// The key of the user's row, if the name was one.
        user_id: Option<i64>,
        /// By what.
        via: &'static str,
    },
    /// Somebody signed out.
    UserSignedOut {
        /// The key of the user's row.
        user_id: i64,
    },
    /// The identity of the session changed; without an id, to nobody.
    IdentityChanged {
        /// The key of the user's row.
        user_id: Option<i64>,
        /// How it was proved, or the type of the user where the application has types.
        auth_type: Option<Cow<'static, str>>,
    },
    /// An identity was loaded for a request, with its needs: once for each mechanism that proved somebody.
    IdentityLoaded {
        /// The key of the user's row.
        user_id: i64,
        /// How it was proved, or the type of the user where the application has types.
        auth_type: Option<Cow<'static, str>>,
    },
    /// What is with an account has changed: it was approved, declined, suspended, locked, switched off, or may be used
    /// again.
    AccountStateChanged {
        /// The key of the user's row.
        user_id: i64,
        /// What is with it now.
        status: AccountStatus,
        /// Who did it, a name for people; nothing if it happened by itself.
        by: Option<String>,
    },
    /// A one-time code was sent.
    CodeSent {
        /// The key of the user's row.
        user_id: i64,
        /// How: `email` or `sms`.
        means: &'static str,
    },
    /// Somebody set up another second factor.
    SecondFactorChanged {
        /// The key of the user's row.
        user_id: i64,
        /// Which: `authenticator`, `email` or `sms`.
        method: &'static str,
    },
    /// Somebody switched their second factor off.
    SecondFactorDisabled {
        /// The key of the user's row.
        user_id: i64,
    },
    /// Somebody passed the second step of a sign-in.
    SecondFactorConfirmed {
        /// The key of the user's row.
        user_id: i64,
        /// By what: `authenticator`, `email`, `webauthn` …
        via: &'static str,
    },
    /// Somebody changed the kinds of code that they sign in with.
    SignInMethodsChanged {
        /// The key of the user's row.
        user_id: i64,
        /// Which: `authenticator`, `email`, `sms`.
        methods: Vec<&'static str>,
        /// Whether they were taken away, rather than set up.
        removed: bool,
    },
    /// Somebody registered a passkey.
    PasskeyAdded {
        /// The key of the user's row.
        user_id: i64,
        /// What the user calls it.
        name: String,
    },
    /// Somebody removed a passkey.
    PasskeyRemoved {
        /// The key of the user's row.
        user_id: i64,
        /// What the user called it.
        name: String,
    },
    /// Somebody made an API key.
    ApiKeyAdded {
        /// The key of the user's row.
        user_id: i64,
        /// What lists call it.
        id: String,
        /// What its owner calls it.
        name: String,
    },
    /// An API key was taken back.
    ApiKeyRevoked {
        /// The key of the user's row.
        user_id: i64,
        /// What lists call it.
        id: String,
    },
    /// Somebody was given the first refresh token of a family.
    RefreshFamilyBegun {
        /// The key of the user's row.
        user_id: i64,
    },
    /// A family of refresh tokens was ended before its time.
    RefreshFamilyEnded {
        /// The key of the user's row.
        user_id: i64,
        /// Why: `GEN_MISMATCH` where an old token came back, `LOGOUT` where its owner gave it back, `OWNER` where they ended it on the
        /// account page.
        reason: &'static str,
    },
    /// The owner of an account said, by the link of a notice, that it was somebody else: everything was ended.
    AccountSecured {
        /// The key of the user's row.
        user_id: i64,
    },
    /// An account was deleted because its owner had asked for it.
    AccountDeleted {
        /// The key that the user's row had.
        user_id: i64,
    },
    /// An administrator began to act as somebody else.
    ImpersonationBegan {
        /// The key of that one's row.
        user_id: i64,
        /// The key of the administrator's row.
        by: i64,
    },
    /// An administrator stopped acting as somebody else, or it ended by itself.
    ImpersonationEnded {
        /// The key of that one's row.
        user_id: i64,
        /// The key of the administrator's row.
        by: i64,
    },
    /// Somebody signed in proved again who they are.
    UserReauthenticated {
        /// The key of the user's row.
        user_id: i64,
    },
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// Who wants to hear of events. Cloning gives another handle to the same list.
///
/// ```
/// # fn example(gate: &lychgate::Lychgate) {
/// gate.events().on(|event| println!("{event:?}"));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Events(Arc<RwLock<Vec<Listener>>>);

impl Events {
    /// Calls `listener` for every event, on the request's own task: hand longer work to one of yours.
    pub fn on(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.0.write().push(Arc::new(listener));
    }

    pub(crate) fn send(&self, event: &Event) {
        for listener in self.0.read().iter() {
            listener(event);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({} listeners)", self.0.read().len())
    }
}
