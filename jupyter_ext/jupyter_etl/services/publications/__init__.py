"""Publications: versions, differences, approvals, rollbacks."""
