"""The testbed's own routes, guarded with the reference's decorators."""

from flask import current_app, jsonify, render_template, request
from flask_security import (
    auth_required,
    auth_token_required,
    http_auth_required,
    permissions_accepted,
    permissions_required,
    roles_accepted,
    roles_required,
)
from flask_wtf import FlaskForm
from wtforms import StringField


class MessageForm(FlaskForm):
    """The application's own form."""

    message = StringField("Message")


def page(content):
    """The testbed page around one line of content."""
    return render_template("page.html", content=content)


def wants_json():
    return current_app.extensions["security"]._want_json(request)


def api_methods():
    return current_app.config["SECURITY_API_ENABLED_METHODS"]


def install(app):
    """Adds every route of the table; the order inside each decorator list is outermost first."""

    def route(path, content, *guards, methods=("GET",), endpoint=None, plain=False):
        def view():
            return content if plain else page(content)

        for guard in reversed(guards):
            view = guard(view)
        name = endpoint or path.strip("/")
        app.add_url_rule(path, name, view, methods=list(methods))

    route("/", "Home Page", endpoint="index")
    route("/post_login", "Post Login", auth_required())
    route("/http", "HTTP Authentication", http_auth_required, methods=("GET", "POST"), plain=True)
    route(
        "/http_admin_required",
        "HTTP Authentication",
        http_auth_required,
        permissions_required("admin"),
        plain=True,
    )
    route("/http_custom_realm", "HTTP Authentication", http_auth_required("My Realm"))
    route("/session", "Session Authentication", auth_required("session"), plain=True)
    route("/token", "Token Authentication", auth_token_required, methods=("GET", "POST"))
    route("/multi_auth", "Session, Token, Basic auth", auth_required("session", "token", "basic"))
    for name in ("logout", "register", "confirm", "reset", "change_username"):
        route(f"/post_{name}", "Post " + name.replace("_", " ").title())
    route("/admin", "Admin Page", roles_required("admin"))
    route("/admin_and_editor", "Admin and Editor Page", roles_required("admin", "editor"))
    route("/admin_or_editor", "Admin or Editor Page", roles_accepted("admin", "editor"))
    route("/simple", "SimplePage", roles_accepted("simple"))
    route(
        "/admin_perm",
        "Admin Page with full-write or super",
        permissions_accepted("full-write", "super"),
    )
    route("/admin_perm_required", "Admin Page required", permissions_required("full-write", "super"))
    route("/page1", "Page 1", endpoint="page_1", plain=True)
    route("/unauthz", "Unauthorized", methods=("GET", "POST"))

    @app.route("/profile")
    @auth_required(api_methods)
    def profile():
        return jsonify(message="profile") if wants_json() else page("Profile Page")

    @app.route("/fresh", methods=["GET", "POST"])
    @auth_required(within=60)
    def fresh():
        return jsonify(title="Fresh Only") if wants_json() else page("Fresh Only")

    @app.route("/json", methods=["GET", "POST"])
    def echo_json():
        return jsonify(request.get_json())

    @app.route("/json_auth", methods=["POST"])
    @auth_required()
    def echo_jsonauth():
        return jsonify(request.get_json())

    @app.route("/form", methods=["GET", "POST"])
    @auth_required("session")
    def form():
        own = MessageForm()
        if request.method == "GET":
            return render_template("form.html", form=own)
        if own.validate_on_submit():
            return jsonify(message=own.message.data)
        return jsonify(errors=own.errors), 400
