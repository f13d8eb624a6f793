"""Carries out guarded actions, one process each."""
