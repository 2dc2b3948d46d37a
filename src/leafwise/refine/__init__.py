"""Refinement of a clustering: denoising, likelihood images for ClusterNet, and the merging of its masks."""

from leafwise.refine.likelihood import likelihood_images
from leafwise.refine.merge import MERGES, Merge, mask_sizes, merge_by_likelihood, merge_by_size
from leafwise.refine.mrf import SOLVERS, Solver, denoise, ising_energy
from leafwise.refine.segments import merge_masks, segment_likelihood

__all__ = [
    "MERGES",
    "SOLVERS",
    "Merge",
    "Solver",
    "denoise",
    "ising_energy",
    "likelihood_images",
    "mask_sizes",
    "merge_by_likelihood",
    "merge_by_size",
    "merge_masks",
    "segment_likelihood",
]
