"""What can be done to a target, and between it and what it needs: one fault per file, found in this folder."""
