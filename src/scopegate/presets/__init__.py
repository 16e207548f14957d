"""Ready catalogues."""

from scopegate.presets._simple import simple
from scopegate.presets._user_tokens import user_tokens

__all__ = ["simple", "user_tokens"]
