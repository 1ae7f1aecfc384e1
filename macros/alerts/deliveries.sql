{# How far each message has come: a relation with the latest row of each alert in the outbox. #}
{% macro latest_deliveries() %}
    (
        select *
        from {{ ref('outbox') }}
        qualify row_number() over (
            partition by alert_id order by attempt desc, {{ delivery_order('step') }} desc
        ) = 1
    )
{% endmacro %}

{# The steps in the order in which they come within one attempt. After FAILED, when the message is
   certainly not on its way, there is another attempt; after UNKNOWN somebody has to look. #}
{% macro delivery_steps() %}
    {{ return([
        'QUEUED', 'HANDING_OVER', 'UNKNOWN', 'FAILED', 'INVALID_ADDRESS', 'HANDED_OVER', 'BOUNCED',
        'REPLIED', 'UNSUBSCRIBED',
    ]) }}
{% endmacro %}

{# Those that are noted from outside: the pipeline itself queues messages and begins to hand them over. #}
{% macro noted_steps() %}{{ return(delivery_steps()[2:]) }}{% endmacro %}

{% macro delivery_order(step) -%}
    case {{ step }}
        {%- for name in delivery_steps() %} when '{{ name }}' then {{ loop.index }}{% endfor %}
    end
{%- endmacro %}

{# Messages that went to customers, or may have: a relation with customer_id and noted_at. One that
   somebody looked up and did not find went to nobody. #}
{% macro messages_to_customers() %}
    (
        select messages.customer_id, messages.noted_at
        from {{ ref('outbox') }} as messages
        left join {{ ref('outbox') }} as found_missing
            on
                messages.alert_id = found_missing.alert_id
                and messages.attempt = found_missing.attempt
                and found_missing.step = 'FAILED'
        where messages.step in ('HANDED_OVER', 'UNKNOWN') and found_missing.alert_id is null
    )
{% endmacro %}

{# Queued messages that may be handed over now, the longest waiting first. #}
{% macro waiting_messages(moment) %}
    (
        with queued as (
            select deliveries.*
            from {{ latest_deliveries() }} as deliveries
            inner join {{ ref('alert_states') }} as states
                on deliveries.alert_id = states.alert_id
            where states.state = 'QUEUED' and deliveries.step in ('QUEUED', 'FAILED')
        )
        select
            queued.*,
            contacts.suppressed_because,
            contacts.is_address_invalid,
            row_number() over (
                order by
                    case when contacts.suppressed_because is null then 0 else 1 end,
                    queued.attempt,
                    queued.noted_at,
                    queued.alert_id
            ) as place
        from queued
        inner join {{ contact_suppressions(moment, 'queued') }} as contacts
            on queued.customer_id = contacts.customer_id
    )
{% endmacro %}

{# Queued messages whose customers may no longer be written to. #}
{% macro suppressed_messages() %}
        select
            alert_id,
            {{ suppressed_state('waiting') }} as to_state,
            'system' as moved_by,
            'claim_message' as actor,
            suppressed_because as reason
        from {{ waiting_messages(as_of()) }} as waiting
        where suppressed_because is not null
{% endmacro %}

{# What a noted delivery moves: handed over is sent; who refused it for good is not tried again, and
   of whom only the address was refused, nothing is remembered. #}
{% macro delivered_alerts() %}
        select
            {{ parameter('alert_id') }} as alert_id,
            case {{ parameter('step') }}
                when 'HANDED_OVER' then 'SENT'
                when 'BOUNCED' then 'SUPPRESSED'
                when 'INVALID_ADDRESS' then 'INVALID_ADDRESS'
                else 'EXPIRED'
            end as to_state,
            'system' as moved_by,
            {{ parameter('sender') }} as actor,
            coalesce(nullif({{ parameter('detail') }}, ''), {{ parameter('step') }}) as reason
        from {{ latest_deliveries() }} as deliveries
        where
            deliveries.alert_id = {{ parameter('alert_id') }}
            and (
                {{ parameter('step') }} in ('HANDED_OVER', 'BOUNCED', 'INVALID_ADDRESS')
                or (
                    {{ parameter('step') }} = 'FAILED'
                    and deliveries.attempt >= {{ var('delivery_attempts') }}
                )
            )
{% endmacro %}
