"""One chart per file; each takes plain data and returns an SVG document as text."""
