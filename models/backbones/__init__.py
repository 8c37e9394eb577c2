"""Networks that turn token ids into one vector per position and one vector per sequence."""
