"""Settings and the bundled plans."""
