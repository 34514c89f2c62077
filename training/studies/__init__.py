"""Experiments that show what a paper claims, on small data: each a command, a table, and a committed result."""
