import onnxruntime
import pytest

from fer_nb.errors import ModelError
from fer_nb.models import load_model
from fer_nb.weights import providers

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
DIRECTML, COREML = "DmlExecutionProvider", "CoreMLExecutionProvider"


@pytest.mark.parametrize(
    ("offered", "device", "chosen"),
    [
        ([CPU], "auto", [CPU]),
        (["AzureExecutionProvider", CPU], "auto", [CPU]),
        (["TensorrtExecutionProvider", CUDA, CPU], "auto", [CUDA, CPU]),
        ([COREML, CPU], "auto", [COREML, CPU]),
        ([DIRECTML, CPU], "auto", [DIRECTML, CPU]),
        ([DIRECTML, CPU], "directml", [DIRECTML, CPU]),
        ([CUDA, CPU], "cpu", [CPU]),
    ],
)
def test_the_gpu_that_is_offered_is_taken(monkeypatch, offered, device, chosen):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    assert providers(device) == chosen


@pytest.mark.parametrize(
    ("device", "told"), [("cuda", "onnxruntime-gpu"), ("coreml", "auto, cpu"), ("tpu", "auto, cpu")]
)
def test_a_device_that_is_not_there_is_named_with_the_remedy(monkeypatch, device, told):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    with pytest.raises(ModelError, match=told):
        load_model(device=device)


def test_a_model_asks_for_the_gpu_by_itself(monkeypatch):
    """ONNX Runtime is asked for the provider; one it cannot start leaves the work to the CPU."""
    asked = []
    session = onnxruntime.InferenceSession

    def opened(path, options, providers):
        asked.append(providers)
        return session(path, options, providers=[CPU])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)
    load_model()
    load_model(device="cpu")
    assert asked == [[CUDA, CPU], [CPU]]
