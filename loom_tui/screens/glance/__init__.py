"""What screen 1 draws, pane by pane: pure functions from a snapshot to lines."""
