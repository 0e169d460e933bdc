"""What a person may ask to be done at once: by the daemon that runs, or by the command itself."""
