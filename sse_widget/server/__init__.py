"""The kernel's HTTP server: a Tornado loop on a thread of its own."""
