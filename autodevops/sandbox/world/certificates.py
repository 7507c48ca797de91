"""TLS certificates that the world's Secrets hold: real X.509, the same whenever the same world is made.

Keys follow from the seed and signatures are Ed25519, which needs no randomness.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from autodevops.sandbox.basics.hashing import digest

LIFETIME = timedelta(days=365)


def tls_secret_data(
    hosts: Sequence[str], seed: int, valid_from: datetime, lifetime: timedelta = LIFETIME
) -> dict[str, str]:
    """`tls.crt` and `tls.key` (base64 of PEM) for host names, valid from a moment on."""
    certificate, key = _certificate(tuple(hosts), seed, valid_from.astimezone(UTC), lifetime)
    return {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": base64.b64encode(key).decode()}


@lru_cache(maxsize=64)
def _certificate(hosts: tuple[str, ...], seed: int, start: datetime, lifetime: timedelta) -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509.oid import NameOID

    def key(name: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(digest(seed, "tls key", name, size=32)))

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    own = key(hosts[0])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(named(hosts[0]))
        .issuer_name(named("Acme Issuing CA"))
        .public_key(own.public_key())
        .serial_number(int(digest(seed, "serial", *hosts, size=15), 16))
        .not_valid_before(start)
        .not_valid_after(start + lifetime)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key("Acme Issuing CA"), None)
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, private
