-- Has rows only within a transaction of FORGET_CUSTOMER: what ids and alerts are called afterwards.
-- No state that was ever committed holds a row, so that Time Travel has none either.
select
    cast(null as {{ dbt.type_string() }}) as customer_id,
    cast(null as {{ dbt.type_string() }}) as anonymous_id,
    cast(null as {{ dbt.type_string() }}) as alert_id,
    cast(null as {{ dbt.type_string() }}) as anonymous_alert_id
where 1 = 0
