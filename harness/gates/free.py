"""placeholder"""
class FreeGate:  # type: ignore
    pass
