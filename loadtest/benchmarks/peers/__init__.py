"""Triton against what people would pick instead: the same files, photos, machine and client."""
