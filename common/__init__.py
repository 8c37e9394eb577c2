"""What both sides of the house need: the text side and the models."""
