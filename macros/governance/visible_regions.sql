{# The regions that the asking session sees, to be joined with in_visible_region: `*` alone for who sees
   all of them and customers without one, so that nobody is counted twice. One definition for every
   view that shows figures of customers. #}
{% macro visible_regions() %}
    select distinct region
    from {{ ref('visible_regions') }}
    qualify region = '*' or count(case when region = '*' then 1 end) over () = 0
{% endmacro %}

{# The condition of a join of a customer's region with that relation. #}
{% macro in_visible_region(region, relation='visible_regions') -%}
    ({{ relation }}.region = '*' or {{ relation }}.region = {{ region }})
{%- endmacro %}
