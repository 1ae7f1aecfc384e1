{# The bounds of the interval that a verdict goes by, as the columns verdict_low and verdict_high: NULL
   before each arm has least_for_verdict() customers. Reads the columns verdict_errors
   (watched_errors) and standard_error.
   estimate, treated_n, holdout_n: columns. #}
{% macro verdict_bounds(estimate, treated_n, holdout_n) -%}
    {%- for bound, side in [('low', '-'), ('high', '+')] %}
        case
            when least({{ treated_n }}, {{ holdout_n }}) >= {{ least_for_verdict() }}
                then {{ estimate }} {{ side }} verdict_errors * standard_error
        end as verdict_{{ bound }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Customers of an arm below which nothing is said to be proved. #}
{% macro least_for_verdict() -%}30{%- endmacro %}
