"""Tests of training/taxonomy/."""
