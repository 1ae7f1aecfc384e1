{# Nobody writes to this customer any more, whatever the profile says. The same again adds
   nothing. #}
{{ config(
    materialized='procedure',
    pre_hook="{{ drop_procedure_with_actor() }}",
    meta={
        'parameters': ['customer_id', 'reason'],
        'returns': ['customer_id', 'sentence'],
    }
) }}

{%- set asked = '(select ' ~ parameter('customer_id') ~ ' as customer_id)' %}

insert into {{ ref('suppressions') }} (customer_id, reason, actor, noted_at)
select
    customers.customer_id,
    {{ parameter('reason') }} as reason,
    rights.actor,
    {{ as_of() }} as noted_at
from {{ ref('customer_policies') }} as customers
inner join {{ caller_rights(asked) }} as rights
    on customers.customer_id = rights.customer_id
left join {{ ref('suppressions') }} as known
    on
        customers.customer_id = known.customer_id
        and known.reason = {{ parameter('reason') }}
where rights.may_act and known.customer_id is null;
select
    asked.customer_id,
    case
        {{- refused_by_rights('rights', 'customer') }}
    end as sentence
from {{ asked }} as asked
left join {{ ref('customer_policies') }} as customers on asked.customer_id = customers.customer_id
left join {{ caller_rights(asked) }} as rights on customers.customer_id = rights.customer_id
where not coalesce(rights.may_act, false)
