"""FAT (FTIC)."""
