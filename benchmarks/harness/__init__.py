"""What every benchmark shares: the machine, child processes, the workload, results."""
