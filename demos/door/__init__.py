"""Everything between the socket and the handlers."""
