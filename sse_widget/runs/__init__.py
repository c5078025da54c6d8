"""Requests: the user's handlers, by path, and the runs that handle them."""
