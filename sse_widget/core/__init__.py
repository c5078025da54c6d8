"""The rules of the stream: no I/O, no threads, no clock."""
