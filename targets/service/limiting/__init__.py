"""Rate limits: three algorithms, two places for their state, two styles of headers."""
