{# Whether a customer has come back after cancelling, or after pausing: there is an active day after
   the day of the last cancellation or pause, or a resumption after its moment. A last look round, or
   a confirmation, on the day itself is no return; a resumption says what it is. #}
{% macro has_returned(left_at, last_active_date, last_resumed_at) -%}
    (
        coalesce({{ last_active_date }} > cast({{ left_at }} as date), false)
        or coalesce({{ last_resumed_at }} > {{ left_at }}, false)
    )
{%- endmacro %}

{# The moment of the last cancellation or pause if it still stands, NULL if there is none or the
   customer has returned. Live, at the cut-offs of training and at the end of label windows. #}
{% macro unless_returned(left_at, last_active_date, last_resumed_at) -%}
    case
        when not {{ has_returned(left_at, last_active_date, last_resumed_at) }} then {{ left_at }}
    end
{%- endmacro %}

{# The same as columns cancelled_at and paused_at of an aggregate.
   last_active_date: an expression of the aggregate. prefix: of a relation with last_cancelled_at,
   last_paused_at and last_resumed_at. #}
{% macro cancelled_and_paused(last_active_date, prefix='') -%}
    {%- set last_resumed_at = 'max(' ~ prefix ~ 'last_resumed_at)' -%}
    {%- for name in ['cancelled', 'paused'] %}
            {{ unless_returned(
                'max(' ~ prefix ~ 'last_' ~ name ~ '_at)', last_active_date, last_resumed_at
            ) }} as {{ name }}_at{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Whether a customer pauses, by the columns above. Whoever has cancelled does not come back from a
   pause. #}
{% macro is_paused(relation) -%}
    ({{ relation }}.cancelled_at is null and {{ relation }}.paused_at is not null)
{%- endmacro %}
