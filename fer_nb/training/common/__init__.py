"""Faces with labels, how they are changed, and how a network is stored."""
