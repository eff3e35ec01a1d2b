"""Maintenance of a home: backups and pruning."""
