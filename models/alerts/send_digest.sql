{# Each working day, to managers who are users of the account: how many alerts wait for whom. Counts
   only, no customer. SYSTEM$SEND_EMAIL reaches nobody else, which is why messages to customers take
   another way (outreach/). Exists while var digest_recipients names somebody. #}
{{ config(
    materialized='task',
    enabled=target.type == 'snowflake' or var('digest_recipients') != '',
    meta={'schedule': 'USING CRON 0 7 * * MON-FRI UTC' if var('digest_recipients') != '' else 'off'}
) }}

{{ send_digest() }}
