{# Whose events, scores and alerts those of an id are now: the id that it was merged into, else its own.
   identities: an alias of customer_identities, left joined by the id. #}
{% macro surviving_id(identities, customer_id) -%}
    coalesce({{ identities }}.surviving_id, {{ customer_id }})
{%- endmacro %}

{# A relation with a column customer_id, which is the surviving id here. #}
{% macro of_surviving_ids(relation) %}
    select
        given.* exclude (customer_id),
        {{ surviving_id('identities', 'given.customer_id') }} as customer_id
    from {{ relation }} as given
    left join {{ ref('customer_identities') }} as identities
        on given.customer_id = identities.customer_id
{% endmacro %}

{# Over how many merges in a row an id is followed. What lies farther is counted in unfollowed_merges. #}
{% macro merge_hops() %}{{ return(3) }}{% endmacro %}

{# All ids of customers, as a relation with customer_id and known_id, which is the customer's own id or
   one that was merged into it.
   customers: a relation with the customer_ids that are asked about, surviving ones. #}
{% macro ids_of_customers(customers) %}
    (
        select
            customer_id,
            customer_id as known_id
        from (select distinct customer_id from {{ customers }} as customers) as asked
        union all
        select
            surviving_id as customer_id,
            customer_id as known_id
        from {{ ref('customer_identities') }}
        where surviving_id in (select customer_id from {{ customers }} as customers)
    )
{% endmacro %}
