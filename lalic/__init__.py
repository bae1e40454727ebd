"""LALIC: linear attention modelling for learned image compression (arXiv:2502.05741)."""
