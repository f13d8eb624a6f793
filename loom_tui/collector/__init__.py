"""When the world is asked: pollers, their walls, their lease."""
