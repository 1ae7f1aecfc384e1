{# A post-hook of message_settings: whether there are sentences in the language and tone of the vars,
   and whether the template makes a letter of them that is accepted, for each reason and offer. #}
{% macro check_message_language() %}
    {%- set problems %}
        select
            'there are no sentences in language ' || {{ sql_literal(var('message_language')) }}
            || ' and tone ' || {{ sql_literal(var('message_tone')) }}
            || ': set the vars message_language and message_tone to a pair in seeds/message_sentences.csv'
            as problem
        from (
            select count(*) as found
            from {{ ref('message_sentences') }}
            where {{ is_chosen_sentence() }}
        ) as sentences
        where found = 0
        union all
        select
            'the sentences of seeds/message_sentences.csv in language '
            || {{ sql_literal(var('message_language')) }} || ' and tone '
            || {{ sql_literal(var('message_tone')) }} || ' make no acceptable letter with the offer ' || offer
            || ' of seeds/offers.csv for ' || about || ': '
            || coalesce(error, 'it would be marked') as problem
        from ({{ letters_of_the_template() }}) as letters
        where verdict <> 'accepted'
        order by problem desc
    {% endset -%}
    {{ stop_on_problems(problems) }}
{% endmacro %}

{# What the template writes for each reason, without a number and with one, and for each offer. #}
{% macro letters_of_the_template() %}
    select
        offer,
        about,
        {{ json_text('letter', 'verdict') }} as verdict,
        {{ json_text('letter', 'error') }} as error
    from (
        select
            offers.offer,
            reasons.about,
            {{ parse_json(
                "draft_message(write_from_template(reasons.top_reasons, settings.sentences), 'Ada',"
                ~ ' offers.offer_text, reasons.top_reasons, settings.sentences, null)'
            ) }} as letter
        from (select offer, max(offer_text) as offer_text from {{ ref('offers') }} group by offer)
            as offers
        cross join {{ this }} as settings
        cross join (
            select 'any reason' as about, '[]' as top_reasons
            {%- for group in reason_groups() %}
            {%- set facts = {} -%}
            {%- for name in group.numbers or {} -%}{%- do facts.update({name: 9}) -%}{%- endfor %}
            union all
            select
                'the reason {{ group.code }}',
                {{ sql_literal(tojson([{'code': group.code, 'facts': facts}])) }}
            {%- endfor %}
        ) as reasons
    ) as written
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

{# Those that every letter begins and ends with, whoever writes it. #}
{% macro framing_parts() %}
    {{ return(['greeting', 'greeting_without_name', 'sign_off', 'signature']) }}
{% endmacro %}

{# The lines of the sentences for which a condition holds, as one text. #}
{% macro sentence_lines(condition) -%}
    {%- set line = "code || ' | ' || part || ' | ' || reason || ' | ' || sentence_text" -%}
    {{ dbt.listagg('case when ' ~ condition ~ ' then ' ~ line ~ ' end', "'\n'", 'order by place') }}
{%- endmacro %}

{# A text to sort sentences by: their part, then their code. #}
{% macro place_of_sentence() -%}
    case part
        {%- for part in sentence_parts() %} when '{{ part }}' then '{{ loop.index }}'{% endfor %}
    end || code
{%- endmacro %}

{# What is wrong with the sentences: a sentence for each problem, as a query. #}
{% macro sentence_problems(sentences) %}
    {%- set where -%}
        'seeds/message_sentences.csv, ' || coalesce(language, '(no language)') || ' '
        || coalesce(tone, '(no tone)') || ': '
    {%- endset -%}
        {%- for part in sentence_parts() if part != 'middle' %}
        {{ 'union all' if not loop.first }}
        select {{ where }} || 'part {{ part }} has no sentence for any reason' as problem
        from {{ sentences }}
        group by language, tone
        having count(case when part = '{{ part }}' and reason = 'any' then 1 end) = 0
        {%- endfor %}
        union all
        select {{ where }} || 'code ' || code || ' has several sentences: keep one of them'
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
                case {%- for is_wrong, sentence in wrong_sentences() %}
                    when {{ is_wrong }} then '{{ sentence }}'
                    {%- endfor %}
                end as wrong
            from {{ sentences }}
        ) as checked
        where wrong is not null
        order by problem
{% endmacro %}

{# What may be wrong with one row, and how that is said. #}
{% macro wrong_sentences() %}
    {%- set letters = "'abcdefghijklmnopqrstuvwxyz0123456789_'" -%}
    {%- set codes = ['any'] -%}
    {%- for group in reason_groups() -%}{%- do codes.append(group.code) -%}{%- endfor -%}
    {%- set breaks -%}
        translate(sentence_text, chr(9) || chr(10) || chr(13) || '|', '')
    {%- endset -%}
    {{ return([
        ("language is null or tone is null", 'it has no language or no tone'),
        ("coalesce(translate(code, " ~ letters ~ ", ''), '-') <> ''",
         'a code has small letters, digits and underscores only'),
        ("coalesce(part, '') not in ('" ~ sentence_parts() | join("', '") ~ "')",
         'the part is not one of ' ~ sentence_parts() | join(', ')),
        ("coalesce(reason, '') not in ('" ~ codes | join("', '") ~ "')",
         'the reason is not one of ' ~ codes | join(', ')),
        ("coalesce(" ~ trimmed('sentence_text') ~ ", '') = '' or " ~ breaks ~ " <> sentence_text",
         'a text is one line, is not empty and has no | and no tab'),
        (occurrences('{offer}') ~ " <> case when part = 'offer' then 1 else 0 end",
         'a sentence of part offer names {offer} once, and no other does'),
        (occurrences('{name}') ~ " <> case when part = 'greeting' then 1 else 0 end",
         'a greeting names {name} once, and no other sentence does'),
        (without_slots('sentence_text') ~ " like '%' || chr(123) || '%'",
         'braces may hold name, offer, ' ~ reason_numbers() | join(' and ')),
    ]) }}
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
