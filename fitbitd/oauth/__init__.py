"""The grant: what it is good for, how it is got and kept."""
