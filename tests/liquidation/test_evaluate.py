import numpy as np
import pandas as pd
import pytest

from heatlab.errors import DataError
from heatlab.liquidation import evaluate


def units(count_days=6, *, seed=0, strength=1.0):
    """Units whose truth follows the column ``good`` and not ``blind``."""
    rng = np.random.default_rng(seed)
    frame = pd.MultiIndex.from_product(
        [["A", "B"], range(count_days), [3, 9], [1, -1], range(6)], names=["symbol", "day", "hour", "side", "band"]
    ).to_frame(index=False)
    frame["timestamp"] = pd.Timestamp("2025-03-01", tz="UTC") + pd.to_timedelta(frame["day"] * 24 + frame["hour"], "h")
    latent = rng.random(len(frame))
    chance = 1 / (1 + np.exp(-(8 * strength * (latent - 0.7))))
    frame["truth"] = np.where(rng.random(len(frame)) < chance, rng.random(len(frame)), 0.0)
    return frame.assign(good=latent, blind=rng.random(len(frame)))


def test_auc_counts_pairs():
    """Positives 3 and 1 against 2 and 0: three pairs of four are in order."""
    score, positive = np.array([3.0, 1.0, 2.0, 0.0]), np.array([True, True, False, False])
    assert evaluate.auc(score, positive) == 0.75
    assert evaluate.auc(score, positive, weight=np.array([3.0, 1.0, 0.0, 0.0])) == 0.875
    assert evaluate.auc(np.zeros(4), positive) == 0.5
    assert np.isnan(evaluate.auc(score, np.ones(4, bool)))


def test_within_auc_ignores_differences_between_groups():
    """A score that only tells the groups apart is worth one half within them."""
    group = np.array([0, 0, 0, 1, 1, 1])
    positive = np.array([False, False, True, True, True, False])
    assert evaluate.auc(group.astype(float), positive) > 0.5
    assert evaluate.within_auc(group.astype(float), positive, group) == 0.5


def test_lift_is_one_for_no_skill_and_ten_for_perfect():
    """All truth in the best tenth is a lift of 10; equal scores share alike."""
    truth = np.r_[np.ones(10), np.zeros(90)]
    assert evaluate.lift(truth, truth) == pytest.approx(10)
    assert evaluate.lift(np.zeros(100), truth) == pytest.approx(1)


def test_regression_and_logistic():
    """A straight line is explained whole; log odds of 1/4 and 3/4 are found."""
    x = np.arange(10.0)
    assert evaluate.r_squared([x], 2 * x + 1) == pytest.approx(1)
    group = np.repeat([0.0, 1.0], 400)
    positive = np.r_[np.repeat([1.0, 0.0], [100, 300]), np.repeat([1.0, 0.0], [300, 100])]
    beta = evaluate.fit_logistic(np.column_stack([np.ones(800), group]), positive)
    np.testing.assert_allclose(beta, [-np.log(3), 2 * np.log(3)], rtol=1e-3)


def test_calibration_error():
    """Chances of 0.3 where half happens are off by 0.2."""
    assert evaluate.calibration_error(np.full(100, 0.3), np.arange(100) % 2 == 0) == pytest.approx(0.2)


def test_earth_movers_distance_is_the_distance_moved():
    """All truth at long 5-10 %, all guess at short 5-10 %: 15 % of the price to move."""
    frame = pd.DataFrame({"symbol": "A", "timestamp": 0, "side": np.repeat([1, -1], 6), "band": np.tile(range(6), 2)})
    frame = frame.assign(truth=0.0, same=0.0, other=0.0)
    frame.loc[5, ["truth", "same"]] = 1.0
    frame.loc[11, "other"] = 1.0
    assert evaluate.earth_movers_distance(frame, "same") == pytest.approx(0)
    assert evaluate.earth_movers_distance(frame, "other") == pytest.approx(0.15)


def test_interval_comes_from_days():
    """The jack-knife of a mean over days equals its textbook standard error."""
    frame = pd.DataFrame({"day": range(5), "value": [1.0, 2.0, 3.0, 4.0, 10.0]})
    found = evaluate.by_day(lambda part: float(part["value"].mean()), frame)
    assert found.value == 4.0
    assert found.error == pytest.approx(frame["value"].std(ddof=1) / np.sqrt(5))
    assert found.low < 4.0 < found.high


def test_one_day_has_no_interval():
    """A single cluster gives a value and no error."""
    found = evaluate.by_day(lambda part: 1.0, pd.DataFrame({"day": [1, 1]}))
    assert found.value == 1.0
    assert np.isnan(found.error)


def test_score_prefers_the_informed_model(pure):
    """The informed score wins over the blind one with its interval above zero."""
    frame = units()
    table = pure(evaluate.score, frame, ["good", "blind"], reference="blind").set_index(["model", "metric"])["value"]
    assert table["good", "auc"] > 0.75 > table["blind", "auc"]
    assert table["good", "incremental R2"] > 0.1
    assert table["good", "deviance skill"] > 0.1
    assert table["blind", "deviance skill"] == pytest.approx(0, abs=1e-6)
    assert evaluate.difference(frame, "good", "blind").low > 0


def test_placebos_lose_what_time_and_side_gave():
    """Shuffled hours and mirrored sides fall to chance where only the hour and side mattered."""
    frame = units()
    positive = frame["truth"].to_numpy() > 0
    for placebo in (evaluate.shuffled_in_time(frame, "good", seed=1), evaluate.mirrored(frame, "good")):
        assert evaluate.auc(placebo, positive) < 0.62
    np.testing.assert_array_equal(
        evaluate.shuffled_in_time(frame, "good", seed=1), evaluate.shuffled_in_time(frame, "good", seed=1)
    )


def test_no_truth_is_an_error():
    """Nothing to score is said, not scored."""
    with pytest.raises(DataError, match="needs units with true liquidation prices"):
        evaluate.score(units().assign(truth=0.0), ["good"])
