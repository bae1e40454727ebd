"""MambaVC."""
