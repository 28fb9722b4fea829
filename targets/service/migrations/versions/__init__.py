"""One file per step, reviewed by hand."""
