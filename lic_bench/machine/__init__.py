"""What the machine and its software are: the parts of environment.describe."""
