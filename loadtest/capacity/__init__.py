"""Capacity: a simulation of the queueing network behind an ensemble, and how many replicas hold an SLA."""
