"""How the world is asked: one module a kind of system. Errors are translated here, once."""
