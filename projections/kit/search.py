"""
What a row is found by: the grams of its texts, kept in the row itself.

A gram is one character or two neighbours of a word, folded: case, width and accents do not
count, so that `jose` finds José, and one Chinese character finds a name.  They are made by the
fold and lie in the row: what is erased is no longer found.  Two words are found in any order.
"""

from __future__ import annotations

import re
from itertools import pairwise
from unicodedata import combining, normalize

WORD = re.compile(r"\w+")
MOST = 200  # characters of a text that are looked at


def folded(text: str) -> str:
    """A text as it is compared: without accents, in one case and one width."""
    plain = normalize("NFKD", text[:MOST]).casefold()
    return normalize("NFC", "".join(c for c in plain if not combining(c)))


def words(text: str) -> list[str]:
    """The words of a text, folded."""
    return WORD.findall(folded(text))


def grams(*texts: str | None) -> tuple[str, ...]:
    """What a row with these texts is found by, sorted."""
    found: set[str] = set()
    for text in texts:
        for word in words(text or ""):
            found.update(word, map("".join, pairwise(word)))
    return tuple(sorted(found))


def wanted(text: str) -> tuple[str, ...]:
    """The grams of a text: whatever has its words in it has them, and now and then another."""
    found: set[str] = set()
    for word in words(text):
        found.update(map("".join, pairwise(word)) if len(word) > 1 else word)
    return tuple(sorted(found))


def matches(text: str, *texts: str | None) -> bool:
    """Whether each word of a text stands in one of the texts."""
    told = " ".join(folded(each) for each in texts if each)
    return all(word in told for word in words(text))
