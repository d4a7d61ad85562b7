"""Fine-tuning a network that already knows faces, as the reference study does."""
