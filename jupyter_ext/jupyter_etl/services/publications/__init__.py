"""Publications: versions, differences, approvals and rollbacks."""
