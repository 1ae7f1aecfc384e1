with

states as (

    {{ task_states() }}

)

select * from states
