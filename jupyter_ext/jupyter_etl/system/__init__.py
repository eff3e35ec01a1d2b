"""What the operating system provides: forks, process trees, control groups, logs of limited size."""
