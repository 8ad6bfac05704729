"""The application of the guide: greets whoever the proxy says is there. It needs nothing but Python.

It listens on this machine only. Whoever reaches it around the proxy could say that they are anybody.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        # Values are percent-encoded; lists stand between commas.
        email = unquote(self.headers.get("X-Auth-Email", ""))
        roles = [unquote(name) for name in self.headers.get("X-Auth-Roles", "").split(",") if name]
        text = f"{self.path}: {email}, user {self.headers.get('X-Auth-User')}, roles {roles}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *args):
        """Quiet."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 3000), App)
    print(f"listening on {server.server_address[0]}:{server.server_address[1]}", flush=True)
    server.serve_forever()
