"""A very small web framework: functions that answer paths with a dictionary, sent as JSON."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App:
    def __init__(self):
        self._routes = {}

    def get(self, path):
        """Decorator: the function answers GET path."""

        def keep(answer):
            self._routes[path] = answer
            return answer

        return keep

    def run(self, port):
        """Serves until the process ends."""
        routes = self._routes

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                answer = routes.get(self.path)
                status, body = (200, answer()) if answer else (404, {'error': f'nothing at {self.path}'})
                sent = (json.dumps(body, indent=2) + '\n').encode()
                self.send_response(status)
                self.send_header('content-type', 'application/json')
                self.send_header('content-length', str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, text, *values):
                print(f'{self.address_string()} {text % values}', flush=True)

        print(f'listening on port {port}', flush=True)
        ThreadingHTTPServer(('', port), Handler).serve_forever()
