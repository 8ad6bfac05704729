//! Signed cookies and tokens in the formats of itsdangerous, Flask and Fernet.
