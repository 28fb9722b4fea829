"""Statistics of blocks: ratios, intervals, quantiles, looks, power and controls.  Pure functions."""
