{# The population stability index of one feature's bins: how far the shares of now are from those of
   training, sum((now - then) * ln(now / then)).
   counts: a relation with now_share, reference_share, n and reference_n, one row per bin. #}
{% macro population_stability() -%}
    {%- set now = share_of_bin('now_share', 'n') -%}
    {%- set reference = share_of_bin('reference_share', 'reference_n') -%}
    sum(({{ now }} - {{ reference }}) * ln({{ now }} / {{ reference }}))
{%- endmacro %}

{# A bin's share as PSI takes it: an empty bin counts as half a customer, or its logarithm would be
   infinite, but never as less than one in a million. A greater fixed share would make the empty bins of a small business look like drift. #}
{% macro share_of_bin(share, n) -%}
    least(greatest({{ share }}, 0.5 / cast(greatest({{ n }}, 1) as double), 0.000001), 1)
{%- endmacro %}

{# The PSI that chance alone exceeds for some feature in one week of a hundred, though nothing has
   changed. Then PSI is about chi-square with a degree of freedom less than there are bins, times
   (1/n + 1/reference_n): Yurdakul and Naranjo (2020), "Statistical properties of the population
   stability index". The quantile is that of Wilson and Hilferty (1931); 3.4 is the normal one for
   1 % over 30 figures, the features and the score (Bonferroni). Rows of one customer at several
   cut-offs count as if they were of several: as much as that lessens what the reference knows, chance
   moves the same customers less. #}
{% macro psi_by_chance(bins, n, reference_n) -%}
    {%- set freedom = 'cast(greatest(' ~ bins ~ ' - 1, 1) as double)' -%}
    {{ freedom }}
    * power(1 - 2 / (9 * {{ freedom }}) + 3.4 * sqrt(2 / (9 * {{ freedom }})), 3)
    * (1 / cast(greatest({{ n }}, 1) as double) + 1 / cast(greatest({{ reference_n }}, 1) as double))
{%- endmacro %}

{# From which PSI on something, and much, has moved: the usual 0.1 and 0.25, or what chance explains. #}
{% macro psi_moderate(by_chance) -%} greatest(0.1, {{ by_chance }}) {%- endmacro %}
{% macro psi_major(by_chance) -%} greatest(0.25, {{ by_chance }}) {%- endmacro %}

{# PSI in a word. #}
{% macro shift_in_words(psi, by_chance) -%}
    case
        when {{ psi }} > {{ psi_major(by_chance) }} then 'major'
        when {{ psi }} > {{ psi_moderate(by_chance) }} then 'moderate'
        else 'none'
    end
{%- endmacro %}
