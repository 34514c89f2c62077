"""What an embedding and its heads are taught by; one loss per file, each a function of tensors."""
