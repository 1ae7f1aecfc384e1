{# Nobody writes to this customer any more, whatever the profile says. The same again adds
   nothing. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': ['customer_id', 'reason', 'actor'],
        'returns': ['customer_id', 'sentence'],
    }
) }}

insert into {{ ref('suppressions') }} (customer_id, reason, actor, noted_at)
select
    customers.customer_id,
    {{ parameter('reason') }} as reason,
    {{ parameter('actor') }} as actor,
    {{ as_of() }} as noted_at
from {{ ref('customer_policies') }} as customers
left join {{ ref('suppressions') }} as known
    on
        customers.customer_id = known.customer_id
        and known.reason = {{ parameter('reason') }}
where customers.customer_id = {{ parameter('customer_id') }} and known.customer_id is null;
select
    asked.customer_id,
    'There is no such customer.' as sentence
from (select {{ parameter('customer_id') }} as customer_id) as asked
left join {{ ref('customer_policies') }} as customers on asked.customer_id = customers.customer_id
where customers.customer_id is null
