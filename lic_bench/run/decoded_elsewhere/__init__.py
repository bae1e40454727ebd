"""Pictures that were coded and decoded elsewhere become records: names, sizes, checks, measuring."""
