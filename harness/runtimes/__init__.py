"""Where targets run: as processes here, in containers, or already running at an address."""
