"""One trunk for look, product and attribute: data, losses, training, hashing, evaluation, export."""
