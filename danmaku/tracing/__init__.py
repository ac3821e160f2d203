"""One comment or message in so many is followed from socket to sockets, across processes.

Nobody pays for that who does not ask for it: what follows is None where `tracing.url` is empty, and what is
not sampled costs a comparison. Only `exporting` imports OpenTelemetry, and only where there is an URL.
"""
