"""What happens inside of codecs, as figures 3, 8, 9, 12 and 13 of the LALIC paper show it."""
