-- Without a row there is nothing to lock, and transactions no longer follow one another.
{{ config(enabled=target.type == 'snowflake') }}

select count(*) as turns
from {{ ref('alert_turn') }}
having count(*) <> 1
