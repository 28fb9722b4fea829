"""A load and resilience benchmarking harness for Python web services."""

__version__ = "0.1.0"
