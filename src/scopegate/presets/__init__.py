"""Ready catalogues."""

from scopegate.presets._plain import from_mapping
from scopegate.presets._simple import simple
from scopegate.presets._user_tokens import user_tokens

__all__ = ["from_mapping", "simple", "user_tokens"]
