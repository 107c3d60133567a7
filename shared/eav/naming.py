"""Names made from labels, in any script: `预计收入` must give a usable wire name, always the same one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Container

MAX_NAME = 100
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")


def slug(label: str) -> str:
    """Lower-case ASCII letters, digits and `_`; a label without any becomes `a_` and a hash of itself."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    letters = sum(character.isalnum() for character in label)
    if len(words.replace("_", "")) * 2 < letters or not words:
        # Mostly not Latin: what is left would mislead ("预计 2024" is not "2024"), so a stable hash names it.
        words = hashlib.sha256(unicodedata.normalize("NFKC", label).encode()).hexdigest()[:10]
        return f"a_{words}"
    return (words if words[0].isalpha() else f"a_{words}")[:MAX_NAME]


def free_name(label: str, taken: Container[str]) -> str:
    """`slug(label)`, numbered when that is taken."""
    name = slug(label)
    number = 2
    candidate = name
    while candidate in taken:
        candidate = f"{name[: MAX_NAME - 6]}_{number}"
        number += 1
    return candidate
