"""Kernels as processes: selection, command, output, end."""
