"""Settings of the smallest training there is."""

from fer_nb.training.compact.network import CompactConfig

TINY = CompactConfig(
    size=16,
    small_size=8,
    stem=4,
    widths=(4,),
    blocks=(1,),
    epochs=2,
    small_until=0.0,
    batch_size=8,
    feature_weight=0.0,
    held_out=0.3,
)
