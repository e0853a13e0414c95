"""The container contract over HTTP: GET /ping, POST /invocations."""

import csv
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.sagemaker.serving.artefact import WrongColumns
from local.sagemaker.serving.containers import Chain

# The largest body that any of SageMaker's ways of inference sends to a container (batch transform's MaxPayloadInMB).
MAX_BODY_BYTES = 100 * 1024 * 1024


class InvocationServer(ThreadingHTTPServer):
    """Serves one chain on a free loopback port, a thread per connection, one prediction at a time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, chain: Chain) -> None:
        super().__init__(("127.0.0.1", 0), InvocationHandler)
        self._chain = chain
        self._lock = threading.Lock()  # AutoGluon's models do not promise to predict from several threads at once

    def invoke(self, body: str) -> str:
        """One prediction. Raises WrongColumns."""
        with self._lock:
            return self._chain.invoke(body)


class InvocationHandler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    server: InvocationServer

    def do_GET(self) -> None:
        """GET /ping says that the model is loaded."""
        if self.path != "/ping":
            return self._answer(HTTPStatus.NOT_FOUND, "only /ping and /invocations exist")
        return self._answer(HTTPStatus.OK, "")

    def do_POST(self) -> None:
        """POST /invocations with text/csv, features in training order, no header."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True  # what follows cannot be read as a request
            return self._answer(HTTPStatus.LENGTH_REQUIRED, f"send Content-Length, at most {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if self.path != "/invocations":
            return self._answer(HTTPStatus.NOT_FOUND, "only /ping and /invocations exist")
        if self.headers.get_content_type() != "text/csv":
            return self._answer(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the model reads text/csv, not {self.headers.get_content_type()}"
            )
        try:
            return self._answer(HTTPStatus.OK, self.server.invoke(body.decode("utf-8-sig")), "text/csv; charset=utf-8")
        except (WrongColumns, csv.Error) as refusal:
            return self._answer(HTTPStatus.BAD_REQUEST, str(refusal))
        except UnicodeDecodeError as error:
            return self._answer(HTTPStatus.BAD_REQUEST, f"byte {error.start} of the body is not UTF-8")
        except Exception as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")
            raise  # to the log: it is a bug

    def _answer(self, status: HTTPStatus, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
        payload = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing for each request."""
