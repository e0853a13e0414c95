"""A receiver of webhooks on loopback: real HTTPS with a certificate of a test's own authority."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Receiver:
    """What was received, as (headers, body); `answers` are given first, as (status, headers), then 204."""

    authority: Path
    port: int = 0
    received: list[tuple[dict[str, str], str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _server: ThreadingHTTPServer | None = None

    def wait_for(self, count: int, seconds: float = 30) -> list[tuple[dict[str, str], str]]:
        """Return what was received once it is so many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, seconds), self.received
            return list(self.received)

    def take(self, headers: dict[str, str], body: str) -> tuple[int, dict[str, str]]:
        """Note a request and return the answer to it."""
        with self._arrived:
            self.received.append((headers, body))
            self._arrived.notify_all()
            return self.answers.pop(0) if self.answers else (204, {})

    def start(self, host: str, folder: Path) -> None:
        """Serve as `host` on a free port of loopback."""
        key, certificate = _certificates(host, self.authority, folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": self}))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self) -> None:
        """Forget what was received, and what was to be answered."""
        self.received.clear()
        self.answers.clear()

    def stop(self) -> None:
        """Stop serving."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, headers = self.receiver.take(dict(self.headers.items()), body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


def _certificates(host: str, authority: Path, folder: Path) -> tuple[Path, Path]:
    """Write an authority's certificate, and a key and a certificate of it for `host`; return the latter two."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of a test")])
    certified = _sign(root, root_key.public_key(), root, root_key, x509.BasicConstraints(ca=True, path_length=None))
    authority.write_bytes(certified.public_bytes(serialization.Encoding.PEM))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    ours = _sign(name, key.public_key(), root, root_key, x509.SubjectAlternativeName([x509.DNSName(host)]))
    paths = folder / "receiver.key", folder / "receiver.pem"
    paths[0].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    paths[1].write_bytes(ours.public_bytes(serialization.Encoding.PEM))
    return paths


def _sign(name: x509.Name, key: Any, issuer: x509.Name, issuer_key: Any, extension: Any) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
