"""What every room asks of the operating system."""
