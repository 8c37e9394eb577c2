"""What every other room needs; imports none of them."""
