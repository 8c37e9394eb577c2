"""Labels over HTTP: the service behind `serve.py`."""
