"""Warm runs: the fork server, and the runners and kernels that it prestarts."""
