"""The entropy coder: rANS in the format of CompressAI's, from tensors to bytes and back by compiled code."""

from lic_bench.codecs.rans.coder import Decoder, Encoder, Tables
from lic_bench.codecs.rans.gaussian import GaussianIndexer
from lic_bench.codecs.rans.library import KERNELS

__all__ = ["KERNELS", "Decoder", "Encoder", "GaussianIndexer", "Tables"]
