"""Ways to carry out an operation on a server. Only `opening` chooses among them; the rest sees `base`."""
