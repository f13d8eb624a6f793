"""The background thread that turns a store into snapshots."""
