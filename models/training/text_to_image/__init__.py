"""Training the text-to-image model: plain pictures with their names, and scenes composed of them on the fly."""
