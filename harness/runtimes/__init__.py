"""Where targets run: as processes here, or already running at an address."""
