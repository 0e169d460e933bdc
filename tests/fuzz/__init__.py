"""Long hunts with bytes that nobody thought of: `python -m tests.fuzz`."""
