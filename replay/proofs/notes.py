"""
Signed notes and the checkpoints in them, in the formats of transparency logs.

https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint: a text, an empty line, and a
line for each signature.  The text of a checkpoint is three lines: whose log, how many leaves,
the root in base64.  Any verifier of such logs can read ours.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ED25519 = b"\x01"  # the algorithm, as the format numbers it


class Forged(Exception):
    """A note is not signed by whom it should be, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """So many facts have this root: the text that is signed."""

    log: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines."""
        return f"{self.log}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whoever knows this can check a signature: a name and a public key."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, line: str) -> Verifier:
        """Read `name+hash+key`, as the format writes it.  Raises Forged."""
        name, _, rest = line.strip().partition("+")
        hashed, _, encoded = rest.partition("+")
        try:
            found = cls(name, base64.b64decode(encoded, validate=True)[1:])
        except binascii.Error as wrong:
            raise Forged(f"{line!r} is not a verifier key") from wrong
        if found.hash.hex() != hashed:
            raise Forged(f"{line!r} is not a verifier key")
        return found

    def __str__(self) -> str:
        encoded = base64.b64encode(ED25519 + self.key).decode()
        return f"{self.name}+{self.hash.hex()}+{encoded}"

    @property
    def hash(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def opened(self, note: str) -> Checkpoint:
        """The checkpoint in a note.  Raises Forged unless our key has signed it."""
        text = self.signed(note)
        try:
            log, size, root = text.splitlines()[:3]
            return Checkpoint(log, int(size), base64.b64decode(root, validate=True))
        except ValueError as wrong:
            raise Forged(f"{text!r} is not a checkpoint") from wrong

    def signed(self, note: str) -> str:
        """The text of a note, with its last newline.  Raises Forged unless we signed it."""
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        for line in signatures.splitlines():
            dash, name, encoded = [*line.split(" "), "", ""][:3]
            if dash != "—" or name != self.name:
                continue
            try:
                blob = base64.b64decode(encoded, validate=True)
                if blob[:4] != self.hash:
                    continue
                Ed25519PublicKey.from_public_bytes(self.key).verify(blob[4:], text.encode())
            except (binascii.Error, InvalidSignature) as wrong:
                raise Forged(f"the signature of {self.name} does not fit the note") from wrong
            return text
        raise Forged(f"the note is not signed by {self.name}")


class Signer:
    """Who signs checkpoints: a name and a private key."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = Verifier(name, public)

    @classmethod
    def kept(cls, name: str, file: Path) -> Signer:
        """The one whose key is in a file; a new one, for its owner alone, if there is none."""
        try:
            return cls(name, _private(file.read_bytes()))
        except FileNotFoundError:
            pass
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            out.write(pem)
        return cls(name, made)

    def note(self, checkpoint: Checkpoint) -> str:
        """The checkpoint, signed."""
        signature = self.verifier.hash + self._private.sign(checkpoint.text.encode())
        encoded = base64.b64encode(signature).decode()
        return f"{checkpoint.text}\n— {self.verifier.name} {encoded}\n"


def _private(pem: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Forged("the key that signs checkpoints is not an Ed25519 key")
    return key
