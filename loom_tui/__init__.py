"""Loom: a deploy-day control room in a terminal."""

__version__ = "0.1.0"
