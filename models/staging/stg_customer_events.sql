with

source as (

    select * from {{ ref('churn_scores_raw') }}

),

{{ staged_events() }}
