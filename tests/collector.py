"""A collector of traces: takes OTLP over HTTP and keeps every span."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as it came. process: its `service.name`."""

    name: str
    process: str
    trace: bytes
    span: bytes
    parent: bytes
    words: dict[str, Any]
    begin_ns: int
    end_ns: int


class Collector:
    """Made by `collector`. status: with which it answers, once `answers` is set."""

    def __init__(self) -> None:
        self.answers = Event()
        self.answers.set()
        self.seen: list[Seen] = []
        self.requests = 0
        self.status = 200
        self.url = ""

    def trace_of(self, **words: object) -> list[Seen]:
        """All spans of the one trace whose first span has these words; none before that has come."""
        roots = [one for one in self.seen if not one.parent and words.items() <= one.words.items()]
        return [one for one in self.seen if roots and one.trace == roots[0].trace]

    def take(self, body: bytes) -> None:
        self.requests += 1
        request = ExportTraceServiceRequest.FromString(body)
        for of_resource in request.resource_spans:
            process = _words(of_resource.resource.attributes)["service.name"]
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    words = _words(span.attributes)
                    ids = span.trace_id, span.span_id, span.parent_span_id
                    times = span.start_time_unix_nano, span.end_time_unix_nano
                    self.seen.append(Seen(span.name, process, *ids, words, *times))


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens on a free port while the block lasts."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.answers.wait()
            kept.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(kept.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked may have given up
                self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = Thread(target=server.serve_forever, name="collector")
        serving.start()
        kept.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
        try:
            yield kept
        finally:
            kept.answers.set()
            server.shutdown()
            serving.join()


def _words(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
