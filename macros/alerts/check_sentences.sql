{# A post-hook of the seed message_sentences: what a letter could not be made of stops the build. #}
{% macro check_sentences() %}{{ stop_on_problems(sentence_problems(this)) }}{% endmacro %}

{# A post-hook of message_settings: whether there are sentences in the language and tone of the vars. #}
{% macro check_message_language() %}
    {%- set problems %}
        select
            'there are no sentences in language ' || {{ sql_literal(var('message_language')) }}
            || ' and tone ' || {{ sql_literal(var('message_tone')) }}
            || ': set the vars message_language and message_tone to what seeds/message_sentences.csv has'
            as problem
        from (
            select count(*) as found
            from {{ ref('message_sentences') }}
            where {{ is_chosen_sentence() }}
        ) as sentences
        where found = 0
    {% endset -%}
    {{ stop_on_problems(problems) }}
{% endmacro %}

{# The sentences that letters are written of, as the vars say. #}
{% macro is_chosen_sentence() -%}
    language = {{ sql_literal(var('message_language')) }} and tone = {{ sql_literal(var('message_tone')) }}
{%- endmacro %}

{# The parts of a letter in their order; outreach/sentences.py knows them by these names. #}
{% macro sentence_parts() %}
    {{ return([
        'subject', 'greeting', 'greeting_without_name', 'opening', 'middle', 'offer', 'closing',
        'sign_off', 'signature',
    ]) }}
{% endmacro %}

{# A text to sort sentences by: their part, then their code. #}
{% macro place_of_sentence() -%}
    case part
        {%- for part in sentence_parts() %} when '{{ part }}' then '{{ loop.index }}'{% endfor %}
    end || code
{%- endmacro %}

{# What is wrong with the sentences: a sentence for each problem, as a query. #}
{% macro sentence_problems(sentences) %}
    {%- set where = "'seeds/message_sentences.csv, ' || language || ' ' || tone || ': '" %}
        select {{ where }} || 'part {{ sentence_parts()[0] }} has no sentence for any reason' as problem
        from {{ sentences }}
        group by language, tone
        having count(case when part = '{{ sentence_parts()[0] }}' and reason = 'any' then 1 end) = 0
        {%- for part in sentence_parts()[1:] if part != 'middle' %}
        union all
        select {{ where }} || 'part {{ part }} has no sentence for any reason' as problem
        from {{ sentences }}
        group by language, tone
        having count(case when part = '{{ part }}' and reason = 'any' then 1 end) = 0
        {%- endfor %}
        union all
        select {{ where }} || 'code ' || code || ' has several sentences, which one shall it be?'
            as problem
        from {{ sentences }}
        group by language, tone, code
        having count(*) > 1
        union all
        select {{ where }} || 'code ' || coalesce(code, '(none)') || ': ' || wrong as problem
        from (
            select
                language,
                tone,
                code,
                case
                    when
                        code is null or code <> lower(code) or code like '% %' or code like '%|%'
                        then 'a code has small letters, digits and underscores only'
                    when part is null or part not in ('{{ sentence_parts() | join("', '") }}')
                        then 'there is no part ' || coalesce(part, '(none)')
                    when
                        coalesce(sentence_text, '') = '' or sentence_text like '%|%'
                        or sentence_text like '%' || chr(10) || '%'
                        then 'a text is one line, is not empty and has no |'
                    when
                        {{ occurrences('{offer}') }} <> case when part = 'offer' then 1 else 0 end
                        then 'a sentence of part offer names {offer} once, and no other does'
                    when
                        {{ occurrences('{name}') }} <> case when part = 'greeting' then 1 else 0 end
                        then 'a greeting names {name} once, and no other sentence does'
                    when {{ without_slots('sentence_text') }} like '%' || chr(123) || '%'
                        then 'braces may hold name, offer, {{ reason_numbers() | join(' and ') }}'
                end as wrong
            from {{ sentences }}
        ) as checked
        where wrong is not null
        order by problem
{% endmacro %}

{% macro occurrences(slot) -%}
    (length(sentence_text) - length(replace(sentence_text, '{{ slot }}', ''))) / {{ slot | length }}
{%- endmacro %}

{% macro without_slots(text) -%}
    {%- set stripped = namespace(text=text) -%}
    {%- for slot in ['name', 'offer'] + reason_numbers() -%}
        {%- set stripped.text = "replace(" ~ stripped.text ~ ", '{" ~ slot ~ "}', '')" -%}
    {%- endfor -%}
    {{ stripped.text }}
{%- endmacro %}
