"""Kernels as processes: selection, command, output and termination."""
