"""Security phrases: two words, in the answer and in the mail, so that a person can tell that the
mail is the one that was asked for."""

import secrets

_FIRST = (
    "amber", "ancient", "bold", "brave", "bright", "calm", "clever", "cosy", "crisp", "curious",
    "eager", "early", "fair", "fluffy", "gentle", "giant", "glad", "golden", "happy", "hidden",
    "humble", "jolly", "keen", "kind", "lively", "lucky", "mellow", "merry", "mighty", "misty",
    "modest", "neat", "noble", "patient", "plain", "polite", "proud", "quick", "quiet", "rapid",
    "rosy", "round", "royal", "rustic", "sandy", "silent", "silver", "simple", "sleepy", "snowy",
    "steady", "sunny", "swift", "tall", "tidy", "tiny", "vivid", "warm", "wild", "wise", "witty",
    "wooden", "young", "zesty",
)  # fmt: skip
_SECOND = (
    "anchor", "apple", "badger", "basket", "beacon", "bridge", "candle", "canyon", "castle",
    "cherry", "cloud", "comet", "compass", "cricket", "daisy", "dolphin", "falcon", "feather",
    "forest", "fountain", "garden", "glacier", "harbour", "heron", "island", "jacket", "kettle",
    "ladder", "lantern", "lemon", "maple", "marble", "meadow", "mirror", "mountain", "needle",
    "ocean", "orchard", "otter", "paper", "pebble", "pencil", "pepper", "planet", "pocket",
    "puzzle", "rabbit", "raven", "ribbon", "river", "saddle", "sparrow", "spoon", "teapot",
    "thistle", "thunder", "tiger", "tunnel", "valley", "violin", "walnut", "whistle", "willow",
    "window",
)  # fmt: skip


def new_phrase() -> str:
    """A phrase such as ``quiet heron``; one of 4,096."""
    return f"{secrets.choice(_FIRST)} {secrets.choice(_SECOND)}"
