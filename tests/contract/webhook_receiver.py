"""A work-order platform for tests: a real HTTP(S) server on loopback that does as it is told, and keeps what it got."""

from __future__ import annotations

import base64
import datetime
import hmac
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GONE = 0  # takes the event and goes away without an answer
HANGS = -1  # takes the event and says nothing until it is released
LONG = -2  # 200, and a body without an end
SLOW = -3  # 200, and a body that comes for ever, a byte now and then


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it arrived."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_by(self, secret: bytes) -> bool:
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = "v1," + base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
        return wanted in self.headers["webhook-signature"].split()


class WorkOrders:
    """`answer` gives the status for a request, or one of the words above."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[Got] = []  # every request
        self.kept: list[Got] = []  # what was answered well, or not at all: the platform has it
        self.answer: Callable[[Got], int] = lambda got: 204
        self.released = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Down: nobody listens, and connections that were kept open end."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def first_of_each(self) -> list[dict[str, Any]]:
        """The events in the order of their first arrival, repeats left out by id: what a receiver keeps."""
        found: dict[str, dict[str, Any]] = {}
        for got in list(self.kept):
            found.setdefault(got.event["id"], got.event)
        return list(found.values())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                ours._open.add(self.connection)

            def finish(self) -> None:
                ours._open.discard(self.connection)
                with suppress(OSError):
                    super().finish()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                got = Got({key.lower(): value for key, value in self.headers.items()}, body)
                ours.got.append(got)
                status = ours.answer(got)
                if status < 300:
                    ours.kept.append(got)
                with suppress(OSError):
                    self._say(status)

            def _say(self, status: int) -> None:
                if status == HANGS:
                    ours.released.wait(60)
                if status in (GONE, HANGS):
                    self.close_connection = True
                    with suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(200 if status < 0 else status)
                if status in (301, 307):
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", str(10**9 if status < 0 else 0))
                self.end_headers()
                while status == LONG:
                    self.wfile.write(b"x" * 65536)
                while status == SLOW and not ours.released.wait(0.05):
                    self.wfile.write(b"x")

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        return Handler


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def certified(folder: Path, name: str = "127.0.0.1") -> tuple[Path, ssl.SSLContext]:
    """(an own authority's certificate, a server's context with one that it vouches for)."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)

    def certificate(who: x509.Name, public: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        made = x509.CertificateBuilder().subject_name(who).issuer_name(issuer).public_key(public)
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(since).not_valid_after(since + datetime.timedelta(days=3))
        made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
            made = made.add_extension(names, critical=False)
        return made.sign(authority_key, hashes.SHA256())

    authority_file, chain = folder / "authority.pem", folder / "server.pem"
    pem = serialization.Encoding.PEM
    root = certificate(issuer, authority_key.public_key(), authority=True)
    authority_file.write_bytes(root.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(private + certificate(subject, key.public_key(), authority=False).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return authority_file, context
