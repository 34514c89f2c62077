"""Model work: taxonomy, data, detector, training, evaluation and export. Everything here may import torch."""
