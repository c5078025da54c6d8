"""Commands of the Makefile; nothing here is shipped."""
