"""EmbeddingNet: a photo in, an embedding for each pixel out (paper, figure 2)."""

from typing import NamedTuple, Self

from torch import Tensor, nn

from leafwise.config import NetSettings
from leafwise.nets.decoders import LightDecoder, PaperDecoder
from leafwise.nets.encoder import make_encoder


class Outputs(NamedTuple):
    """What the network says of each pixel of its own grid, `EmbeddingNet.stride` times coarser than the image."""

    embeddings: Tensor  # (B, D, h, w)
    foreground: Tensor | None  # (B, h, w), logits; None without a foreground head


class EmbeddingNet(nn.Module):
    """Encoder, decoder, embedding head and, where asked, a foreground head."""

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        self.freeze_encoder = settings.freeze_encoder
        self.encoder = make_encoder(settings.encoder, settings.encoder_weights)
        channels = self.encoder.feature_info.channels()  # type: ignore[operator, union-attr]
        self.decoder = (
            PaperDecoder(channels)
            if settings.decoder == "paper"
            else LightDecoder(channels, settings.decoder_width)
        )
        width = self.decoder.out_channels
        self.embedding_head: nn.Module = nn.Conv2d(width, settings.embedding_size, 1)
        if settings.decoder == "paper":  # the paper ends in [conv 1x1, ReLU, BN]
            self.embedding_head = nn.Sequential(
                self.embedding_head, nn.ReLU(), nn.BatchNorm2d(settings.embedding_size)
            )
        self.foreground_head = nn.Conv2d(width, 1, 1) if settings.foreground_head else None
        if self.freeze_encoder:
            self.encoder.requires_grad_(requires_grad=False)

    @property
    def stride(self) -> int:
        """Pixels of the image for one pixel of the embeddings, along each axis."""
        return int(self.encoder.feature_info.reduction()[0]) // self.decoder.enlargement  # type: ignore[operator, union-attr]

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 torch's own signature
        """Training mode; a frozen encoder keeps its batch-norm statistics too."""
        super().train(mode)
        if self.freeze_encoder:
            self.encoder.eval()
        return self

    def forward(self, images: Tensor) -> Outputs:
        """Normalised images float (B, 3, h, w), h and w multiples of 32 -> Outputs."""
        features = self.decoder(self.encoder(images))
        foreground = None if self.foreground_head is None else self.foreground_head(features)[:, 0]
        return Outputs(self.embedding_head(features), foreground)
