{# Removes a customer from all tables, with all ids that it has, and makes the rows anonymous that
   carry counts. Writes down when and by whom, and a hash of each id, by which what comes again is
   known. dry_run: true answers what there is and changes nothing. While a message to the customer
   is on its way to a sender, nothing is done. The same again does nothing.
   Called by dbt run-operation forget_customer, which does what lies outside the tables. #}
{{ config(
    materialized='procedure',
    meta={
        'parameters': ['customer_id', 'dry_run'],
        'returns': ['name', 'action', 'row_count', 'sentence'],
    }
) }}

{%- set under_way %}
    (
        select count(*) as messages
        from {{ latest_deliveries() }} as deliveries
        inner join ids on deliveries.customer_id = ids.customer_id
        where deliveries.step = 'HANDING_OVER'
    )
{%- endset %}

insert into {{ ref('forgetting') }} (customer_id, anonymous_id)
with {{ personal_rows(parameter('customer_id')) }}
select
    asked.customer_id,
    {{ anonymous_id() }} as anonymous_id
from asked
cross join (select sum(row_count) as row_count from personal_rows) as found
cross join {{ under_way }} as under_way
where
    {{ parameter('dry_run') }} = 'false'
    and {{ calling_user() }} is not null
    and under_way.messages = 0
    and found.row_count > 0;
insert into {{ ref('forgetting') }} (customer_id, anonymous_id)
with asked as (
    select * from {{ ref('forgetting') }}
),

{{ ids_of_customer('asked') }}

select
    ids.customer_id,
    asked.anonymous_id
from ids
cross join asked
where ids.customer_id <> asked.customer_id;
insert into {{ ref('forgetting') }} (customer_id, anonymous_id, alert_id, anonymous_alert_id)
select
    alerts.customer_id,
    names.anonymous_id,
    alerts.alert_id,
    {{ anonymous_id() }} as anonymous_alert_id
from {{ ref('high_risk_history') }} as alerts
inner join {{ ref('forgetting') }} as names on alerts.customer_id = names.customer_id;
{{ forget_rows() }}
insert into {{ ref('forgotten_customers') }} (id_hash, salt, forgotten_at, actor)
select
    hashed.id_hash,
    hashed.salt,
    {{ as_of() }} as forgotten_at,
    {{ calling_user() }} as actor
from (
    select
        {{ id_hash('salts.salt', 'ids.customer_id') }} as id_hash,
        salts.salt
    from ({{ forgotten_ids() }}) as ids
    cross join (
        select coalesce(max(salt), {{ random_id() }}) as salt from {{ ref('forgotten_customers') }}
    ) as salts
) as hashed
left join {{ ref('forgotten_customers') }} as known on hashed.id_hash = known.id_hash
where known.id_hash is null;
delete from {{ ref('forgetting') }};
with {{ personal_rows(parameter('customer_id')) }},

noted as (
    select
        max(forgotten_at) as forgotten_at,
        max(actor) as actor
    from {{ ref('forgotten_customers') }}
    where id_hash = {{ id_hash('salt', parameter('customer_id')) }}
)

select
    name,
    action,
    cast(row_count as {{ dbt.type_string() }}) as row_count,
    cast(null as {{ dbt.type_string() }}) as sentence
from personal_rows
where row_count > 0
union all
select
    null as name,
    null as action,
    null as row_count,
    case
        when {{ calling_user() }} is null
            then 'Snowflake does not say who asks: run grant_access as ACCOUNTADMIN.'
        when under_way.messages > 0
            then 'A message to this customer is being handed over: run this again in a minute, or'
                || ' say what became of it with NOTE_DELIVERY.'
        when found.row_count > 0 then null
        when noted.forgotten_at is not null
            then 'This customer is forgotten, since ' || {{ moment_text('noted.forgotten_at') }}
                || ', by ' || noted.actor || '.'
        else 'There is no such customer.'
    end as sentence
from noted
cross join (select sum(row_count) as row_count from personal_rows) as found
cross join {{ under_way }} as under_way
order by name
