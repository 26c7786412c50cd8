"""The Merkle tree over all facts: hashes and ranges, and nothing else.  RFC 9162."""
