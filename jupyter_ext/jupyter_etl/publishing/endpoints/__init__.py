"""Published endpoints: what a worker loads to answer calls."""
