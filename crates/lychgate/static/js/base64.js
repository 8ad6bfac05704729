// Templates written for Flask-Security load this beside webauthn.js, which needs nothing else here.
