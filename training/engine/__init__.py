"""Training runs: recipe, loop, distillation, checkpoints."""
