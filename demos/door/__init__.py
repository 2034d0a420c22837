"""Everything between the socket and the handlers: what is turned away there never reaches a tab."""
