"""Where it is kept: the journal, the readings, the leases."""
