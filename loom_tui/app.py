"""LoomApp: snapshots in, intents out; no I/O of its own."""
