{# Intervals of 95 % for shares, as SQL expressions of counts; NULL where there is nobody. #}

{# A bound of Wilson's interval for k of n. side: '-' the lower, '+' the upper one. #}
{% macro wilson_bound(k, n, side) -%}
    (
        ({{ k }} / nullif(cast({{ n }} as double), 0) + {{ z_squared() }} / (2.0 * nullif({{ n }}, 0)))
        {{ side }} {{ z_95() }} * sqrt(greatest(
            ({{ k }} / nullif(cast({{ n }} as double), 0))
            * (1 - {{ k }} / nullif(cast({{ n }} as double), 0)) / nullif({{ n }}, 0)
            + {{ z_squared() }} / (4.0 * nullif({{ n }}, 0) * nullif({{ n }}, 0)),
            0
        ))
    ) / (1 + {{ z_squared() }} / nullif(cast({{ n }} as double), 0))
{%- endmacro %}

{# Two-sided 95 %, and 80 % power: quantiles of the normal distribution. #}
{% macro z_95() -%}1.959963984540054{%- endmacro %}
{% macro z_squared() -%}3.841458820694124{%- endmacro %}
{% macro z_power() -%}0.8416212335729143{%- endmacro %}
