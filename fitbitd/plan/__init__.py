"""What to ask next, and what is known to be complete. Pure."""
