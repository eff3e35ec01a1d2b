"""The queue of runs: planning, claims, limits, circuit breakers, alerts not sent yet."""
