"""A server so fast that the client is what a benchmark measures. It believes every signature.

It stores nothing: an object is as long as its key says (``.../object-1024``), every bucket lists the
same keys, every table has the same item and every queue the same messages.
"""

from tools.bench.service.process import Service, serving

__all__ = ["Service", "serving"]
