"""Bring a person's Fitbit and Pixel Watch data home, unattended, for years."""

__version__ = "0.1.0"
