"""The run folder: written atomically, resumed after a crash, never half-read."""
