"""What the risk study found when it was last run on real prices: recorded, not computed here."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from heatlab.portfolio.risk_study.coverage_tests import CoverageTest, kupiec_test
from heatlab.portfolio.risk_study.intervals import share_interval
from heatlab.portfolio.risk_study.result import RiskStudyResult
from heatlab.portfolio.risk_study.value_at_risk import TABLE

# ruff: noqa: E501 - one reading, one line

_USED = ("18 perpetuals of binanceusdm, hourly, 2019-09-08 to 2026-02-12",)
_NOTES = (
    "mixed: value at risk over 1 d, 30-day covariance: 34 of 42 tests by book, level and year hold (5 too many, 3 in runs)",
    "holds: value at risk over 1 d, 30-day covariance, fat tails: 39 of 42 tests by book, level and year hold (1 too many, 2 in runs)",
    "mixed: value at risk over 1 d, EWMA 0.94: 35 of 42 tests by book, level and year hold (4 too many, 2 in runs, 1 too few)",
    "mixed: value at risk over 1 d, historical simulation: 31 of 42 tests by book, level and year hold (2 too many, 3 in runs, 6 too few)",
    "fails: value at risk over 1 h, 30-day covariance: 1 of 42 tests by book, level and year hold (22 too many, 10 in runs, 9 too few)",
    "fails: value at risk over 1 h, 30-day covariance, fat tails: 0 of 42 tests by book, level and year hold (31 too many, 9 in runs, 2 too few)",
    "fails: value at risk over 1 h, EWMA 0.94: 0 of 42 tests by book, level and year hold (21 too many, 5 in runs, 16 too few)",
    "fails: value at risk over 1 h, historical simulation: 0 of 42 tests by book, level and year hold (26 too many, 16 in runs)",
    "holds: stated share of risk, both long, next 7 d: within 10 points on 97% of 313 dates, off by 2.5 points on average [2.0, 3.0], better than the share by size (4.1)",
    "fails: stated share of risk, long one, short the other, next 7 d: within 10 points on 32% of 313 dates, off by 29.1 points on average [25.5, 33.4], better than the share by size (59.5)",
    "holds: stated share of risk, both long, next 30 d: within 10 points on 97% of 72 dates, off by 2.7 points on average [1.8, 3.9], better than the share by size (3.8)",
    "fails: stated share of risk, long one, short the other, next 30 d: within 10 points on 26% of 72 dates, off by 32.0 points on average [26.0, 38.8], better than the share by size (59.0)",
    "seen: systemic warning, hours with two clusters or more: 71.4% of 52,848",
    "seen: systemic warning, of those, hours in alert: 3.3% of 37,728",
    "fails: systemic warning, crossings warned of in the 14 d before: 21% [9%, 43%] over 19 cases, 23% at shifted dates (p = 0.663, no better than chance)",
    "fails: systemic warning, false alarms: no crossing in the 14 d after: 89% [75%, 96%] over 37 cases, 84% at shifted dates (p = 0.751, no better than chance)",
    "seen: systemic warning, median lead of warnings in time [d]: 8 over 4 cases",
    "holds: systemic warning, rise of the correlation, day 0 to 7: +0.025 [+0.013, +0.038] over 39 cases, +0.000 at shifted dates (p < 0.001)",
    "holds: systemic warning, rise of the correlation, day 0 to 30: +0.068 [+0.031, +0.104] over 39 cases, +0.000 at shifted dates (p = 0.001)",
    "holds: systemic warning, rise of the correlation, day 1 to 7: +0.015 [+0.003, +0.027] over 39 cases, +0.000 at shifted dates (p = 0.005)",
    "holds: systemic warning, rise of the correlation, day 1 to 30: +0.057 [+0.022, +0.093] over 39 cases, +0.000 at shifted dates (p = 0.005)",
    "fails: systemic warning: not one in 2025-2026",
    "seen: venues: in 0 of 10 tests one moves first by anything of use",
    "seen: no setting was tuned to these prices; p-values are not corrected for the number of tests",
)
_COVERAGE = """\
book|model|horizon|level|period|count|exceptions|independence|conditional
equal weight|30-day covariance|1 d|0.95|2020-2024|1793|86|0.0089|0.0302
equal weight|30-day covariance|1 d|0.95|2025-2026|408|21|0.1305|0.3159
equal weight|30-day covariance, fat tails|1 d|0.95|2020-2024|1793|96|0.016|0.0435
equal weight|30-day covariance, fat tails|1 d|0.95|2025-2026|408|25|0.6253|0.5325
equal weight|EWMA 0.94|1 d|0.95|2020-2024|1793|88|0.036|0.1093
equal weight|EWMA 0.94|1 d|0.95|2025-2026|408|20|0.1504|0.3541
equal weight|30-day covariance|1 d|0.99|2020-2024|1793|32|0.1305|0.0035
equal weight|30-day covariance|1 d|0.99|2025-2026|408|8|0.5711|0.1928
equal weight|30-day covariance, fat tails|1 d|0.99|2020-2024|1793|20|0.2195|0.4188
equal weight|30-day covariance, fat tails|1 d|0.99|2025-2026|408|5|0.7243|0.8522
equal weight|EWMA 0.94|1 d|0.99|2020-2024|1793|31|0.1152|0.0056
equal weight|EWMA 0.94|1 d|0.99|2025-2026|408|7|0.6206|0.3709
equal weight|30-day covariance|1 h|0.95|2020-2024|43032|1876|0|0
equal weight|30-day covariance|1 h|0.95|2025-2026|9792|429|0|0
equal weight|30-day covariance, fat tails|1 h|0.95|2020-2024|43032|2218|0|0
equal weight|30-day covariance, fat tails|1 h|0.95|2025-2026|9792|514|0|0
equal weight|EWMA 0.94|1 h|0.95|2020-2024|43032|1810|0|0
equal weight|EWMA 0.94|1 h|0.95|2025-2026|9792|416|0|0
equal weight|historical simulation|1 h|0.95|2020-2024|43032|2261|0|0
equal weight|historical simulation|1 h|0.95|2025-2026|9792|500|0|0
equal weight|30-day covariance|1 h|0.99|2020-2024|43032|870|0|0
equal weight|30-day covariance|1 h|0.99|2025-2026|9792|201|0|0
equal weight|30-day covariance, fat tails|1 h|0.99|2020-2024|43032|637|0|0
equal weight|30-day covariance, fat tails|1 h|0.99|2025-2026|9792|136|0|0
equal weight|EWMA 0.94|1 h|0.99|2020-2024|43032|823|0|0
equal weight|EWMA 0.94|1 h|0.99|2025-2026|9792|178|0|0
equal weight|historical simulation|1 h|0.99|2020-2024|43032|544|0|0
equal weight|historical simulation|1 h|0.99|2025-2026|9792|117|0|0
long and short|30-day covariance|1 d|0.95|2020-2024|1793|80|0.0895|0.1342
long and short|30-day covariance|1 d|0.95|2025-2026|408|19|0.9016|0.9424
long and short|30-day covariance, fat tails|1 d|0.95|2020-2024|1793|95|0.38|0.5768
long and short|30-day covariance, fat tails|1 d|0.95|2025-2026|408|19|0.9016|0.9424
long and short|EWMA 0.94|1 d|0.95|2020-2024|1793|66|0.0424|0.0035
long and short|EWMA 0.94|1 d|0.95|2025-2026|408|19|0.9016|0.9424
long and short|30-day covariance|1 d|0.99|2020-2024|1793|30|0.1011|0.0086
long and short|30-day covariance|1 d|0.99|2025-2026|408|8|0.5711|0.1928
long and short|30-day covariance, fat tails|1 d|0.99|2020-2024|1793|21|0.4804|0.6061
long and short|30-day covariance, fat tails|1 d|0.99|2025-2026|408|6|0.6718|0.6137
long and short|EWMA 0.94|1 d|0.99|2020-2024|1793|31|0.5638|0.0163
long and short|EWMA 0.94|1 d|0.99|2025-2026|408|7|0.6206|0.3709
long and short|30-day covariance|1 h|0.95|2020-2024|43032|1979|0|0
long and short|30-day covariance|1 h|0.95|2025-2026|9792|418|0|0
long and short|30-day covariance, fat tails|1 h|0.95|2020-2024|43032|2395|0|0
long and short|30-day covariance, fat tails|1 h|0.95|2025-2026|9792|516|0|0
long and short|EWMA 0.94|1 h|0.95|2020-2024|43032|1750|0|0
long and short|EWMA 0.94|1 h|0.95|2025-2026|9792|376|0|0
long and short|historical simulation|1 h|0.95|2020-2024|43032|2826|0|0
long and short|historical simulation|1 h|0.95|2025-2026|9792|597|0|0
long and short|30-day covariance|1 h|0.99|2020-2024|43032|815|0|0
long and short|30-day covariance|1 h|0.99|2025-2026|9792|170|0|0
long and short|30-day covariance, fat tails|1 h|0.99|2020-2024|43032|566|0|0
long and short|30-day covariance, fat tails|1 h|0.99|2025-2026|9792|113|0|0
long and short|EWMA 0.94|1 h|0.99|2020-2024|43032|692|0|0
long and short|EWMA 0.94|1 h|0.99|2025-2026|9792|145|0|0
long and short|historical simulation|1 h|0.99|2020-2024|43032|735|0|0
long and short|historical simulation|1 h|0.99|2025-2026|9792|162|0|0
inverse volatility|30-day covariance|1 d|0.95|2020-2024|1793|86|0.0089|0.0302
inverse volatility|30-day covariance|1 d|0.95|2025-2026|408|20|0.1504|0.3541
inverse volatility|30-day covariance, fat tails|1 d|0.95|2020-2024|1793|104|0.0079|0.0092
inverse volatility|30-day covariance, fat tails|1 d|0.95|2025-2026|408|24|0.0828|0.1617
inverse volatility|EWMA 0.94|1 d|0.95|2020-2024|1793|89|0.0415|0.1248
inverse volatility|EWMA 0.94|1 d|0.95|2025-2026|408|21|0.1305|0.3159
inverse volatility|30-day covariance|1 d|0.99|2020-2024|1793|37|0.2263|0.0002
inverse volatility|30-day covariance|1 d|0.99|2025-2026|408|8|0.5711|0.1928
inverse volatility|30-day covariance, fat tails|1 d|0.99|2020-2024|1793|22|0.2717|0.3537
inverse volatility|30-day covariance, fat tails|1 d|0.99|2025-2026|408|5|0.7243|0.8522
inverse volatility|EWMA 0.94|1 d|0.99|2020-2024|1793|33|0.147|0.0021
inverse volatility|EWMA 0.94|1 d|0.99|2025-2026|408|8|0.5711|0.1928
inverse volatility|30-day covariance|1 h|0.95|2020-2024|43032|1886|0|0
inverse volatility|30-day covariance|1 h|0.95|2025-2026|9792|431|0|0
inverse volatility|30-day covariance, fat tails|1 h|0.95|2020-2024|43032|2227|0|0
inverse volatility|30-day covariance, fat tails|1 h|0.95|2025-2026|9792|515|0|0
inverse volatility|EWMA 0.94|1 h|0.95|2020-2024|43032|1812|0|0
inverse volatility|EWMA 0.94|1 h|0.95|2025-2026|9792|426|0|0
inverse volatility|historical simulation|1 h|0.95|2020-2024|43032|2263|0|0
inverse volatility|historical simulation|1 h|0.95|2025-2026|9792|508|0|0
inverse volatility|30-day covariance|1 h|0.99|2020-2024|43032|898|0|0
inverse volatility|30-day covariance|1 h|0.99|2025-2026|9792|207|0|0
inverse volatility|30-day covariance, fat tails|1 h|0.99|2020-2024|43032|656|0|0
inverse volatility|30-day covariance, fat tails|1 h|0.99|2025-2026|9792|150|0|0
inverse volatility|EWMA 0.94|1 h|0.99|2020-2024|43032|829|0|0
inverse volatility|EWMA 0.94|1 h|0.99|2025-2026|9792|191|0|0
inverse volatility|historical simulation|1 h|0.99|2020-2024|43032|553|0|0
inverse volatility|historical simulation|1 h|0.99|2025-2026|9792|120|0|0
equal weight|historical simulation|1 d|0.95|2020-2024|1487|64|0.0229|0.034
equal weight|historical simulation|1 d|0.95|2025-2026|376|21|0.4593|0.6673
equal weight|historical simulation|1 d|0.99|2020-2024|1487|12|0.0028|0.0084
equal weight|historical simulation|1 d|0.99|2025-2026|376|5|0.7132|0.7751
long and short|historical simulation|1 d|0.95|2020-2024|1487|83|0.2755|0.3309
long and short|historical simulation|1 d|0.95|2025-2026|376|12|0.373|0.1536
long and short|historical simulation|1 d|0.99|2020-2024|1487|22|0.3329|0.139
long and short|historical simulation|1 d|0.99|2025-2026|376|4|0.769|0.9506
inverse volatility|historical simulation|1 d|0.95|2020-2024|1487|66|0.0023|0.0058
inverse volatility|historical simulation|1 d|0.95|2025-2026|362|20|0.4143|0.6474
inverse volatility|historical simulation|1 d|0.99|2020-2024|1487|13|0.004|0.0141
inverse volatility|historical simulation|1 d|0.99|2025-2026|362|5|0.7078|0.7351
"""
_CONTRIBUTIONS = """\
book|horizon|period|dates|at_cut|error|low|high|size_error|equal_error|gain|gain_low|gain_high|within_5|within_10|within_10_low|within_10_high|rank_correlation
both long|7 d|all|313|0.7444|0.0247|0.0203|0.0295|0.0412|0.3316|0.0165|0.0121|0.0212|0.8626|0.9681|0.9422|0.9826|0.9613
both long|7 d|2020-2024|256|0.7695|0.0274|0.0224|0.0331|0.0433|0.3145|0.0159|0.011|0.0214|0.8359|0.9609|0.9296|0.9786|0.9626
both long|7 d|2025-2026|57|0.6316|0.0125|0.0085|0.0176|0.0316|0.4082|0.0191|0.0084|0.0291|0.9825|1|0.9369|1|0.9288
long one, short the other|7 d|all|313|0.7444|0.2914|0.2547|0.3344|0.5951|0.5951|0.3037|0.2384|0.3636|0.1821|0.3163|0.2673|0.3698|0.7616
long one, short the other|7 d|2020-2024|256|0.7695|0.2933|0.2514|0.337|0.5747|0.5747|0.2814|0.223|0.3391|0.1836|0.3242|0.2698|0.3838|0.7279
long one, short the other|7 d|2025-2026|57|0.6316|0.2829|0.1857|0.3946|0.6868|0.6868|0.4039|0.2362|0.567|0.1754|0.2807|0.1808|0.4083|0.8303
both long|30 d|all|72|0.7083|0.0274|0.0176|0.0387|0.0377|0.318|0.0103|0.0008|0.0205|0.8333|0.9722|0.9043|0.9923|0.953
both long|30 d|2020-2024|59|0.7458|0.0313|0.0208|0.0443|0.0385|0.2962|0.0072|-0.0023|0.0177|0.7966|0.9661|0.8846|0.9907|0.9448
both long|30 d|2025-2026|13|0.5385|0.0095|0.0064|0.0128|0.0338|0.4169|0.0242|0.0096|0.038|1|1|0.7719|1|0.978
long one, short the other|30 d|all|72|0.7083|0.3201|0.2602|0.3882|0.5905|0.5905|0.2704|0.1692|0.3759|0.1389|0.2639|0.1759|0.3758|0.6781
long one, short the other|30 d|2020-2024|59|0.7458|0.3295|0.2643|0.4036|0.5472|0.5472|0.2177|0.1106|0.3179|0.1356|0.2373|0.1469|0.3597|0.6149
long one, short the other|30 d|2025-2026|13|0.5385|0.2773|0.1523|0.4255|0.7868|0.7868|0.5095|0.3135|0.6881|0.1538|0.3846|0.1771|0.6448|0.7912
"""
_WARNING = """\
period|measure|count|value|low|high|placebo|p_value
all|hours with two clusters or more|52848|0.7139||||
all|of those, hours in alert|37728|0.0332||||
all|crossings warned of in the 14 d before|19|0.2105|0.0851|0.4333|0.2252|0.663
all|false alarms: no crossing in the 14 d after|37|0.8919|0.7529|0.9571|0.8409|0.7507
all|median lead of warnings in time [d]|4|8||||
all|rise of the correlation, day 0 to 7|39|0.0255|0.0128|0.0381|0.0003|0.0005
all|rise of the correlation, day 0 to 30|39|0.0676|0.0309|0.1044|0.0003|0.0009
all|rise of the correlation, day 1 to 7|39|0.0151|0.003|0.0273|0.0003|0.005
all|rise of the correlation, day 1 to 30|39|0.0573|0.0215|0.0931|0.0003|0.0045
2020-2024|hours with two clusters or more|43056|0.7492||||
2020-2024|of those, hours in alert|32256|0.0388||||
2020-2024|crossings warned of in the 14 d before|12|0.25|0.0889|0.5323|0.2765|0.6756
2020-2024|false alarms: no crossing in the 14 d after|37|0.9189|0.787|0.972|0.8827|0.714
2020-2024|median lead of warnings in time [d]|3|8||||
2020-2024|rise of the correlation, day 0 to 7|38|0.025|0.012|0.0379|-0.0002|0.0006
2020-2024|rise of the correlation, day 0 to 30|36|0.0612|0.023|0.0993|-0.0023|0.0011
2020-2024|rise of the correlation, day 1 to 7|38|0.0143|0.002|0.0267|-0.0002|0.0089
2020-2024|rise of the correlation, day 1 to 30|36|0.0507|0.0135|0.0878|-0.0022|0.005
2025-2026|hours with two clusters or more|9792|0.5588||||
2025-2026|of those, hours in alert|5472|0||||
2025-2026|crossings warned of in the 14 d before|6|0|0|0.3903|0|1
2025-2026|false alarms: no crossing in the 14 d after|0|||||
2025-2026|median lead of warnings in time [d]|0|||||
2025-2026|rise of the correlation, day 0 to 7|0|||||
2025-2026|rise of the correlation, day 0 to 30|0|||||
2025-2026|rise of the correlation, day 1 to 7|0|||||
2025-2026|rise of the correlation, day 1 to 30|0|||||
"""
_PATH = """\
day|rise|placebo|low|high
-14|0.0082|-0.0005|-0.0161|0.0173
-12|0.0009|-0.0005|-0.0151|0.016
-10|-0.0098|-0.0004|-0.014|0.0138
-8|-0.0042|-0.0004|-0.0123|0.0122
-6|-0.001|-0.0003|-0.0106|0.0103
-4|0.0035|-0.0002|-0.0082|0.0082
-2|0.0014|-0.0001|-0.0053|0.0051
0|0|0|0|0
2|0.0144|0.0001|-0.0051|0.0053
4|0.0162|0.0002|-0.0082|0.0082
6|0.0231|0.0003|-0.0103|0.0106
8|0.0303|0.0004|-0.0122|0.0123
10|0.0356|0.0004|-0.0138|0.014
12|0.0386|0.0005|-0.016|0.0151
14|0.0407|0.0005|-0.0173|0.0161
16|0.0507|0.0005|-0.0184|0.0177
18|0.0553|0.0005|-0.0193|0.0194
20|0.0596|0.0005|-0.0213|0.0209
22|0.0599|0.0005|-0.0229|0.0223
24|0.0583|0.0005|-0.0246|0.0232
26|0.0567|0.0004|-0.0263|0.0251
28|0.0619|0.0003|-0.0281|0.0263
30|0.0676|0.0003|-0.0303|0.0277
"""
_VENUES = """\
symbol|first|second|timeframe|bars|same_bar|leader|lag|forward|backward|p_value|words
BTC/USDT:USDT|binanceusdm|bybit|15m|73771|0.9991||3|-0.0112|-0.0105|0.231|Neither leads at this bar length, 15 min (p = 0.231).
BTC/USDT:USDT|binanceusdm|bybit|1h|19365|0.9997||1|-0.0131|-0.012|0.0355|Neither leads by anything of use: bybit is ahead by a trace (correlation -0.012 that way, -0.013 the other; p = 0.035).
BTC/USDT:USDT|binanceusdm|okx|5m|4414|0.998||1|0.0358|0.0321|0.066|Neither leads at this bar length, 5 min (p = 0.066).
BTC/USDT:USDT|binanceusdm|okx|1h|5863|0.9994||3|-0.0146|-0.0153|0.972|Neither leads at this bar length, 1 h (p = 0.972).
ETH/USDT:USDT|binanceusdm|bybit|1h|18909|0.9998||1|0.0023|0.0042|0.003|Neither leads by anything of use: bybit is ahead by a trace (correlation +0.004 that way, +0.002 the other; p = 0.003).
ETH/USDT:USDT|binanceusdm|okx|1h|5863|0.999||3|-0.0333|-0.0345|0.188|Neither leads at this bar length, 1 h (p = 0.188).
SOL/USDT:USDT|binanceusdm|bybit|1h|14171|0.9996||1|-0.0186|-0.0172|0.001|Neither leads by anything of use: bybit is ahead by a trace (correlation -0.017 that way, -0.019 the other; p = 0.001).
SOL/USDT:USDT|binanceusdm|okx|1h|5863|0.9874||4|-0.0173|-0.0235|0.1055|Neither leads at this bar length, 1 h (p = 0.105).
DOGE/USDT:USDT|binanceusdm|bybit|1h|8243|0.9995||1|-0.0041|-0.0034|0.1715|Neither leads at this bar length, 1 h (p = 0.172).
DOGE/USDT:USDT|binanceusdm|okx|1h|1667|0.9996||2|-0.0494|-0.0483|0.6185|Neither leads at this bar length, 1 h (p = 0.619).
"""


def recorded() -> RiskStudyResult:
    """Return the run the screen quotes: 18 Binance perpetuals, hourly. Repeat it with ``heatlab study risk``.

    Returns
    -------
    RiskStudyResult
        Coverage of the two panels, without single years; every second day of the path; four decimals.
    """
    return RiskStudyResult(
        coverage=_coverage(),
        contributions=_table(_CONTRIBUTIONS),
        warning=_table(_WARNING),
        path=_table(_PATH),
        venues=_table(_VENUES),
        used=_USED,
        notes=_NOTES,
    )


def _table(text: str) -> pd.DataFrame:
    table = pd.read_csv(io.StringIO(text), sep="|")
    return table.astype({"leader": "object"}).fillna({"leader": ""}) if "leader" in table else table


def _coverage() -> pd.DataFrame:
    rows = []
    for row in _table(_COVERAGE).to_dict("records"):
        count, exceptions, stated = row["count"], row["exceptions"], 1 - row["level"]
        rate, kupiec = exceptions / count, kupiec_test(exceptions, count, stated=stated)[1]
        ends = share_interval(exceptions, count)
        test = CoverageTest(count, exceptions, stated, rate, kupiec, row["independence"], row["conditional"])
        found: dict[Any, Any] = {"stated": stated, "rate": rate, "low": ends[0], "high": ends[1], "kupiec": kupiec}
        rows.append(row | found | {"verdict": test.verdict})
    return pd.DataFrame(rows)[TABLE]
