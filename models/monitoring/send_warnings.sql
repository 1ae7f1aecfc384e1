{# Hourly: tells the operators what pipeline_warnings finds and they were not told within a day.
   Exists once var warning_recipients or slack_integration names somebody. #}
{{ config(
    materialized='warning',
    enabled=var('warning_recipients') != '' or var('slack_integration') != '',
    meta={'schedule': '60 MINUTE', 'told': 'warnings_told'},
) }}

select warnings.warning
from {{ ref('pipeline_warnings') }} as warnings
left join {{ ref('warnings_told') }} as told
    on
        warnings.warning = told.warning
        and told.told_at >= {{ utc_now() }} - interval '1 day'
where told.warning is null
