{# What every transaction on Snowflake updates first that writes alerts, so that they follow one another
   (macros/objects/in_turn.sql). One row, always: each build puts it back. #}
{{ config(enabled=target.type == 'snowflake', unique_key='turn_id') }}

select
    1 as turn_id,
    {{ utc_now() }} as taken_at
