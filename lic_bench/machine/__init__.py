"""What machine and software this is, and what the system tells of processes, cores, memory and the GPU."""
