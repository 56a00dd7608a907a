"""The other end of worker_process.h: loads a MindIR with the installed MindSpore and runs it on request.

``python worker.py SOCKET_NUMBER``. A message is 8 bytes of length (little endian), that many bytes of
JSON and the raw bytes of the tensors that the JSON describes. Each request gets one answer, with
``error`` where it failed. The end of the requests ends the process.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import sys

# level 4 = nothing below critical: what fails is in the exception too, and becomes the answer
os.environ.setdefault("GLOG_v", "4")

# numbers of the data types in a MindIR (TensorProto.DataType) by NumPy name
MINDIR_TYPES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}


class Channel:
    """Messages over a socket."""

    def __init__(self, number: int):
        self.socket = socket.socket(fileno=number)

    def receive(self) -> dict | None:
        """The JSON of the next message, None at the end."""
        header = self.read(8)
        text = header and self.read(struct.unpack("<Q", header)[0])
        return text and json.loads(text)

    def read(self, size: int) -> bytearray | None:
        """``size`` bytes; None when the other end is gone."""
        block = bytearray(size)
        view = memoryview(block)
        while len(view):
            count = self.socket.recv_into(view)
            if count == 0:
                return None
            view = view[count:]
        return block

    def send(self, content: dict, arrays=()) -> None:
        """One message."""
        text = json.dumps(content).encode()
        self.socket.sendall(struct.pack("<Q", len(text)) + text)
        for array in arrays:
            self.socket.sendall(memoryview(array).cast("B"))


def load(request: dict):
    """Loads the model.

    Returns: the cell; name, shape (-1 = any size) and type of its inputs.
    """
    import mindspore as ms
    from mindspore import nn

    if request["threads"]:
        ms.runtime.dispatch_threads_num(request["threads"])
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:request["threads"]])
    ms.set_device(request["device"], request["device_id"])
    ms.set_context(mode=ms.GRAPH_MODE)
    network = nn.GraphCell(ms.load(request["path"]))
    return network, read_inputs(request["path"])


def read_inputs(path: str) -> list[dict]:
    """Name, shape and type of each input, as the file itself has them."""
    from mindspore.train.mind_ir_pb2 import ModelProto

    with open(path, "rb") as stream:
        model = ModelProto.FromString(stream.read())
    return [{"name": value.name.rpartition(":")[2], "shape": list(value.tensor[0].dims),
             "dtype": MINDIR_TYPES.get(value.tensor[0].data_type, f"type {value.tensor[0].data_type}")}
            for value in model.graph.input]


def run(network, request: dict, channel: Channel):
    """Takes the inputs of a request from the socket, and gives the outputs as arrays."""
    import mindspore as ms
    import numpy as np

    blocks = [channel.read(entry["bytes"]) for entry in request["inputs"]]
    if None in blocks:
        raise EOFError
    inputs = [ms.Tensor(np.frombuffer(block, entry["dtype"]).reshape(entry["shape"]))
              for block, entry in zip(blocks, request["inputs"])]
    outputs = network(*inputs)
    return [np.ascontiguousarray(output.asnumpy())
            for output in (outputs if isinstance(outputs, tuple) else (outputs,))]


def first_line(error: Exception) -> str:
    """The first line of a message that says something; MindSpore puts rules of dashes above it."""
    lines = (line.strip() for line in str(error).splitlines() if any(map(str.isalpha, line)))
    return next(lines, type(error).__name__)


def serve(channel: Channel) -> None:
    """Answers until the other end is gone."""
    network = None
    while True:
        request = channel.receive()
        if request is None:
            return
        try:
            if request["command"] == "load":
                network, inputs = load(request)
                answer, arrays = {"inputs": inputs}, ()
            else:
                arrays = run(network, request, channel)
                answer = {"outputs": [{"name": f"output_{k}", "shape": array.shape, "dtype": array.dtype.name,
                                       "bytes": array.nbytes} for k, array in enumerate(arrays)]}
        except EOFError:
            return
        except Exception as error:  # whatever MindSpore raises is the other end's to report
            answer, arrays = {"error": first_line(error)}, ()
        channel.send(answer, arrays)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other end ends, and this one with it
    # Linux ends this process with its parent at once (PR_SET_PDEATHSIG), also while a model compiles
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    try:
        serve(Channel(int(sys.argv[1])))
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(1)
