{# What customers may be greeted by: a relation with customer_id and name, which is NULL where the
   profile holds what forms and exports write when there is no name (seeds/name_placeholders.csv).
   customers: a relation with the customer_ids that are asked about; of few, because each name is
   compared with each placeholder. #}
{% macro greeted_names(customers) %}
    (
        select
            profiles.customer_id,
            case when max(placeholders.placeholder) is null then max(profiles.name) end as name
        from (select distinct customer_id from {{ customers }} as customers) as asked
        inner join {{ ref('customer_profiles') }} as profiles
            on asked.customer_id = profiles.customer_id
        left join {{ ref('name_placeholders') }} as placeholders
            on
                {{ name_key('profiles.name') }} = {{ name_key('placeholders.placeholder') }}
                or (
                    placeholders.is_word
                    and {{ name_words('profiles.name') }}
                    like '% ' || {{ name_key('placeholders.placeholder') }} || ' %'
                )
        group by profiles.customer_id
    )
{% endmacro %}

{# A name as it is compared: letters only, so that N/A, n. a. and {{NAME}} need no row each. #}
{% macro name_key(name) -%}
    translate({{ name_letters(name) }}, {{ sql_literal(between_letters()) }}, '')
{%- endmacro %}

{# The words of a name, with a blank before and after each. #}
{% macro name_words(name) -%}
    ' ' || translate({{ name_letters(name) }}, {{ sql_literal(between_letters()) }}, '
    {{- ' ' * (between_letters() | length) }}') || ' '
{%- endmacro %}

{% macro name_letters(name) -%}replace(lower({{ name }}), chr(160), ' '){%- endmacro %}

{% macro between_letters() %}
    {{ return(" .,;:/-_'\"`()[]{}<>|*%#$&@!?+=~0123456789") }}
{% endmacro %}
