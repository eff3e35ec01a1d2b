"""What ends an attempt early: cancellation, a lost lease, limits of time and memory."""
