"""Stands in for local.sagemaker.serving: same files in and out, same HTTP, no model.

It answers with the artefact's content and the body's length; asked for probabilities, with the label that the double
of training learned for each row's first field. The body says how it behaves: `bad` 400, `broken` 500,
`die` ends the process, `wait` answers when SERVE_DIR/../release exists.
The environment variable BREAK ends it at the start, READY_WHEN names the file in SERVE_DIR/.. that it waits for.
An artefact with `memory_mb` takes so much memory per worker.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.sagemaker.serving.lifeline import exit_with_parent

exit_with_parent()
folder = Path(sys.argv[1])
containers = json.loads((folder / "model.json").read_text())["containers"]
if any("BREAK" in container["environment"] for container in containers):
    sys.exit("the model does not load")
for gate in (container["environment"].get("READY_WHEN") for container in containers):
    while gate and not (folder.parent / gate).exists():
        time.sleep(0.02)
loaded = [json.loads((Path(container["artifact_dir"]) / "answer.json").read_text()) for container in containers]


def predicted(line: str) -> str:
    """One row of what Autopilot's containers answer."""
    learned, errs_every, number = loaded[-1]["labels"], loaded[-1]["errs_every"], int(line.split(",", maxsplit=1)[0])
    place = (number + bool(errs_every and number % errs_every == 0)) % 2
    classes = sorted(learned)
    shares = [0.9 if label == learned[place] else 0.1 for label in classes]
    return f'{learned[place]},0.9,"{shares}","{classes}"\n'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die":
            os._exit(3)
        while body == b"wait" and not (folder.parent / "release").exists():
            time.sleep(0.02)
        status = {b"bad": 400, b"broken": 500}.get(body, 200)
        answer = {
            "artifacts": [container["artifact"] for container in loaded],
            "bytes": len(body),
            "process": os.getpid(),
        }
        payload = json.dumps(answer).encode() if status == 200 else b"the double says no"
        if "SAGEMAKER_INFERENCE_OUTPUT" in containers[-1]["environment"] and loaded[-1].get("labels"):
            payload = "".join(map(predicted, body.decode().splitlines())).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/csv; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
memory_mb = sum(container.get("memory_mb", 0) for container in loaded)
(folder / "ready.json.part").write_text(json.dumps({"port": server.server_address[1], "memory_mb": memory_mb}))
(folder / "ready.json.part").rename(folder / "ready.json")
server.serve_forever()
