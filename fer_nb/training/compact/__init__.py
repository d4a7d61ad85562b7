"""The small network that ships: nine emotions, valence and arousal in one pass."""
