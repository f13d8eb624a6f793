"""The commands' bodies, one module a family, imported when one of it is called."""
