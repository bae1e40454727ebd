"""VTM, the reference software of VVC."""

VERSION = "9.1"  # unless another is asked for: the anchor of the LALIC paper
