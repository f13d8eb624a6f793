"""Migrations: the files of a directory against what a database says was applied."""
