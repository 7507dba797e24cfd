"""The error that ends a command of `fab`."""


class DeployError(Exception):
    """What went wrong and what to do about it, in one line for the operator."""
