"""What travels: separate models for creation, change and answer."""
