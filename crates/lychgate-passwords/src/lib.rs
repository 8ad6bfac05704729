//! Password hashes in passlib's, Django's and Werkzeug's formats, and the policy for new passwords.
