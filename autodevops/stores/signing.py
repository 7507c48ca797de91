"""Ed25519 signatures of heads: that event `seq` had `digest`, said by whoever holds the key.

A head is written `SEQ:sha256:HEX`, a signed one `SEQ:sha256:HEX:ed25519:SIGNATURE`. Every event before it is in its
digest, so one signed head, kept where the ledger's writers cannot reach, vouches for all of them.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from pathlib import Path

from autodevops.domain.base import Noun
from autodevops.kernel.errors import UsageError

_HEAD = re.compile(r"(\d+):(sha256:[0-9a-f]{64})(?::(ed25519:[A-Za-z0-9_=-]+))?")


class Head(Noun):
    """The newest event of a chain at some moment."""

    seq: int
    digest: str
    signature: str | None = None  # ed25519:<base64>

    def __str__(self) -> str:
        return ":".join([str(self.seq), self.digest, *([self.signature] if self.signature else [])])


def parse_head(text: str) -> Head:
    """Raises UsageError."""
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{text!r} is not a head.", "Write it as `autodevops audit head` prints it: SEQ:sha256:HEX, signed or not."
        )
    return Head(seq=int(found[1]), digest=found[2], signature=found[3])


def signer(key_file: Path) -> Callable[[int, str], str]:
    """What signs a head with the key in this file. Raises UsageError when there is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_read(key_file, "signing_key_file"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{key_file} is not an Ed25519 private key in PEM without a password.",
            "Make one with `autodevops audit keygen`.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{key_file} is a key of another kind.", "Make one with `autodevops audit keygen`.")
    return lambda seq, digest: (
        "ed25519:" + base64.urlsafe_b64encode(key.sign(_message(seq, digest))).decode().rstrip("=")
    )


def verifier(key_file: Path) -> Callable[[Head], bool]:
    """What says whether a head's signature is of this public key. Raises UsageError when the file has none."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_read(key_file, "public_key_file"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{key_file} is not a public key in PEM.", "Take the one that `keygen` wrote.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{key_file} is a key of another kind than Ed25519.", "Take the one that `keygen` wrote.")

    def verify(head: Head) -> bool:
        text = (head.signature or "").removeprefix("ed25519:")
        try:
            key.verify(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), _message(head.seq, head.digest))
        except (InvalidSignature, binascii.Error):
            return False
        return True

    return verify


def make_keys(folder: Path) -> tuple[Path, Path]:
    """A new private key, which only its owner may read, and its public key. Raises UsageError when one is there."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = folder / "ledger-key.pem", folder / "ledger-key.pub.pem"
    for path in (private, public):
        if path.exists():
            raise UsageError(f"{path} exists already.", "Keep it, or name another folder with `--out`.")
    key = Ed25519PrivateKey.generate()
    folder.mkdir(parents=True, exist_ok=True)
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    public.write_bytes(key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def _message(seq: int, digest: str) -> bytes:
    return f"autodevops ledger head {seq} {digest}".encode()


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The key {path} cannot be read: {error.strerror}.", f"Correct ledger.{setting} or the rights of the file."
        ) from error
