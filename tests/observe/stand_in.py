"""Stands in for an OpenTelemetry collector and for a trace viewer, so that docker-compose's profile `observe` can be tried where their
images cannot be had. It shows that the services tell the collector, that the collector's file names what it should, and that the viewer
hears of it; not that the real programs read that file.

    stand_in.py --config=FILE   a collector: takes OTLP over gRPC where FILE says, and hands it on to where FILE says
    stand_in.py                 a viewer: takes OTLP over gRPC on 4317, and tells on 16686 at /api/services whose spans came
"""

import concurrent.futures
import http.server
import json
import re
import sys
import threading

import grpc
import yaml

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
# In protobuf: a key of twelve letters, then a value that holds one text; lengths of one byte each.
SERVICE_NAME = re.compile(rb"\x0a\x0cservice\.name\x12.\x0a(.)", re.DOTALL)


def serve(address, take):
    """Takes exports at `address` until the process ends; what was taken is answered with an empty message."""

    class Exports(grpc.GenericRpcHandler):
        def service(self, call):
            if call.method != EXPORT:
                return None
            return grpc.unary_unary_rpc_method_handler(lambda request, context: take(request))

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[Exports()])
    if server.add_insecure_port(address) == 0:
        sys.exit(f"cannot listen on {address}")
    server.start()
    print("listening on", address)
    return server


def collector(file):
    with open(file, encoding="utf-8") as text:
        config = yaml.safe_load(text)
    pipeline = config["service"]["pipelines"]["traces"]
    for part in ("receivers", "processors", "exporters"):
        for name in pipeline.get(part, []):
            if name not in config.get(part, {}):
                sys.exit(f"{file}: the pipeline names {name}, which is not under {part}")
    [receiver], [exporter] = pipeline["receivers"], pipeline["exporters"]
    listening, to = config["receivers"][receiver]["protocols"]["grpc"]["endpoint"], config["exporters"][exporter]
    if not to.get("tls", {}).get("insecure"):
        sys.exit(f"{file}: {exporter} would speak TLS, which the viewer does not")
    hand_on = grpc.insecure_channel(to["endpoint"]).unary_unary(EXPORT)
    serve(listening, lambda request: hand_on(request, timeout=10, wait_for_ready=True)).wait_for_termination()


def viewer():
    services, lock = set(), threading.Lock()

    def take(request):
        with lock:
            for found in SERVICE_NAME.finditer(request):
                services.add(request[found.end() : found.end() + found.group(1)[0]].decode())
        return b""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with lock:
                body = json.dumps({"data": sorted(services)}).encode()
            self.send_response(200 if self.path == "/api/services" else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

    exports = serve("0.0.0.0:4317", take)
    http.server.ThreadingHTTPServer(("0.0.0.0", 16686), Page).serve_forever()
    exports.stop(None)


match sys.argv[1:]:
    case []:
        viewer()
    case [option] if option.startswith("--config="):
        collector(option.removeprefix("--config="))
    case others:
        sys.exit(f"unknown: {others}")
