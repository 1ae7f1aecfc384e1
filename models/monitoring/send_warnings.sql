{# Hourly: tells the operators what pipeline_warnings finds and they were not told within a day.
   Exists while var warning_recipients or slack_integration names somebody. #}
{{ config(
    materialized='warning',
    enabled=target.type == 'snowflake' or warns(),
    meta={'schedule': '60 MINUTE' if warns() else 'off', 'told': 'warnings_told'},
) }}

select warnings.warning
from {{ ref('pipeline_warnings') }} as warnings
left join {{ ref('warnings_told') }} as told
    on
        warnings.warning = told.warning
        and told.told_at >= {{ utc_now() }} - interval '1 day'
where told.warning is null
