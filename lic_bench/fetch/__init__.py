"""Data sets and weights over HTTP and Google Drive."""
