"""What the hash tables in machine code share."""

# 2**64 divided by the golden ratio (Knuth, volume 3, 6.4): products with it, modulo 2**64, are
# spread evenly over their high bits.
MULTIPLIER = 0x9E3779B97F4A7C15
