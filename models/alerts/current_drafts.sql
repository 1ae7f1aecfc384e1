{# A view: what a manager approves and what is sent is the latest revision, never an older one. #}
{{ config(materialized='view') }}

with

emails as (

    select * from {{ ref('retention_emails') }}

),

current_drafts as (

    select *
    from emails
    qualify row_number() over (
        partition by alert_id order by coalesce(revision, 0) desc, created_at desc
    ) = 1

)

select * from current_drafts
