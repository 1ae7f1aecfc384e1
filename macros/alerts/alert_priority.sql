{# What fills the caps first and leads the queue: the greatest of this number. By the var alert_order
   that is the value at risk or, once alert_ranking has proved on held-out customers that it keeps more,
   the value that a message is expected to keep.
   scores: the alias of a relation with score and value_at_risk, joined by alert_priority_joins. #}
{% macro alert_priority(scores) -%}
    {%- set at_risk -%} coalesce({{ finite(scores ~ '.value_at_risk') }}, 0) {%- endset -%}
    {%- if var('alert_order') == 'value_kept' -%}
    case
        when ranking.order_used = 'value_kept'
            then {{ value_kept('band_effects.shrunken', scores ~ '.value_at_risk', scores ~ '.score') }}
        else {{ at_risk }}
    end
    {%- else -%}
    {{ at_risk }}
    {%- endif -%}
{%- endmacro %}

{# The joins that alert_priority needs; none as long as nobody has asked for value_kept. #}
{% macro alert_priority_joins(scores) -%}
    {%- if var('alert_order') == 'value_kept' -%}
    cross join {{ ref('alert_ranking') }} as ranking
    left join {{ ref('retention_effect') }} as band_effects
        on
            band_effects.dimension = 'risk_band'
            and band_effects.name = {{ risk_band(scores ~ '.score') }}
    {%- endif -%}
{%- endmacro %}

{# By which of the two that is, as a text. #}
{% macro alert_order_used() -%}
    {{ 'ranking.order_used' if var('alert_order') == 'value_kept' else "'value_at_risk'" }}
{%- endmacro %}

{# What it is expected to bring to choose a customer for a message, in the account's currency: the
   churn that messages take away in the band, times what the customer is expected to spend by staying,
   less contact and offer. The effect is a difference of churn already, so that the score is no factor
   of its own. A band in which there was no alert yet keeps nothing. #}
{% macro value_kept(effect, value_at_risk, score) -%}
    coalesce({{ finite(effect ~ ' * ' ~ finite(value_at_risk) ~ ' / nullif(' ~ score ~ ', 0)') }}, 0)
    - {{ cost_of_contact() }}
{%- endmacro %}
