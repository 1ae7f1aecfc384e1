{# The parts that reason_groups is made of, and the check that it is complete. #}

{# The days, at least 28, that a customer had been active for by its last visit, of the last so many. #}
{% macro days_known(at_most) -%}
    least({{ at_most }}, greatest(28, datediff('day', cast(first_seen_at as date), cast(last_activity_at as date)) + 1))
{%- endmacro %}

{# What four weeks held on average of a figure of the last twelve. #}
{% macro recent(figure) -%}
    (cast({{ figure }} as double) * 28 / {{ days_known(84) }})
{%- endmacro %}

{# What four weeks usually hold: the average of the last twelve, or of the whole life where that is
   more. So nobody who has been fading for long is measured against the fading. #}
{% macro usual(figure, lifelong_figure) -%}
    greatest(
        {{ recent(figure) }}, cast({{ lifelong_figure }} as double) * 28 / {{ days_known(36500) }}
    )
{%- endmacro %}

{# The trend of the last four weeks against the last twelve when both are as usual. #}
{% macro usual_trend(figure) -%}
    case when {{ figure }} = 0 then 1 else cast(84 as double) / {{ days_known(84) }} end
{%- endmacro %}

{# What is said of an amount: who was paid back more than was bought has spent nothing. #}
{% macro spent(amount) -%}
    (case when {{ amount }} < 0 then 0 else {{ amount }} end)
{%- endmacro %}

{# The codes of all reasons, for what refers to them: seeds/offers.csv, the messages. #}
{% macro reason_codes() %}{{ return(reason_groups() | map(attribute='code') | list) }}{% endmacro %}

{# Each feature with its group and what it usually is, {feature: {code, usual}}; raises when a
   feature is in no group or in two, or when a group has one that the model does not see. #}
{% macro reasons_of_features(features) %}
    {%- set found = {} -%}
    {%- for feature in features_without_reason() -%}
        {%- do found.update({feature: none}) -%}
    {%- endfor -%}
    {%- for group in reason_groups() -%}
        {%- for feature, usual in group.usual.items() -%}
            {%- if feature in found -%}
                {%- do exceptions.raise_compiler_error(
                    "feature '" ~ feature ~ "' is in two groups of reasons: leave it in one of"
                    ~ " macros/alerts/reason_groups.sql"
                ) -%}
            {%- endif -%}
            {%- do found.update({feature: {'code': group.code, 'usual': usual}}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for feature in features if feature not in found -%}
        {%- do exceptions.raise_compiler_error(
            "feature '" ~ feature ~ "' is in no group of reasons: add it to one in"
            ~ " macros/alerts/reason_groups.sql, or to features_without_reason there"
        ) -%}
    {%- endfor -%}
    {%- for feature in found if feature not in features -%}
        {%- do exceptions.raise_compiler_error(
            "macros/alerts/reason_groups.sql has '" ~ feature ~ "', which is no feature of"
            ~ " churn_features(): remove it"
        ) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
