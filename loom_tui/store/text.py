"""Foreign text, made fit to be stored."""

from __future__ import annotations


def storable(text: str) -> str:
    """Replace what has no UTF-8 form (lone surrogates, from undecodable names and sloppy JSON) by '?'."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
