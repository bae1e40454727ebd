"""A real server on this machine that breaks off, forgets ranges, errs, lies and dawdles."""

import contextlib
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lic_bench.fetch import http_requests, paced_responses


@dataclass
class Behaviour:
    """What the server does; `requests` is what it was asked: (path, Range header)."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etag: str | None = '"one"'
    break_after: list[int | None] = field(default_factory=list)  # bytes of the body, one entry per request
    statuses: list[int] = field(default_factory=list)  # of the first requests
    content_type: str = "application/octet-stream"
    length: bool = True
    heeds_if_range: bool = True
    location: str | None = None  # where everybody is led to
    drips: str = ""  # "header" or "body": a byte every DRIP_S, for ever
    requests: list[tuple[str, str | None]] = field(default_factory=list)


DRIP_S = 0.01


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        b = self.server.behaviour
        asked = self.headers.get("Range")
        b.requests.append((self.path, asked))
        if b.location:
            self.send_response(302)
            self.send_header("Location", b.location)
            return self.end_headers()
        if b.drips:
            return self.drip(b"HTTP/1.0 200 OK\r\n" + b"\r\n" * (b.drips == "body"))
        if b.statuses and (status := b.statuses.pop(0)) != 200:
            return self.send_error(status)
        if self.path not in b.files:
            return self.send_error(404)
        body, start = b.files[self.path], 0
        if asked and b.ranges and (not b.heeds_if_range or self.headers.get("If-Range") == b.etag):
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(body):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", b.content_type)
        if b.length:
            self.send_header("Content-Length", str(len(body) - start))
        if b.etag:
            self.send_header("ETag", b.etag)
        self.end_headers()
        limit = b.break_after.pop(0) if b.break_after else None
        self.wfile.write(body[start:][:limit])

    def drip(self, beginning):
        self.wfile.write(beginning)
        with contextlib.suppress(OSError):  # the client has given up
            while True:
                self.wfile.write(b"x")
                time.sleep(DRIP_S)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server that does as `server.behaviour` says, without pauses between attempts."""
    monkeypatch.setattr(http_requests, "PAUSE_S", 0.001)
    monkeypatch.setattr(http_requests, "TIMEOUT_S", 5.0)
    monkeypatch.setattr(paced_responses, "WINDOW_S", 0.2)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.Behaviour, http.behaviour = Behaviour, Behaviour()
        http.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()
