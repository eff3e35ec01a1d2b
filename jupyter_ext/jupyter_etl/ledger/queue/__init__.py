"""The queue of runs: planning, claims, limits, circuit breakers, outbox."""
