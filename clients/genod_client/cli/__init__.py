"""The command `genod`."""
