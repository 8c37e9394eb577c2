"""The bundled sample: case facts, told by a grammar of our own."""
