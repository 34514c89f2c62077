"""Benchmarks whose figures are ratios within one run."""
