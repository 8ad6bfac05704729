"""JSON Web Tokens by Flask-JWT-Extended: what the testbed has where `jwt.enabled` is on."""

from flask import jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, get_jwt_identity, jwt_required
from flask_security import lookup_identity

from . import models

OURS = ("enabled", "authenticate_reply", "authenticate_refresh", "refused_status")


def install(app, settings):
    """Its settings by their own names, and the routes."""
    app.config.update({f"JWT_{name.upper()}": value for name, value in settings.items() if name not in OURS})
    manager = JWTManager(app)

    @manager.user_identity_loader
    def identity_of(user):
        return user if isinstance(user, str) else user.fs_uniquifier

    @manager.user_lookup_loader
    def user_of(_header, claims):
        found = models.User.query.filter_by(fs_uniquifier=claims["sub"]).one_or_none()
        return found if found and found.active else None

    @app.post("/authenticate")
    def authenticate():
        sent = request.get_json()
        user = lookup_identity(sent["uid"])
        if not user or not user.verify_and_update_password(sent["password"]):
            return jsonify(message="Invalid credentials"), 401
        return jsonify(access_token=create_access_token(user, fresh=True), refresh_token=create_refresh_token(user))

    @app.post("/jwt/refresh")
    @jwt_required(refresh=True)
    def refresh():
        return jsonify(access_token=create_access_token(get_jwt_identity(), fresh=False))

    def protected():
        return jsonify(message="This is a protected endpoint!")

    for path, guard in (
        ("/protected", jwt_required()),
        ("/protected/fresh", jwt_required(fresh=True)),
        ("/protected/optional", jwt_required(optional=True)),
    ):
        app.add_url_rule(path, path, guard(protected), methods=["GET", "POST"])
