{# The regions that the asking role sees, to be joined with in_visible_region: `*` alone for who sees
   all of them and customers without one, so that nobody is counted twice. One definition for every
   view that shows customers or figures of them. #}
{% macro visible_regions() %}
    select distinct region
    from {{ ref('visible_regions') }}
    qualify region = '*' or count(case when region = '*' then 1 end) over () = 0
{% endmacro %}

{# The condition of a join with that relation, under the name visible_regions. #}
{% macro in_visible_region(region) -%}
    (visible_regions.region = '*' or visible_regions.region = {{ region }})
{%- endmacro %}
