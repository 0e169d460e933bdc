"""The archive, which is the truth, and the index made from it."""
