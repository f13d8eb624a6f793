"""Drills: a script that breaks the demo's world, and what a team made of it."""
