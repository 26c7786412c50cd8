"""
What is personal, sealed: AES-256-GCM under the key of the person, in the place it stands.

In the stored JSON a personal text is {"sealed": "<base64url>"}: twelve bytes of nonce, then the
ciphertext and its tag.  The text is padded with zero bytes to a multiple of 32, so that its
length tells little.  What is authenticated with it is its place, `customer-C1@1/name`: a sealed
text cannot be moved to another fact or field.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kit import EVENTS
from domain.values import ERASED, Personal

KEY_BYTES, NONCE_BYTES, PADDED_TO = 32, 12, 32

MARK = b'{"sealed":"'
"""Stands in a stored state only where something is sealed: in a text, quotes are escaped."""


class Personals(dict[type, tuple[str, ...]]):
    """Event class -> its fields that are personal.  Raises TypeError for one inside a value."""

    def __missing__(self, cls: type) -> tuple[str, ...]:
        hints = get_type_hints(cls, include_extras=True)
        fields = tuple(name for name, hint in hints.items() if _is_personal(hint))
        self[cls] = fields
        return fields


def _is_personal(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        return any(isinstance(mark, Personal) for mark in marks) or _is_personal(bare)
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        if any(map(_is_personal, hints.values())):
            raise TypeError(f"{hint} has something personal in it, which only an event can")
    return any(map(_is_personal, get_args(hint)))


PERSONALS = Personals()


def is_about_persons(kind: str) -> bool:
    """Whether events of a kind say something personal."""
    return any(
        name.partition(".")[0] == kind and PERSONALS[cls] for name, cls in EVENTS.items()
    )


def personal_names() -> list[str]:
    """The names of events that say something personal."""
    return sorted(name for name, cls in EVENTS.items() if PERSONALS[cls])


def new_key() -> bytes:
    """A key for a person."""
    return os.urandom(KEY_BYTES)


def sealed(data: dict[str, Any], fields: tuple[str, ...], key: bytes, ref: str) -> Any:
    """The data of an event, its personal fields sealed."""
    cipher = AESGCM(key)
    return data | {name: _sealed(data[name], cipher, f"{ref}/{name}") for name in fields}


def _sealed(given: Any, cipher: AESGCM, place: str) -> Any:
    if given is None:
        return None
    if isinstance(given, list):
        return [_sealed(each, cipher, f"{place}/{n}") for n, each in enumerate(given)]
    if not isinstance(given, str):
        raise TypeError(f"{place} is personal and no text")
    text = given.encode()
    nonce = os.urandom(NONCE_BYTES)
    padded = text + bytes(-len(text) % PADDED_TO)
    whole = nonce + cipher.encrypt(nonce, padded, place.encode())
    return {"sealed": urlsafe_b64encode(whole).decode()}


def opened(data: Any, key: bytes | None, ref: str) -> Any:
    """The data with all that is sealed in it opened, or ERASED where there is no key."""
    return _opened(data, None if key is None else AESGCM(key), ref)


def _opened(data: Any, cipher: AESGCM | None, place: str) -> Any:
    if isinstance(data, list):
        return [_opened(each, cipher, f"{place}/{n}") for n, each in enumerate(data)]
    if not isinstance(data, Mapping):
        return data
    if data.keys() != {"sealed"}:
        return {name: _opened(each, cipher, f"{place}/{name}") for name, each in data.items()}
    if cipher is None:
        return ERASED
    whole = urlsafe_b64decode(data["sealed"])
    try:
        text = cipher.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], place.encode())
    except InvalidTag:
        raise ValueError(f"what is sealed at {place} does not open with its key") from None
    return text.rstrip(b"\0").decode()
