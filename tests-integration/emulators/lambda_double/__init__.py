"""A double of Lambda: Invoke, ListFunctions and GetFunction over HTTP, running Python handlers.

Written from botocore's description of the service (2015-03-31) and the service's documentation, because
the emulators there are want a container. It shares no code with the provider.
"""
