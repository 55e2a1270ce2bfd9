"""Accelerated Sinkhorn for partial transport: experiments A0 to A6."""
