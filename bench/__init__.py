"""What a call, a start and a plan cost, measured side by side on one machine. `make bench` runs it."""
