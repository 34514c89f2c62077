"""From PyTorch to the files of `model_repository/`."""
