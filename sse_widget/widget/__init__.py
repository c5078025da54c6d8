"""The notebook's side: traits and messages."""
