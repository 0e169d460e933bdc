"""One module per command: its help, its arguments, and what it does."""
