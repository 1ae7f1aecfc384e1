{# Each working day, to managers who are users of the account: how many alerts wait for whom. Counts
   only, no customer. SYSTEM$SEND_EMAIL reaches nobody else, which is why messages to customers take
   another way (outreach/). Exists once var digest_recipients names somebody. #}
{{ config(
    materialized='task',
    enabled=var('digest_recipients') != '',
    meta={'schedule': 'USING CRON 0 7 * * MON-FRI UTC'}
) }}

{{ send_digest() }}
