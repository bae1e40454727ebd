"""Responses of a server that must not send so slowly that it would never end."""

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any
from urllib.request import AbstractHTTPHandler, HTTPHandler, HTTPSHandler, Request

WINDOW_S = 60.0
LEAST_BYTES = 6000  # in that time: 100 bytes a second
ONWARD_BYTES = 1 << 20  # of the body beside the address that a server leads on to, which nobody needs


class _PacedSocket(RawIOBase):
    """What a socket receives. Raises TimeoutError where that is less than LEAST_BYTES in WINDOW_S."""

    def __init__(self, received: RawIOBase) -> None:
        self._received = received
        self._since = time.monotonic()
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._received.readinto(buffer)
        self._count += count or 0
        if (now := time.monotonic()) - self._since >= WINDOW_S:
            if self._count < LEAST_BYTES:
                raise TimeoutError(f"the server sent {self._count} bytes in {now - self._since:.0f} s")
            self._since, self._count = now, 0
        return count

    def close(self) -> None:
        self._received.close()
        super().close()


class _PacedResponse(HTTPResponse):
    """A response whose status line, header and body come through a _PacedSocket."""

    def __init__(self, sock: socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = BufferedReader(_PacedSocket(self.fp.detach()))

    def read(self, amount: int | None = None) -> bytes:
        """As its base; without an amount, as urllib reads what it throws away, at most ONWARD_BYTES."""
        return super().read(ONWARD_BYTES if amount is None else amount)


class _Paced(AbstractHTTPHandler):
    def do_open(self, http_class: Callable[..., HTTPConnection], req: Request, **options: Any) -> HTTPResponse:
        def connect(*arguments: Any, **more: Any) -> HTTPConnection:
            connection = http_class(*arguments, **more)
            connection.response_class = _PacedResponse
            return connection

        return super().do_open(connect, req, **options)


class PacedHTTP(_Paced, HTTPHandler):
    """urllib's handler of http:// addresses, with a least pace."""


class PacedHTTPS(_Paced, HTTPSHandler):
    """urllib's handler of https:// addresses, with a least pace."""
