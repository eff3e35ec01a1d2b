"""The private channel between a kernel and its runner."""
