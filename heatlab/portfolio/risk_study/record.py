"""What the risk study found when it was last run on real prices: recorded, not computed here."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from heatlab.portfolio.intervals import share_interval
from heatlab.portfolio.risk_study.coverage_tests import CoverageTest, kupiec_test
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
equal weight|30-day covariance|1 d|0.95|2020-2024|1793|86|0.008921|0.030241
equal weight|30-day covariance|1 d|0.95|2025-2026|408|21|0.130537|0.315924
equal weight|30-day covariance, fat tails|1 d|0.95|2020-2024|1793|96|0.015978|0.043532
equal weight|30-day covariance, fat tails|1 d|0.95|2025-2026|408|25|0.62533|0.532511
equal weight|EWMA 0.94|1 d|0.95|2020-2024|1793|88|0.036043|0.109306
equal weight|EWMA 0.94|1 d|0.95|2025-2026|408|20|0.150408|0.354089
equal weight|30-day covariance|1 d|0.99|2020-2024|1793|32|0.130464|0.003463
equal weight|30-day covariance|1 d|0.99|2025-2026|408|8|0.571113|0.192771
equal weight|30-day covariance, fat tails|1 d|0.99|2020-2024|1793|20|0.219467|0.418837
equal weight|30-day covariance, fat tails|1 d|0.99|2025-2026|408|5|0.72433|0.852192
equal weight|EWMA 0.94|1 d|0.99|2020-2024|1793|31|0.115171|0.005561
equal weight|EWMA 0.94|1 d|0.99|2025-2026|408|7|0.620609|0.370916
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
long and short|30-day covariance|1 d|0.95|2020-2024|1793|80|0.089487|0.134237
long and short|30-day covariance|1 d|0.95|2025-2026|408|19|0.901641|0.942386
long and short|30-day covariance, fat tails|1 d|0.95|2020-2024|1793|95|0.379995|0.576765
long and short|30-day covariance, fat tails|1 d|0.95|2025-2026|408|19|0.901641|0.942386
long and short|EWMA 0.94|1 d|0.95|2020-2024|1793|66|0.042373|0.003481
long and short|EWMA 0.94|1 d|0.95|2025-2026|408|19|0.901641|0.942386
long and short|30-day covariance|1 d|0.99|2020-2024|1793|30|0.101115|0.008594
long and short|30-day covariance|1 d|0.99|2025-2026|408|8|0.571113|0.192771
long and short|30-day covariance, fat tails|1 d|0.99|2020-2024|1793|21|0.480365|0.606128
long and short|30-day covariance, fat tails|1 d|0.99|2025-2026|408|6|0.671754|0.613654
long and short|EWMA 0.94|1 d|0.99|2020-2024|1793|31|0.563848|0.016283
long and short|EWMA 0.94|1 d|0.99|2025-2026|408|7|0.620609|0.370916
long and short|30-day covariance|1 h|0.95|2020-2024|43032|1979|0|0
long and short|30-day covariance|1 h|0.95|2025-2026|9792|418|0|0
long and short|30-day covariance, fat tails|1 h|0.95|2020-2024|43032|2395|0|0
long and short|30-day covariance, fat tails|1 h|0.95|2025-2026|9792|516|0.000001|0.000004
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
inverse volatility|30-day covariance|1 d|0.95|2020-2024|1793|86|0.008921|0.030241
inverse volatility|30-day covariance|1 d|0.95|2025-2026|408|20|0.150408|0.354089
inverse volatility|30-day covariance, fat tails|1 d|0.95|2020-2024|1793|104|0.00786|0.009234
inverse volatility|30-day covariance, fat tails|1 d|0.95|2025-2026|408|24|0.082762|0.161682
inverse volatility|EWMA 0.94|1 d|0.95|2020-2024|1793|89|0.041457|0.124793
inverse volatility|EWMA 0.94|1 d|0.95|2025-2026|408|21|0.130537|0.315924
inverse volatility|30-day covariance|1 d|0.99|2020-2024|1793|37|0.226344|0.00019
inverse volatility|30-day covariance|1 d|0.99|2025-2026|408|8|0.571113|0.192771
inverse volatility|30-day covariance, fat tails|1 d|0.99|2020-2024|1793|22|0.271712|0.353742
inverse volatility|30-day covariance, fat tails|1 d|0.99|2025-2026|408|5|0.72433|0.852192
inverse volatility|EWMA 0.94|1 d|0.99|2020-2024|1793|33|0.147025|0.002077
inverse volatility|EWMA 0.94|1 d|0.99|2025-2026|408|8|0.571113|0.192771
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
equal weight|historical simulation|1 d|0.95|2020-2024|1487|64|0.022901|0.033973
equal weight|historical simulation|1 d|0.95|2025-2026|376|21|0.459295|0.667262
equal weight|historical simulation|1 d|0.99|2020-2024|1487|12|0.002776|0.008447
equal weight|historical simulation|1 d|0.99|2025-2026|376|5|0.713162|0.775124
long and short|historical simulation|1 d|0.95|2020-2024|1487|83|0.275493|0.330927
long and short|historical simulation|1 d|0.95|2025-2026|376|12|0.373034|0.153557
long and short|historical simulation|1 d|0.99|2020-2024|1487|22|0.332885|0.138978
long and short|historical simulation|1 d|0.99|2025-2026|376|4|0.768993|0.950558
inverse volatility|historical simulation|1 d|0.95|2020-2024|1487|66|0.002306|0.005762
inverse volatility|historical simulation|1 d|0.95|2025-2026|362|20|0.414323|0.647365
inverse volatility|historical simulation|1 d|0.99|2020-2024|1487|13|0.004009|0.014068
inverse volatility|historical simulation|1 d|0.99|2025-2026|362|5|0.70783|0.735131
"""
_CONTRIBUTIONS = """\
book|horizon|period|dates|at_cut|error|low|high|size_error|equal_error|gain|gain_low|gain_high|within_5|within_10|within_10_low|within_10_high|rank_correlation
both long|7 d|all|313|0.744409|0.024674|0.020349|0.029511|0.04116|0.331573|0.016486|0.012083|0.021207|0.86262|0.968051|0.942198|0.982555|0.96132
both long|7 d|2020-2024|256|0.769531|0.027387|0.022416|0.03314|0.043298|0.31451|0.015911|0.010981|0.021369|0.835938|0.960938|0.9296|0.978646|0.962556
both long|7 d|2025-2026|57|0.631579|0.012488|0.008492|0.017554|0.031557|0.408207|0.019069|0.008428|0.029054|0.982456|1|0.936861|1|0.928766
long one, short the other|7 d|all|313|0.744409|0.291423|0.254712|0.334429|0.595139|0.595139|0.303716|0.238433|0.36361|0.182109|0.316294|0.267268|0.369774|0.761551
long one, short the other|7 d|2020-2024|256|0.769531|0.293318|0.251449|0.336968|0.574723|0.574723|0.281405|0.223012|0.339051|0.183594|0.324219|0.269845|0.38379|0.727881
long one, short the other|7 d|2025-2026|57|0.631579|0.282913|0.185742|0.394552|0.686834|0.686834|0.403921|0.236197|0.566973|0.175439|0.280702|0.180794|0.408302|0.830309
both long|30 d|all|72|0.708333|0.027361|0.017628|0.0387|0.037667|0.31803|0.010306|0.000752|0.020481|0.833333|0.972222|0.904258|0.992349|0.953019
both long|30 d|2020-2024|59|0.745763|0.031288|0.020781|0.044265|0.038522|0.29624|0.007234|-0.002333|0.017701|0.79661|0.966102|0.884564|0.990654|0.944769
both long|30 d|2025-2026|13|0.538462|0.009542|0.006394|0.012801|0.033787|0.416923|0.024245|0.009633|0.038019|1|1|0.771905|1|0.978022
long one, short the other|30 d|all|72|0.708333|0.320073|0.26019|0.388202|0.590452|0.590452|0.270379|0.169176|0.375901|0.138889|0.263889|0.175938|0.375759|0.67805
long one, short the other|30 d|2020-2024|59|0.745763|0.329491|0.264316|0.403587|0.547179|0.547179|0.217688|0.110561|0.317891|0.135593|0.237288|0.146946|0.359749|0.614904
long one, short the other|30 d|2025-2026|13|0.538462|0.277327|0.152312|0.425521|0.786844|0.786844|0.509516|0.313459|0.688142|0.153846|0.384615|0.177097|0.644771|0.791209
"""
_WARNING = """\
period|measure|count|value|low|high|placebo|p_value
all|hours with two clusters or more|52848|0.713896||||
all|of those, hours in alert|37728|0.033185||||
all|crossings warned of in the 14 d before|19|0.210526|0.085077|0.433343|0.22525|0.663034
all|false alarms: no crossing in the 14 d after|37|0.891892|0.752915|0.957148|0.840902|0.750681
all|median lead of warnings in time [d]|4|8||||
all|rise of the correlation, day 0 to 7|39|0.025464|0.0128|0.038127|0.000335|0.000454
all|rise of the correlation, day 0 to 30|39|0.067639|0.030861|0.104417|0.000285|0.000908
all|rise of the correlation, day 1 to 7|39|0.015139|0.003022|0.027256|0.000291|0.004995
all|rise of the correlation, day 1 to 30|39|0.057314|0.021508|0.09312|0.000285|0.004541
2020-2024|hours with two clusters or more|43056|0.749164||||
2020-2024|of those, hours in alert|32256|0.038814||||
2020-2024|crossings warned of in the 14 d before|12|0.25|0.088942|0.532305|0.276477|0.675585
2020-2024|false alarms: no crossing in the 14 d after|37|0.918919|0.786993|0.972039|0.882678|0.714047
2020-2024|median lead of warnings in time [d]|3|8||||
2020-2024|rise of the correlation, day 0 to 7|38|0.024952|0.011992|0.037912|-0.00019|0.000557
2020-2024|rise of the correlation, day 0 to 30|36|0.061161|0.023017|0.099304|-0.002303|0.001115
2020-2024|rise of the correlation, day 1 to 7|38|0.014348|0.00201|0.026686|-0.00016|0.008919
2020-2024|rise of the correlation, day 1 to 30|36|0.050685|0.013547|0.087822|-0.002192|0.005017
2025-2026|hours with two clusters or more|9792|0.558824||||
2025-2026|of those, hours in alert|5472|0||||
2025-2026|crossings warned of in the 14 d before|6|0|0|0.390334|0|1
2025-2026|false alarms: no crossing in the 14 d after|0|||||
2025-2026|median lead of warnings in time [d]|0|||||
2025-2026|rise of the correlation, day 0 to 7|0|||||
2025-2026|rise of the correlation, day 0 to 30|0|||||
2025-2026|rise of the correlation, day 1 to 7|0|||||
2025-2026|rise of the correlation, day 1 to 30|0|||||
"""
_PATH = """\
day|rise|placebo|low|high
-14|0.00824|-0.000522|-0.016101|0.017273
-12|0.000939|-0.000484|-0.015126|0.015959
-10|-0.009833|-0.000439|-0.013956|0.013817
-8|-0.004183|-0.000376|-0.012259|0.012152
-6|-0.000989|-0.000291|-0.010562|0.01028
-4|0.003464|-0.000199|-0.00823|0.008152
-2|0.001413|-0.0001|-0.00525|0.005109
0|0|0|0|0
2|0.01444|0.0001|-0.005109|0.00525
4|0.016208|0.000199|-0.008152|0.00823
6|0.023095|0.000291|-0.01028|0.010562
8|0.030342|0.000376|-0.012152|0.012259
10|0.035648|0.000439|-0.013817|0.013956
12|0.038556|0.000484|-0.015959|0.015126
14|0.04071|0.000522|-0.017273|0.016101
16|0.050668|0.000537|-0.018371|0.017681
18|0.055311|0.000529|-0.01932|0.019419
20|0.059602|0.000513|-0.021306|0.020856
22|0.059906|0.000499|-0.022875|0.022273
24|0.058277|0.000452|-0.024611|0.023241
26|0.056686|0.00038|-0.026317|0.025122
28|0.06187|0.000329|-0.028097|0.026303
30|0.067639|0.000285|-0.030271|0.027735
"""
_VENUES = """\
symbol|first|second|timeframe|bars|same_bar|leader|lag|forward|backward|p_value|words
BTC/USDT:USDT|binanceusdm|bybit|15m|73771|0.99914||3|-0.011219|-0.010539|0.231|Neither is shown to lead at this bar length, 15 min (p = 0.231).
BTC/USDT:USDT|binanceusdm|bybit|1h|19365|0.999695||1|-0.013117|-0.011994|0.0355|Neither leads by anything of use: bybit is ahead by a trace (correlation -0.012 that way, -0.013 the other; p = 0.035).
BTC/USDT:USDT|binanceusdm|okx|5m|4414|0.99802||1|0.035838|0.032108|0.066|Neither is shown to lead at this bar length, 5 min (p = 0.066).
BTC/USDT:USDT|binanceusdm|okx|1h|5863|0.999357||3|-0.01457|-0.015305|0.972|Neither is shown to lead at this bar length, 1 h (p = 0.972).
ETH/USDT:USDT|binanceusdm|bybit|1h|18909|0.99977||1|0.002335|0.00418|0.003|Neither leads by anything of use: bybit is ahead by a trace (correlation +0.004 that way, +0.002 the other; p = 0.003).
ETH/USDT:USDT|binanceusdm|okx|1h|5863|0.99903||3|-0.033323|-0.034477|0.188|Neither is shown to lead at this bar length, 1 h (p = 0.188).
SOL/USDT:USDT|binanceusdm|bybit|1h|14171|0.999554||1|-0.018632|-0.01717|0.001|Neither leads by anything of use: bybit is ahead by a trace (correlation -0.017 that way, -0.019 the other; p = 0.001).
SOL/USDT:USDT|binanceusdm|okx|1h|5863|0.987396||4|-0.017281|-0.023481|0.1055|Neither is shown to lead at this bar length, 1 h (p = 0.105).
DOGE/USDT:USDT|binanceusdm|bybit|1h|8243|0.999458||1|-0.004106|-0.00336|0.1715|Neither is shown to lead at this bar length, 1 h (p = 0.172).
DOGE/USDT:USDT|binanceusdm|okx|1h|1667|0.999623||2|-0.049391|-0.048255|0.6185|Neither is shown to lead at this bar length, 1 h (p = 0.619).
"""


def recorded() -> RiskStudyResult:
    """Return the run the screen quotes: 18 Binance perpetuals, hourly. Repeat it with ``heatlab study risk``.

    Returns
    -------
    RiskStudyResult
        Coverage of the two panels, without single years; every second day of the path; six decimals.
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


def warning_words() -> str:
    """Say in a sentence what the systemic warning was worth on real prices, for wherever it is shown."""
    table = recorded().warning.query("period == 'all'").set_index("measure")
    foretold = table.loc["crossings warned of in the 14 d before"]
    rise = table.loc["rise of the correlation, day 0 to 7"]
    return (
        f"On real prices the 30-day correlation rose by {rise['value']:.3f} on average in the week after such a warning "
        f"(p = {max(rise['p_value'], 0.001):.3f}), but it came before only {foretold['value']:.0%} of the crossings of "
        f"the correlation's own high mark, where chance gives {foretold['placebo']:.0%}: it is not proven to come first."
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
