"""Small label maps of any shape, embeddings for them, and their boundaries by looking at every pixel."""

import torch
from hypothesis import strategies as st


@st.composite
def label_batches(draw, *, numbers=(0, 1, 2, 5)):
    """Label maps int64 (B, h, w) of single pixels or of larger squares, gaps in the numbers, at most 8 x 8."""
    batch, height, width = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    n = batch * height * width
    flat = draw(st.lists(st.sampled_from(numbers), min_size=n, max_size=n))
    side = draw(st.integers(1, 2))
    return torch.tensor(flat).view(batch, height, width).repeat_interleave(side, 1).repeat_interleave(side, 2)


def embeddings_for(labels, *, seed=0, size=3, spread=1.5):
    """Normal (B, D, h, w) in double precision."""
    batch, height, width = labels.shape
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, size, height, width)
    return spread * torch.randn(shape, generator=generator, dtype=torch.float64)


def direct_boundary(labels):
    """Pixels of a label map (h, w) with an 8-neighbour of another label, bool (h, w)."""
    found = torch.zeros_like(labels, dtype=torch.bool)
    for i, j in torch.ones_like(labels).nonzero().tolist():
        around = labels[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
        found[i, j] = bool((around != labels[i, j]).any())
    return found
