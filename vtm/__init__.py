"""VTM, the reference software of VVC."""
