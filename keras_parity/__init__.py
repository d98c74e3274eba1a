"""What users import, from a checkout and installed alike.

Does a from-scratch NumPy network train exactly like Keras, and if not, where and why? `docs/api.md` shows every name at
work. A name is loaded when it is first used: importing this package costs nothing.

    from keras_parity import check_parity

    report = check_parity(MyNetwork)
"""

from typing import TYPE_CHECKING, Any

from compare import __version__ as __version__

if TYPE_CHECKING:
    from compare import *  # noqa: F403
else:
    import compare as _names

    __all__ = _names.__all__

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(_names, name)

    def __dir__() -> list[str]:
        return __all__
