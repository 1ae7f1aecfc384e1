"""The forest as ONNX: a format without code, which every runtime of it scores alike, in 32 bits.

The only module that needs its libraries, so that training can do without them (training/trees.py).
"""

import numpy
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

from training.calibration import Calibration


def dump(
    forest: RandomForestClassifier, calibration: Calibration | None, sample: numpy.ndarray
) -> bytes:
    """Return the forest and its calibration as one ONNX graph."""
    model = to_onnx(forest, sample[:1], options={id(forest): {"zipmap": False}}, target_opset=17)
    if calibration is not None:
        _append(model, calibration)
    return model.SerializeToString()


def score(artefact: bytes, rows: numpy.ndarray) -> numpy.ndarray:
    """Return the artefact's probabilities of churn, as whoever serves it gets them."""
    session = InferenceSession(artefact, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: rows.astype(numpy.float32)}
    return session.run(["probabilities"], inputs)[0][:, 1].astype(numpy.float64)


def _append(model: ModelProto, calibration: Calibration) -> None:
    """Let the graph end with the calibration; its output keeps its name."""
    graph = model.graph
    for node in graph.node:
        for at, name in enumerate(node.output):
            if name == "probabilities":
                node.output[at] = "uncalibrated"
    for name, value in calibration.constants().items():
        graph.initializer.append(
            numpy_helper.from_array(numpy.asarray(value, dtype=numpy.float32), name)
        )
    for operator, inputs, output in calibration.steps("uncalibrated", "probabilities"):
        graph.node.append(helper.make_node(operator, inputs, [output]))
    assert graph.output[1].type.tensor_type.elem_type == TensorProto.FLOAT  # noqa: S101 - of our own graph
