//! One-time passwords: HOTP, TOTP and passlib's encrypted wallet.
