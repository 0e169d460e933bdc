"""What the engine may ask of a provider, and the providers."""
