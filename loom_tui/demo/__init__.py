"""A small real world to practise in."""
