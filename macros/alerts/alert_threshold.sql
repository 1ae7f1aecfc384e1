{# The score from which a customer is at risk. By the rule `score` it is the policy's threshold. By the
   rule `value` it is where a contact begins to pay: contact_success_share x score x expected spend is
   what it costs, the offer included. NULL, which no score reaches, where nothing is to be kept. #}
{% macro alert_threshold(policies, expected_spend) -%}
    case
        when {{ policies }}.alert_rule = 'value'
            then {{ cost_of_contact() }}
                / nullif(greatest({{ var('contact_success_share') }} * {{ expected_spend }}, 0), 0)
        else {{ policies }}.threshold
    end
{%- endmacro %}

{# What one contact costs, in the account's currency. #}
{% macro cost_of_contact() -%}
    ({{ var('contact_cost') }} + {{ var('offer_cost') }})
{%- endmacro %}
