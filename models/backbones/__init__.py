"""Token ids to one vector per position and one vector per sequence."""
