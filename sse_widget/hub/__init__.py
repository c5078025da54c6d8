"""Where channels live, and how many threads share them."""
