"""Build the dense network by hand in plain PyTorch, for comparison.

It is what a good engineer writes first: modules, Adam, a loop over shuffled batches, no compiling.
Like the generated project, it weights each label and tracks each task's loss.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

BATCH = 256


class Network(nn.Module):
    """64 → 128 → 64, then a `Linear(64, 1)` for each task, or one `Linear` for all."""

    def __init__(self, features: Tensor, tasks: int, together: bool) -> None:
        super().__init__()
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("std", features.std(0))
        self.trunk = nn.Sequential(
            nn.Linear(features.shape[1], 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU()
        )
        sizes = [tasks] if together else [1] * tasks
        self.heads = nn.ModuleList(nn.Linear(64, size) for size in sizes)

    def encode(self, features: Tensor) -> Tensor:
        """Return what all heads read: (rows, 64)."""
        return self.trunk((features - self.mean) / self.std)

    def losses(self, encoded: Tensor, labels: Tensor, weights: Tensor) -> list[Tensor]:
        """Return squared errors by task, or all in one; labels and weights are (rows, tasks)."""
        if len(self.heads) == 1:
            return [(weights * (self.heads[0](encoded) - labels) ** 2).mean(0)]
        each = []
        for number, head in enumerate(self.heads):
            errors = head(encoded)[:, 0] - labels[:, number]
            each.append((weights[:, number] * errors**2).mean())
        return each


def backward(network: Network, encoded: Tensor, losses: Sequence[Tensor]) -> None:
    """Compute gradients of the sum of losses."""
    torch.hstack(losses).sum().backward()


def surgery(network: Network, encoded: Tensor, losses: Sequence[Tensor]) -> None:
    """Compute gradients with PCGrad on the trunk, as in TorchJD's example of several tasks."""
    from torchjd.aggregation import PCGrad
    from torchjd.autojac import jac_to_grad, mtl_backward

    mtl_backward(losses, features=encoded)
    jac_to_grad(network.trunk.parameters(), PCGrad())


def trainer(
    features: np.ndarray,
    labels: np.ndarray,
    together: bool = False,
    differentiate: Callable[[Network, Tensor, Sequence[Tensor]], None] = backward,
) -> Callable[..., list[Any]]:
    """Return a function that trains for some epochs and returns the last mean losses by task."""
    torch.manual_seed(0)
    rows, targets = torch.from_numpy(features), torch.from_numpy(labels)
    weights = torch.ones_like(targets)
    network = Network(rows, targets.shape[1], together)
    # Fused Adam is the next step when one layer for all tasks is not fast enough.
    optimizer = torch.optim.Adam(network.parameters(), fused=together or None)

    def fit(epochs: int, ended: Callable[[], object] = lambda: None) -> list[Any]:
        for _ in range(epochs):
            totals = torch.zeros(targets.shape[1])
            for chosen in torch.randperm(len(rows)).split(BATCH):
                optimizer.zero_grad()
                encoded = network.encode(rows[chosen])
                losses = network.losses(encoded, targets[chosen], weights[chosen])
                differentiate(network, encoded, losses)
                optimizer.step()
                with torch.no_grad():
                    totals += torch.hstack(losses) * len(chosen)
            ended()
        return (totals / len(rows)).tolist()

    return fit
