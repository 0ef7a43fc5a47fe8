"""The estimator written plainly: whole arrays at every candle, no running scales, no tracked totals."""

import numpy as np

ENTRY_STEP = 0.7548776662466927
JITTER_STEP = 0.5698402909980532


def closing_shares(held, weights, amount):
    """Share of each class that closes, in proportion to its weight and at most all of it."""
    shares = np.zeros(len(held))
    free = np.ones(len(held), bool)
    for _ in range(len(held)):
        pull = (held * weights)[free].sum()
        if pull <= 0:
            break
        rate = (amount - held[~free].sum()) / pull
        over = free & (rate * weights >= 1)
        if not over.any():
            shares[free] = rate * weights[free]
            break
        shares[over], free = 1.0, free & ~over
    return shares


def landings(candles, offsets, samples, first_bar, n_bins):
    """Bin of every deposit of every candle, -1 off the grid: shape (n_candles, 2, samples, n_tiers)."""
    low, mean, high, close = (row[:, None] for row in candles)
    point = (first_bar + np.arange(candles.shape[1]))[:, None] * float(samples) + np.arange(samples)
    u, v = (point * ENTRY_STEP) % 1, (point * JITTER_STEP) % 1
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(high > low, (high - mean) / (high - low), 1.0)
        entry = np.where(u < below, low + (mean - low) * u / below, mean + (high - mean) * (u - below) / (1.0 - below))
    phase = (v * offsets.shape[1]).astype(int)
    floor = np.floor(close)[:, :, None]
    bins = np.empty((candles.shape[1], 2, samples, offsets.shape[2]), dtype=int)
    for side in (0, 1):
        offset = offsets[side, phase]
        position = entry[:, :, None] + offset
        at_close = close[:, :, None] + offset
        if side == 0:
            position = np.where(position >= floor, np.minimum(at_close, floor - 0.5), position)
        else:
            position = np.where(position < floor + 1, np.maximum(at_close, floor + 1.5), position)
        bins[:, side] = np.where((position >= 0) & (position < n_bins), np.floor(position), -1)
    return bins


def place(raw, shown, far, side, fresh, bins, tiers, portion):
    """Put fresh quantity into the youngest class, all samples and tiers at once."""
    inside = bins >= 0
    amount = fresh * portion[inside]
    np.add.at(raw[side, 0], (tiers[inside], bins[inside]), amount)
    np.add.at(shown[side, 0], bins[inside], amount)
    far[side, 0] += fresh - amount.sum()


def merge(k, raw, shown, far, entry, birth):
    """Pour age class k into the next older one, both sides."""
    held = raw.sum(axis=(2, 3)) + far
    both = held[:, k] + held[:, k + 1]
    for average in (entry, birth):
        mean = (held[:, k] * average[:, k] + held[:, k + 1] * average[:, k + 1]) / np.maximum(both, 1e-300)
        average[:, k + 1] = np.where(both > 0, mean, average[:, k + 1])
    for table in (raw, shown, far):
        table[:, k + 1] += table[:, k]
        table[:, k] = 0


def kept_shares(side, t, target, total, close, ageing, raw, far, entry, birth):
    """Share of each class that stays open."""
    if raw.shape[1] == 1:
        return np.array([target / total])
    sign = 1 if side == 0 else -1
    aged = np.minimum(1 + np.maximum(t - birth[side], 0) / ageing[0], 4)
    loss = np.clip(sign * (entry[side] - close) / ageing[1], 0, 1)
    return 1 - closing_shares(raw[side].sum(axis=(1, 2)) + far[side], aged * (1 + loss), total - target)


def carry(side, t, level, mean, raw, shown, far, entry, birth):
    """Bring a side to a level of open interest; return the change."""
    total = raw[side].sum() + far[side].sum()
    if total > 1e-15 * level:
        for table in (raw, shown, far):
            table[side] *= level / total
    else:
        far[side, -1] += level - total
        entry[side, -1], birth[side, -1] = mean, t
    return level - total


def consume(low, high, raw, shown):
    """Take off longs from the low up and shorts from the high down; return what went."""
    gone = raw[0, :, :, low:].sum(), raw[1, :, :, : high + 1].sum()
    raw[0, :, :, low:] = 0
    shown[0, :, low:] = 0
    raw[1, :, :, : high + 1] = 0
    shown[1, :, : high + 1] = 0
    return gone


def sweep(
    candles, opened, target, level, offsets, weights, far_share, decay, samples, first_bar, ageing, merge_bars,
    n_classes, snapshots, n_bins, full=None,
):  # fmt: skip
    """Same arguments and results as the kernel; ``full`` of shape (n_candles, 2, n_bins) gets every column."""
    raw = np.zeros((2, n_classes, len(weights), n_bins))
    shown = np.zeros((2, n_classes, n_bins))
    far, entry, birth = (np.zeros((2, n_classes)) for _ in range(3))
    flows = np.zeros((2, 3))
    columns, ledgers = [], []
    wanted = set(snapshots.tolist())
    bins = landings(candles, offsets, samples, first_bar, n_bins).reshape(candles.shape[1], 2, -1)
    tiers = np.tile(np.arange(len(weights)), samples)
    portion = np.tile(weights * (1 - far_share) / samples, samples)
    for t in range(candles.shape[1]):
        low, mean, high, close = candles[:, t]
        if not np.isnan(level[t]):
            for side in (0, 1):
                change = carry(side, t, level[t], mean, raw, shown, far, entry, birth)
                flows[side, 0 if change > 0 else 2] += abs(change)
        for k in range(n_classes - 2, -1, -1):
            if (first_bar + t) % (merge_bars * 3**k) == 0:
                merge(k, raw, shown, far, entry, birth)
        flows[:, 1] += consume(int(low), int(high), raw, shown)
        shown *= decay
        for side in (0, 1):
            total = raw[side].sum() + far[side].sum()
            fresh = max(opened[t], target[t] - total)
            if fresh > 0:
                if n_classes > 1:
                    held = raw[side, 0].sum() + far[side, 0]
                    entry[side, 0] = (held * entry[side, 0] + fresh * mean) / (held + fresh)
                    birth[side, 0] = (held * birth[side, 0] + fresh * t) / (held + fresh)
                place(raw, shown, far, side, fresh, bins[t, side], tiers, portion)
                flows[side, 0] += fresh
                total += fresh
            if total > target[t]:
                flows[side, 2] += total - target[t]
                kept = kept_shares(side, t, target[t], total, close, ageing, raw, far, entry, birth)
                raw[side] *= kept[:, None, None]
                shown[side] *= kept[:, None]
                far[side] *= kept
        if full is not None:
            full[t] = shown.sum(axis=1)
        if t in wanted:
            columns.append(shown.sum(axis=1))
            ledgers.append(np.column_stack([flows, raw.sum(axis=(1, 2, 3)), far.sum(axis=1)]))
    return np.stack(columns, axis=1), raw.sum(axis=1), np.stack(ledgers)
