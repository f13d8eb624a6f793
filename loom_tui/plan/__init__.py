"""What we intend: the plan, its file, its import and its schedule. Pure."""
