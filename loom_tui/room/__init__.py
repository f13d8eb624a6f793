"""What is true now: events, readings and the fold that makes a snapshot of them. Pure."""
