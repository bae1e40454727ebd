"""The entropy coder: rANS in the format of CompressAI's, from tensors to bytes and back by compiled code."""

from lic_bench.codecs.rans.coder import Decoder, Encoder, Tables

__all__ = ["Decoder", "Encoder", "Tables"]
