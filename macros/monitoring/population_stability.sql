{# The population stability index of one feature's bins: how far the shares of now are from those of
   training, sum((now - then) * ln(now / then)). Below 0.1 nothing has changed, above 0.25 much has.
   counts: a relation with now_share and reference_share, one row per bin. #}
{% macro population_stability() -%}
    sum(
        ({{ share_of_bin('now_share') }} - {{ share_of_bin('reference_share') }})
        * ln({{ share_of_bin('now_share') }} / {{ share_of_bin('reference_share') }})
    )
{%- endmacro %}

{# A bin's share as PSI takes it: an empty bin counts as 0.0001, or its logarithm would be infinite. #}
{% macro share_of_bin(share) -%} least(greatest({{ share }}, 0.0001), 1) {%- endmacro %}

{% macro psi_moderate() %}{{ return(0.1) }}{% endmacro %}
{% macro psi_major() %}{{ return(0.25) }}{% endmacro %}

{# PSI in a word. #}
{% macro shift_in_words(psi) -%}
    case
        when {{ psi }} > {{ psi_major() }} then 'major'
        when {{ psi }} > {{ psi_moderate() }} then 'moderate'
        else 'none'
    end
{%- endmacro %}
