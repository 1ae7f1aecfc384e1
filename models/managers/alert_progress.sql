{{ config(materialized='ephemeral') }}

with

states as (

    select * from {{ ref('alert_states') }}

),

assignments as (

    select * from {{ current_assignments() }} as current_assignments

),

progress as (

    select
        states.alert_id,
        states.state,
        states.since,
        states.actor,
        states.reason,
        assignments.owner,
        assignments.due_on
    from states
    left join assignments on states.alert_id = assignments.alert_id

)

select * from progress
