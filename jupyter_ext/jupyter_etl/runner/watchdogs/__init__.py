"""Early ends of an attempt: cancellation, a lost lease, limits of time and memory."""
