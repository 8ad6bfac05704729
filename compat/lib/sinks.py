"""Where the servers' mail and SMS go: a small SMTP server and a webhook, both in threads."""

import email
import email.policy
import http.server
import json
import socketserver
import threading


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self):
        self._say(220, "sink")
        rcpt = []
        while line := self.rfile.readline(2000):
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb == b"RCPT":
                rcpt.append(line.decode(errors="replace").partition(":")[2].split(">")[0].strip(" <\r\n"))
                self._say(250, "ok")
            elif verb == b"DATA":
                self._say(354, "go on")
                raw = b""
                while (line := self.rfile.readline()) and line != b".\r\n":
                    raw += line[1:] if line.startswith(b"..") else line
                self.server.sink.keep(email.message_from_bytes(raw, policy=email.policy.default), rcpt)
                rcpt = []
                self._say(250, "kept")
            elif verb == b"QUIT":
                self._say(221, "bye")
                return
            else:
                self._say(250, "ok")

    def _say(self, code, text):
        self.wfile.write(f"{code} {text}\r\n".encode())


class _Threaded(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Mailbox:
    """Collects the mails that one server sends; `port` is where it listens."""

    def __init__(self):
        self.mails = []
        self._server = _Threaded(("127.0.0.1", 0), _Smtp)
        self._server.sink = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, message, rcpt):
        parts = {}
        for part in message.walk():
            if part.get_content_maintype() == "text":
                parts[part.get_content_subtype()] = part.get_content()
        self.mails.append(
            {
                "to": rcpt,
                "from": str(message["From"]),
                "subject": str(message["Subject"]),
                "text": parts.get("plain"),
                "html": parts.get("html"),
            }
        )

    def take(self):
        """The mails since the last call."""
        mails, self.mails = self.mails, []
        return mails

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class SmsBox:
    """Collects SMS; answers `status`, so that a failing service can be played."""

    def __init__(self):
        self.messages, self.status = [], 200
        box = self

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                box.messages.append(json.loads(body))
                self.send_response(box.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self):
        """The messages since the last call."""
        messages, self.messages = self.messages, []
        return messages

    def close(self):
        self._server.shutdown()
        self._server.server_close()
