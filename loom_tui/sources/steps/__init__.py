"""How a workflow's steps are done: one module a kind."""
