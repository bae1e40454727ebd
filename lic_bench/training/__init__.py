"""`lic-bench train`: from a folder of pictures to the weights of a learned codec."""
