"""What all other packages need; it imports none of them."""
