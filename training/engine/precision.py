"""Mixed precision: which numbers the convolutions compute in, and what keeps small gradients from vanishing."""

import contextlib
from typing import Any, Literal

import torch
from torch import Tensor, nn

from training.engine.errors import ProcessError

Precision = Literal["fp32", "bf16", "fp16"]

SMALLEST_SCALE = 2.0**-10
"""Of FP16's losses; where even this overflows, the gradient itself is no number."""


class MixedPrecision:
    """Autocast around the forward pass, and a loss scale for FP16, whose smallest gradients would be 0.

    Weights, losses and the optimiser stay FP32 (Mixed Precision Training, sections 3.1 and 3.2).
    """

    def __init__(self, device: torch.device, precision: Precision) -> None:
        self._device = device
        self._dtype = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")

    @classmethod
    def on(cls, device: torch.device, precision: Precision) -> "MixedPrecision":
        """Return what a recipe asks for.

        Raises:
            ProcessError: the device would be slower with it than without.
        """
        if precision == "fp16" and device.type != "cuda":
            raise ProcessError("precision: fp16 needs a GPU; on a processor take bf16, or fp32")
        return cls(device, precision)

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Return the context in which the detector runs; its losses are computed outside of it."""
        if self._dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=self._dtype)

    def backward(self, loss: Tensor) -> None:
        """Add a loss's gradients to those that the parameters hold."""
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self, optimizer: torch.optim.Optimizer, module: nn.Module, *, clip_norm: float) -> float | None:
        """Clip the gradients to a norm and apply them.

        Returns:
            The norm before clipping; where it is infinite or NaN nothing was applied. None where FP16's loss scale was
            too large, which is halved for the next step.
        """
        self._scaler.unscale_(optimizer)
        parameters = [p for p in module.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        is_finite = bool(torch.isfinite(norm))
        if is_finite:  # else the gradients stay as they are, to be looked at
            nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
        is_scaled = self._scaler.is_enabled() and self._scaler.get_scale() > SMALLEST_SCALE
        if is_finite or is_scaled:
            self._scaler.step(optimizer)  # which looks for itself, and leaves out what is not finite
            self._scaler.update()
        return float(norm) if is_finite or not is_scaled else None

    def state_dict(self) -> dict[str, Any]:
        """Return the loss scale for a checkpoint; empty without one."""
        state: dict[str, Any] = self._scaler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the loss scale of a checkpoint."""
        if self._scaler.is_enabled() and state:
            self._scaler.load_state_dict(state)
