"""Proofs: the Merkle tree over all facts, signed checkpoints, audits.  They know no noun."""
