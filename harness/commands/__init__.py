"""What each command does: questions in, documents and texts out."""
