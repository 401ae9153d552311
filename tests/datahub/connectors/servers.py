"""Other people's systems, on loopback: an HTTP server that does as a test says, a door to PostgreSQL."""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Api:
    """Each path has a function (request) -> (status, headers, body); what was asked is kept."""

    def __init__(self):
        self.paths, self.asked = {}, []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                self.query = {
                    name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
                }
                api.asked.append(
                    (parts.path, self.query, {name.lower(): value for name, value in self.headers.items()})
                )
                answer = api.paths.get(parts.path)
                status, headers, body = answer(self) if answer else (404, {}, b"")
                if status is None:  # hang up without a word
                    return self.connection.shutdown(socket.SHUT_RDWR)
                if isinstance(body, list | dict):
                    body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)
                return None

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, path, body, status=200, **headers):
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        self.paths[path] = lambda request: (status, said, body)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Door:
    """A TCP port on loopback that leads to a UNIX socket: as if the database stood on the network."""

    def __init__(self, path):
        self._path = path
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                here, _address = self._listening.accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(self._path)
                for a, b in ((here, there), (there, here)):
                    threading.Thread(target=self._pour, args=(a, b), daemon=True).start()

    @staticmethod
    def _pour(a, b):
        with suppress(OSError):
            while data := a.recv(65_536):
                b.sendall(data)
        for one in (a, b):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self._listening.close()
