"""Full-reference perceptual metrics of two 8-bit RGB pictures: which there are, and measuring them."""
