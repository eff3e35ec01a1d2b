"""Alerts: notifiers for logs, mail and webhooks, and one that combines them."""
