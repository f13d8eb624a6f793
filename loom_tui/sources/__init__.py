"""How the world is asked: one module a kind of system. Errors are translated here, once."""

import sys
from typing import Any, cast

# httpx imports its own command line with itself, and so rich and pygments: 5 MB of the collector, which draws nothing.
# None has that import fail, as httpx allows for where rich is not installed.
cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)
