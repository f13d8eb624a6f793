"""Whether somebody who says so again and again still lives. Pure."""

_BELIEVED_TTLS = 2.0


def is_alive(until: float, *, ttl_s: float, now: float) -> bool:
    """Say whether a word that holds for `ttl_s`, and runs out at `until`, still counts at `now`.

    One that ends more than twice its length from now was given before the clock was set back: else the dead would be
    taken for living as long as the clock went back. Whoever lives says it anew at once.
    """
    return now < until <= now + _BELIEVED_TTLS * ttl_s
