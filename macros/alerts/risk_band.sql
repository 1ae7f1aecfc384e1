{# The band of a score at the alert, as a text that sorts as the bands do. The bounds are fixed
   probabilities: counted from the threshold, which differs by segment and may be a customer's own
   (alert_threshold), a band would hold other customers whenever a policy changes. Alerts start at 20 to
   25 % as shipped, and most scores stand not far above their threshold, so that the lowest band is
   narrow, and none is so rare that it can never be compared. #}
{% macro risk_band(score) -%}
    case
        when {{ score }} >= 0.8 then '80 to 100 %'
        when {{ score }} >= 0.6 then '60 to 80 %'
        when {{ score }} >= 0.4 then '40 to 60 %'
        else '0 to 40 %'
    end
{%- endmacro %}
