"""What feeds channels: streams from elsewhere, iterables, recordings."""
